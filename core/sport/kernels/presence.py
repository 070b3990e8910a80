"""For how much of the valid time each channel was there: a step counts while the channel's last
value is no older than a gap.
"""

from core.sport.columns import DT
from core.sport.kernels import kernel
from core.sport.metrics.presence import CHANNELS, STATE

ROWS = tuple(row for _, row, _, _ in CHANNELS)
LEAST = tuple(least for _, _, least, _ in CHANNELS)
MOST = tuple(most for _, _, _, most in CHANNELS)


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt = cols[DT]
    st = state[0]
    reach = st.reach_ms
    for k in range(len(ROWS)):
        if st.used[k] == 0:
            continue
        row, least, most = cols[ROWS[k]], LEAST[k], MOST[k]
        seen, ms = st.seen[k], st.ms[k]
        for i in range(n):
            if row[i] >= least and row[i] <= most:
                seen = t[i]
            if t[i] - seen <= reach:
                ms += int(dt[i])
        st.seen[k], st.ms[k] = seen, ms
    return 0
