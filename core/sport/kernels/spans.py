"""Which of an activity's named spans a moment is in, and the sums of each span."""

import numba

from core.sport.columns import DT, GAP_D, D, S
from core.sport.kernels import kernel
from core.sport.metrics.spans import FOREVER, STATE


@numba.njit(nogil=True, cache=True)
def span_at(starts, ends, n, now):  # type: ignore[no-untyped-def]
    """The first span that holds ``now`` (-1: none does), and until when that stays so."""
    found, until = -1, FOREVER
    for k in range(n):
        if now < starts[k]:
            until = min(until, starts[k])
        elif now < ends[k]:
            until = min(until, ends[k])
            if found < 0:
                found = k
    return found, until


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    st = state[0]
    if st.n == 0:
        return 0
    dt, d, bridged, s = cols[DT], cols[D], cols[GAP_D], cols[S]
    at, until, fast = st.at, st.until, st.fast
    for i in range(n):
        if t[i] >= until:
            at, until = span_at(st.start, st.end, st.n, t[i])
        if at < 0:
            continue
        st.ms[at] += int(dt[i])
        st.metres[at] += d[i] + bridged[i]
        if s[i] >= fast:
            st.fast_metres[at] += d[i]
        if s[i] > st.top[at]:
            st.top[at] = s[i]
    st.at, st.until = at, until
    return 0
