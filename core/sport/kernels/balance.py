"""How the power divides between the legs: two sums (design/metrics.md 3.3)."""

from core.sport.columns import BALANCE, DT, POWER
from core.sport.kernels import kernel
from core.sport.metrics.balance import STATE


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, power, balance = cols[DT], cols[POWER], cols[BALANCE]
    st = state[0]
    work, left = st.work, st.left
    for i in range(n):
        if power[i] > 0.0 and balance[i] >= 0.0:
            part = power[i] * dt[i]
            work += part
            left += part * balance[i]
    st.work, st.left = work, left
    return 0
