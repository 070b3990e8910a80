"""Graded speed and running power, reduced once to a series of seconds (design/metrics.md 3.4)."""

import math

import numpy as np

from core.sport.columns import HR, POWER, SLOPE, S
from core.sport.kernels import finish as ending
from core.sport.kernels import kernel, part
from core.sport.kernels.elevation import cost
from core.sport.kernels.halves import minute
from core.sport.metrics.elevation import FLAT_COST
from core.sport.metrics.graded import MODEL, NONE, SENSOR, STATE, WINDOW
from core.sport.metrics.halves import HALF_EVENT
from core.sport.metrics.heart import HIGHEST, LOWEST


@part
def push_power(st, k, value, fresh):  # type: ignore[no-untyped-def]
    """One second of power from source ``k``; ``fresh``: its windows start anew."""
    if fresh:
        st.power_ring_n[k] = st.power_ring_at[k] = st.power_ring_sum[k] = 0
    at = st.power_ring_at[k]
    if st.power_ring_n[k] == WINDOW:
        st.power_ring_sum[k] -= st.power_ring[k, at]
    else:
        st.power_ring_n[k] += 1
    st.power_ring[k, at] = value
    st.power_ring_sum[k] += value
    st.power_ring_at[k] = at + 1 if at + 1 < WINDOW else 0
    st.power_n[k] += 1
    st.power_sum[k] += value
    if st.power_ring_n[k] == WINDOW:
        st.power_fourth[k] += (st.power_ring_sum[k] / WINDOW) ** 4
        st.power_fourth_n[k] += 1


@part
def end_second(st, out, written, ledger):  # type: ignore[no-untyped-def]
    """The second under way is over; returns how many events there are now."""
    if st.n == 0:
        return written
    fresh = st.last_second == NONE or st.first_t - st.last_t > st.max_gap_ms
    graded = math.floor(st.mm_sum / st.n + 0.5)
    speed = st.raw_sum / st.n / 1000.0
    slope = st.slope_sum / st.n
    times = 1 if fresh else st.second - st.last_second
    if fresh:
        st.ring_n = st.ring_at = st.ring_sum = 0
        st.last_raw = speed
    hr = st.hr_sum / st.hr_n if st.hr_n > 0 else 0.0
    kinetic = 0.5 * (speed * speed - st.last_raw * st.last_raw) / times
    efficiency = (0.25 + 0.054 * speed) * (1.0 - 0.5 * speed / 8.33)
    model = speed * (cost(slope) * efficiency + st.drag * speed * speed) + kinetic
    for k in range(times):
        if st.ring_n == WINDOW:
            st.ring_sum -= st.ring[st.ring_at]
        else:
            st.ring_n += 1
        st.ring[st.ring_at] = graded
        st.ring_sum += graded
        st.ring_at = st.ring_at + 1 if st.ring_at + 1 < WINDOW else 0
        st.seconds += 1
        mean = st.ring_sum / WINDOW
        full = st.ring_n == WINDOW
        if full:
            st.fourth += mean**4
            st.fourth_n += 1
        if ledger and hr > 0.0:
            written = minute(st, mean, full, hr, out, written)
        if st.watt_n > 0:
            watts = math.floor(st.watt_sum / st.watt_n + 0.5)
            push_power(st, SENSOR, watts, fresh and k == 0)
        if not math.isnan(model):
            push_power(st, MODEL, math.floor(max(0.0, model) * 1000.0 + 0.5), fresh and k == 0)
    st.last_second, st.last_t, st.last_raw = st.second, st.latest_t, speed
    return written


@kernel(STATE, HALF_EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    s, slope, hr, power = cols[S], cols[SLOPE], cols[HR], cols[POWER]
    st = state[0]
    written = 0
    for i in range(n):
        second = t[i] // 1000
        if second != st.second:
            written = end_second(st, out, written, True)
            st.second = second
            st.mm_sum = st.raw_sum = st.n = st.hr_n = st.watt_n = 0
            st.slope_sum = st.hr_sum = st.watt_sum = 0.0
        v = s[i]
        if not math.isnan(v):
            if st.n == 0:
                st.first_t = t[i]
            st.latest_t = t[i]
            st.mm_sum += math.floor(1000.0 * v * cost(slope[i]) / FLAT_COST + 0.5)
            st.raw_sum += math.floor(1000.0 * v + 0.5)
            st.slope_sum += slope[i]
            st.n += 1
        if hr[i] >= LOWEST and hr[i] <= HIGHEST:
            st.hr_sum += hr[i]
            st.hr_n += 1
        if power[i] >= 0.0:
            st.watt_sum += power[i]
            st.watt_n += 1
    return written


@ending(STATE)
def finish(state):  # type: ignore[no-untyped-def]
    """The last second as if it were over; the ledger of minutes takes whole seconds only."""
    end_second(state[0], np.zeros(1, HALF_EVENT), 0, False)
