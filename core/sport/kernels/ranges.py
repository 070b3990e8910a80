"""Time and distance per speed range (design/metrics.md 2.6)."""

from core.sport.columns import DT, D, S
from core.sport.kernels import kernel
from core.sport.metrics.ranges import STATE


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, s = cols[DT], cols[D], cols[S]
    st = state[0]
    last = st.edges_n - 1
    edges, ms, metres = st.edges, st.ms, st.metres
    for i in range(n):
        v = s[i]
        if not v >= 0.0:  # undefined
            continue
        k = 0
        while k < last and v >= edges[k + 1]:
            k += 1
        ms[k] += int(dt[i])
        metres[k] += d[i]
    return 0
