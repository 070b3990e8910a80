"""The ledger of minutes behind decoupling; called once a second by the kernel that has both."""

from core.sport.kernels import part
from core.sport.metrics.halves import MINUTE


@part
def minute(st, mean, full, hr, out, written):  # type: ignore[no-untyped-def]
    """Add a second with both channels; returns how many events there are now."""
    if full:
        st.half_fourth += mean**4
        st.half_fourth_n += 1
    st.half_hr += hr
    st.half_n += 1
    if st.half_n == MINUTE:
        out[written].fourth = st.half_fourth
        out[written].fourth_n = st.half_fourth_n
        out[written].hr = st.half_hr
        out[written].n = st.half_n
        written += 1
        st.half_fourth = st.half_hr = 0.0
        st.half_fourth_n = st.half_n = 0
    return written
