"""Laps and the shortest times over set distances (design/metrics.md 3.4).

Two searches. The fine one keeps a point a second and finds, at each sample, efforts that start at
such a point and those that end here. The grid keeps the time at each 10 m, so it needs as many
points for a marathon in three hours as in nine, at any rate; its efforts start at one of them.
"""

import math

import numpy as np

from core.sport.columns import DT, GAP_D, D, S
from core.sport.kernels import kernel
from core.sport.metrics.pace import (
    COUNT,
    EFFORTS,
    EVENT,
    FINE,
    FINE_COUNT,
    GRID,
    GRID_MM,
    LAPS_PER_SAMPLE,
    MOST_MM,
    MOST_MS,
    SHIFT,
    STATE,
)

METRES = np.array(EFFORTS, np.int64)  # whole mm
MASK = FINE - 1
LOW = (1 << SHIFT) - 1


@kernel(STATE, EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, bridged, s = cols[DT], cols[D], cols[GAP_D], cols[S]
    st = state[0]
    fine, grid, best_ms, best_t = st.fine, st.grid, st.best_ms, st.best_t
    from_point, from_mark = st.from_point, st.from_mark
    written = 0
    for i in range(n):
        now = t[i]
        step = int(dt[i])
        if st.n == 0:
            st.lap_t = now
        st.metres += d[i] + bridged[i]
        mm = math.floor(st.metres * 1000.0 + 0.5)
        gained = mm - st.last_mm

        # Laps; a lap begins where the one before ended
        crossed = 0
        while mm - st.lap_from >= st.lap_mm and crossed < LAPS_PER_SAMPLE:
            st.lap_from += st.lap_mm
            at = float(now)
            if gained > 0 and st.lap_from >= st.last_mm:
                at = st.last_t + (now - st.last_t) * ((st.lap_from - st.last_mm) / gained)
            out[written].start = st.lap_t
            out[written].ms = at - st.lap_t
            written += 1
            crossed += 1
            st.lap_t = at

        # Pace zones
        if st.edges_n > 0 and s[i] >= st.edges[0]:
            k = 0
            while k < st.edges_n - 1 and s[i] >= st.edges[k + 1]:
                k += 1
            st.zone_ms[k] += step

        # A gap that is not bridged ends the search, and so does what a point cannot hold
        ends = step == 0 and (st.n == 0 or now - st.last_t > st.bridge_ms)
        ends = ends or now - st.origin_t > MOST_MS or mm - st.origin_mm > MOST_MM
        if ends:
            st.origin_t = now
            st.origin_mm = mm
            st.second = -1
            st.points = 0
            st.marks = 1
            grid[0] = 0.0
            for q in range(FINE_COUNT):
                from_point[q] = 0
            for q in range(COUNT):
                from_mark[q] = 0
        x = mm - st.origin_mm
        ms = now - st.origin_t
        x0 = x if ends else st.last_mm - st.origin_mm
        ms0 = ms if ends else st.last_t - st.origin_t
        pace = (ms - ms0) / (x - x0) if x > x0 else 0.0

        # A point at the first sample of each second
        if now // 1000 != st.second:
            st.second = now // 1000
            for q in range(FINE_COUNT):
                if st.points - from_point[q] == FINE:
                    from_point[q] += 1
            fine[st.points & MASK] = (ms << SHIFT) | x
            st.points += 1
        oldest = max(0, st.points - FINE)

        if x > x0:
            for q in range(FINE_COUNT):
                metres = METRES[q]
                j = from_point[q]
                if j == st.points or x - (fine[j & MASK] & LOW) < metres:
                    continue
                while j < st.points and x - (fine[j & MASK] & LOW) >= metres:
                    began = fine[j & MASK] >> SHIFT
                    took = ms0 + (metres + (fine[j & MASK] & LOW) - x0) * pace - began
                    if best_ms[q] < 0.0 or took < best_ms[q]:
                        best_ms[q] = took
                        best_t[q] = st.origin_t + began
                    j += 1
                from_point[q] = j
            for q in range(FINE_COUNT):
                # Ends here, starts between the last point that is far enough and the next
                metres = METRES[q]
                j = from_point[q]
                if j <= oldest or x < metres:
                    continue
                a = fine[(j - 1) & MASK]
                xa, ta = a & LOW, a >> SHIFT
                xb, tb = x, ms
                if j < st.points:
                    xb, tb = fine[j & MASK] & LOW, fine[j & MASK] >> SHIFT
                if xb > xa:
                    began = ta + (tb - ta) * ((x - metres - xa) / (xb - xa))
                    took = ms - began
                    if best_ms[q] < 0.0 or took < best_ms[q]:
                        best_ms[q] = took
                        best_t[q] = st.origin_t + began

            # The grid: each 10 m that this step reached, in order, then the sample itself
            while True:
                reach = min(x, st.marks * GRID_MM)
                for q in range(COUNT):
                    while from_mark[q] < st.marks and (from_mark[q] * GRID_MM + METRES[q] <= reach):
                        began = grid[from_mark[q] % GRID]
                        took = ms0 + (from_mark[q] * GRID_MM + METRES[q] - x0) * pace - began
                        if best_ms[q] < 0.0 or took < best_ms[q]:
                            best_ms[q] = took
                            best_t[q] = st.origin_t + began
                        from_mark[q] += 1
                if st.marks * GRID_MM > x:
                    break
                grid[st.marks % GRID] = ms0 + (st.marks * GRID_MM - x0) * pace
                st.marks += 1
        st.last_t = now
        st.last_mm = mm
        st.n += 1
    return written
