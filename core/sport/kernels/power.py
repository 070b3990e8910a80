"""Power: one reduction to seconds feeds means, curve, zones, W' balance (design/metrics.md 3.3)."""

import numpy as np

from core.sport.columns import HR, POWER
from core.sport.kernels import finish as ending
from core.sport.kernels import kernel, part
from core.sport.kernels.halves import minute
from core.sport.kernels.power_series import FRESH, missing, watts
from core.sport.metrics.halves import HALF_EVENT
from core.sport.metrics.heart import HIGHEST, LOWEST
from core.sport.metrics.power import COUNT, DURATIONS, RING, STATE, WINDOW

SPANS = np.array(DURATIONS, np.int64)


@part
def push(st, w, second):  # type: ignore[no-untyped-def]
    """One second of the series, a missing one included. A window's sum is the difference of two
    totals: whole numbers, so that it is exact.
    """
    at, since = st.at, st.since + 1
    best, ring = st.best, st.ring
    total = ring[at] + w
    while st.whole < COUNT and SPANS[st.whole] <= since:
        st.whole += 1
    better = 0  # a second rarely has a best mean: asking all windows first needs no branch
    for q in range(st.whole):
        place = at + 1 - SPANS[q]
        better += total - ring[place if place >= 0 else place + RING] > best[q]
    if better > 0:
        for q in range(st.whole):
            place = at + 1 - SPANS[q]
            joules = total - ring[place if place >= 0 else place + RING]
            if joules > best[q]:
                best[q] = joules
                st.best_second[q] = second + 1 - SPANS[q]
    if since >= WINDOW:
        place = at + 1 - WINDOW
        st.window_sum = total - ring[place if place >= 0 else place + RING]
        st.fourth += (st.window_sum / WINDOW) ** 4
        st.fourth_n += 1
    at = at + 1 if at + 1 < RING else 0
    ring[at] = total
    st.at = at
    st.since = since
    balance = st.balance
    if w >= st.cp:
        balance -= w - st.cp
        if balance < st.balance_least:
            st.balance_least = balance
            st.balance_second = second
    elif w < st.cp:
        balance += (st.cp - w) * (st.w_prime - balance) / st.w_prime
    st.balance = balance


@part
def end_second(st, out, written, ledger):  # type: ignore[no-untyped-def]
    """The second under way is over; returns how many events there are now."""
    if st.watt_n == 0:
        return written
    w = watts(st.watt_sum, st.watt_n)
    zeros = missing(st.last_second, st.last_t, st.second, st.first_t, st.max_gap_ms)
    if zeros == FRESH:
        st.since = st.at = st.whole = st.ring[0] = 0
    for k in range(zeros):
        push(st, 0, st.last_second + 1 + k)
    push(st, w, st.second)
    st.seconds += 1
    st.joules += w
    st.top = max(st.top, w)
    if st.edges_n > 0:
        k = 0
        while k < st.edges_n - 1 and w >= st.edges[k + 1]:
            k += 1
        st.zone_s[k] += 1
    if ledger and st.hr_n > 0:
        mean = st.window_sum / WINDOW
        written = minute(st, mean, st.since >= WINDOW, st.hr_sum / st.hr_n, out, written)
    st.last_second, st.last_t = st.second, st.latest_t
    return written


@kernel(STATE, HALF_EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    power, hr = cols[POWER], cols[HR]
    st = state[0]
    written = 0
    for i in range(n):
        second = t[i] // 1000
        if second != st.second:
            written = end_second(st, out, written, True)
            st.second = second
            st.watt_n = st.hr_n = 0
            st.watt_sum = st.hr_sum = 0.0
        if power[i] >= 0.0:
            if st.watt_n == 0:
                st.first_t = t[i]
            st.latest_t = t[i]
            st.watt_sum += power[i]
            st.watt_n += 1
        if hr[i] >= LOWEST and hr[i] <= HIGHEST:
            st.hr_sum += hr[i]
            st.hr_n += 1
    return written


@ending(STATE)
def finish(state):  # type: ignore[no-untyped-def]
    """The last second as if it were over; the ledger of minutes takes whole seconds only."""
    end_second(state[0], np.zeros(1, HALF_EVENT), 0, False)
