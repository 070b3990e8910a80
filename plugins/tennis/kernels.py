"""Tennis kernels. Workers only."""

from core.sport.columns import DT, D, S
from core.sport.kernels import kernel
from plugins.tennis.metrics import ACTIVE_SPEED, BOUT_MS, STATE, TAIL_MS


@kernel(STATE)
def bouts(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, s = cols[DT], cols[D], cols[S]
    st = state[0]
    for i in range(n):
        step = int(dt[i])
        if step == 0:
            st.fast_t = t[i] - TAIL_MS - 1
        if s[i] >= ACTIVE_SPEED:
            st.fast_t = t[i]
        active = t[i] - st.fast_t <= TAIL_MS
        if st.active and (not active or step == 0):
            if st.ms >= BOUT_MS:
                st.bouts += 1
                st.bouts_ms += st.ms
                st.bouts_metres += st.metres
                st.longest_ms = max(st.longest_ms, st.ms)
            st.active = 0
        if active:
            if not st.active:
                st.active = 1
                st.ms = 0
                st.metres = 0.0
            st.ms += step
            st.metres += d[i]
    return 0
