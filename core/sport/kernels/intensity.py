"""Distance per consecutive window; a window leaves as an event when the next begins (2.7)."""

from core.sport.columns import GAP_D, D
from core.sport.kernels import kernel
from core.sport.metrics.intensity import EVENT, STATE


@kernel(STATE, EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    d, bridged = cols[D], cols[GAP_D]
    st = state[0]
    written = 0
    window, metres = st.window, st.metres
    ends = st.start + (window + 1) * st.span_ms
    for i in range(n):
        if t[i] >= ends:
            if window >= 0:
                out[written].window = window
                out[written].metres = metres
                written += 1
            window = (t[i] - st.start) // st.span_ms
            ends = st.start + (window + 1) * st.span_ms
            metres = 0.0
        metres += d[i] + bridged[i]
    st.window, st.metres = window, metres
    return written
