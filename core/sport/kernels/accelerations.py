"""Acceleration and deceleration efforts: one machine with a sign (design/metrics.md 2.4)."""

from core.sport.columns import DT, A, D, S
from core.sport.kernels import kernel
from core.sport.metrics.accelerations import EVENT, STATE


@kernel(STATE, EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, s, acceleration = cols[DT], cols[D], cols[S], cols[A]
    st = state[0]
    written = 0
    sign, boundary = st.sign, st.boundary
    for i in range(n):
        a = acceleration[i]
        now = 0
        if a >= boundary:
            now = 1
        elif a <= -boundary:
            now = -1
        if sign == 0 and now == 0:
            continue
        if sign != 0 and now != sign:
            reached = st.peak >= st.lowest_up if sign > 0 else -st.peak >= st.lowest_down
            if reached and st.above_ms >= st.min_ms:
                event = out[written]
                event.start = st.start
                event.ms = st.ms
                event.above_ms = st.above_ms
                event.peak = st.peak
                event.metres = st.metres
                event.first = st.first
                event.last = st.last
                written += 1
            sign = 0
        if now == 0:
            continue
        step = int(dt[i])
        if sign == 0:
            sign = now
            st.start = t[i]
            st.first = s[i]
            st.peak = 0.0
            st.metres = 0.0
            st.ms = 0
            st.above_ms = 0
        st.last = s[i]
        st.ms += step
        st.metres += d[i]
        if abs(a) > abs(st.peak):
            st.peak = a
        if abs(a) >= (st.lowest_up if sign > 0 else st.lowest_down):
            st.above_ms += step
    st.sign = sign
    return written
