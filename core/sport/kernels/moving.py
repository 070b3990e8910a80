"""Moving time and stops (design/metrics.md 2.11)."""

from core.sport.columns import DT, S
from core.sport.kernels import kernel
from core.sport.metrics.moving import STATE, STOP_MS


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, s = cols[DT], cols[S]
    st = state[0]
    limit, moving_ms, still_ms = st.limit, st.moving_ms, st.still_ms
    for i in range(n):
        step = int(dt[i])
        moving = s[i] >= limit
        if moving or step == 0:
            if still_ms >= STOP_MS:
                st.stops += 1
                st.stop_ms += still_ms
            still_ms = 0
        if moving:
            moving_ms += step
        else:
            still_ms += step
    st.moving_ms, st.still_ms = moving_ms, still_ms
    return 0
