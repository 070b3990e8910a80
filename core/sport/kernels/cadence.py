"""Cadence, steps, torque, gear: sums over the samples that have a cadence (3.3, 3.4)."""

from core.sport.columns import CADENCE, DT, POWER, D
from core.sport.kernels import kernel
from core.sport.metrics.cadence import BUCKET_MS, LEAST_CADENCE, LEAST_MS, STATE


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, cadence, power = cols[DT], cols[D], cols[CADENCE], cols[POWER]
    st = state[0]
    for i in range(n):
        bucket = t[i] // BUCKET_MS
        if bucket != st.bucket:
            pedalled = st.bucket_turns >= LEAST_CADENCE * st.bucket_ms
            if st.bucket_ms >= LEAST_MS and pedalled and st.bucket_metres > 0.0:
                gear = st.bucket_metres / (st.bucket_turns / 60_000.0)
                st.gear_low = gear if st.gears == 0 else min(st.gear_low, gear)
                st.gear_high = max(st.gear_high, gear)
                st.gear_sum += gear
                st.gears += 1
            st.bucket = bucket
            st.bucket_ms = 0
            st.bucket_turns = st.bucket_metres = 0.0
        turns = cadence[i] * st.factor
        if not turns > 0.0:
            continue
        step = int(dt[i])
        st.n += 1
        st.top = max(st.top, turns)
        st.ms += step
        st.turns += turns * step
        st.metres += d[i]
        st.bucket_ms += step
        st.bucket_turns += turns * step
        st.bucket_metres += d[i]
        if power[i] >= 0.0:
            torque = power[i] / turns
            st.torque_top = max(st.torque_top, torque)
            st.torque_n += 1
            st.torque_ms += step
            st.torque += torque * step
    return 0
