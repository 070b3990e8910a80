"""Laps and the shortest times over set distances (design/metrics.md 3.4).

Two searches. The fine one keeps a point a second and finds, at each sample, efforts that start at
such a point and those that end here. The grid keeps the time at each 10 m, so it needs as many
points for a marathon in three hours as in nine, at any rate; its efforts start at one of them.
"""

import math

import numpy as np

from core.sport.columns import DT, GAP_D, D, S
from core.sport.kernels import kernel, part
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


@part
def next_due(from_mark):  # type: ignore[no-untyped-def]
    """Where the next effort that starts at a mark ends, mm."""
    due = from_mark[0] * GRID_MM + METRES[0]
    for q in range(1, COUNT):
        due = min(due, from_mark[q] * GRID_MM + METRES[q])
    return due


@kernel(STATE, EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, bridged, s = cols[DT], cols[D], cols[GAP_D], cols[S]
    st = state[0]
    fine, grid, best_ms, best_t = st.fine, st.grid, st.best_ms, st.best_t
    from_point, from_mark = st.from_point, st.from_mark
    count, metres, last_t, last_mm = st.n, st.metres, st.last_t, st.last_mm
    lap_t, lap_from, lap_mm, bridge_ms = st.lap_t, st.lap_from, st.lap_mm, st.bridge_ms
    origin_t, origin_mm, second = st.origin_t, st.origin_mm, st.second
    points, marks = st.points, st.marks
    edges, edges_n, zone_ms = st.edges, st.edges_n, st.zone_ms
    due = next_due(from_mark)
    written = 0
    for i in range(n):
        now = t[i]
        step = int(dt[i])
        if count == 0:
            lap_t = float(now)
        metres += d[i] + bridged[i]
        mm = math.floor(metres * 1000.0 + 0.5)
        gained = mm - last_mm

        # Laps; a lap begins where the one before ended
        crossed = 0
        while mm - lap_from >= lap_mm and crossed < LAPS_PER_SAMPLE:
            lap_from += lap_mm
            at = float(now)
            if gained > 0 and lap_from >= last_mm:
                at = last_t + (now - last_t) * ((lap_from - last_mm) / gained)
            out[written].start = lap_t
            out[written].ms = at - lap_t
            written += 1
            crossed += 1
            lap_t = at

        # Pace zones
        if edges_n > 0 and s[i] >= edges[0]:
            k = 0
            while k < edges_n - 1 and s[i] >= edges[k + 1]:
                k += 1
            zone_ms[k] += step

        # A gap that is not bridged ends the search, and so does what a point cannot hold
        ends = step == 0 and (count == 0 or now - last_t > bridge_ms)
        ends = ends or now - origin_t > MOST_MS or mm - origin_mm > MOST_MM
        if ends:
            origin_t = now
            origin_mm = mm
            second = -1
            points = 0
            marks = 1
            grid[0] = 0.0
            for q in range(FINE_COUNT):
                from_point[q] = 0
            for q in range(COUNT):
                from_mark[q] = 0
            due = METRES[0]
        x = mm - origin_mm
        ms = now - origin_t
        x0 = x if ends else last_mm - origin_mm
        ms0 = ms if ends else last_t - origin_t
        pace = (ms - ms0) / (x - x0) if x > x0 else 0.0

        # A point at the first sample of each second
        if now // 1000 != second:
            second = now // 1000
            for q in range(FINE_COUNT):
                if points - from_point[q] == FINE:
                    from_point[q] += 1
            fine[points & MASK] = (ms << SHIFT) | x
            points += 1
        oldest = max(0, points - FINE)

        if x > x0:
            for q in range(FINE_COUNT):
                length = METRES[q]
                if x < length:
                    break
                j = from_point[q]
                best, best_from = best_ms[q], best_t[q]
                # Starts at a point, ends on this step
                xb, tb = x, ms
                while j < points:
                    point = fine[j & MASK]
                    if x - (point & LOW) < length:
                        xb, tb = point & LOW, point >> SHIFT
                        break
                    began = point >> SHIFT
                    took = ms0 + (length + (point & LOW) - x0) * pace - began
                    if best < 0.0 or took < best:
                        best, best_from = took, float(origin_t + began)
                    j += 1
                from_point[q] = j
                # Ends here, starts between the last point that is far enough and the next
                if j > oldest:
                    a = fine[(j - 1) & MASK]
                    xa, ta = a & LOW, a >> SHIFT
                    if xb > xa:
                        started = ta + (tb - ta) * ((x - length - xa) / (xb - xa))
                        took = ms - started
                        if best < 0.0 or took < best:
                            best, best_from = took, origin_t + started
                best_ms[q], best_t[q] = best, best_from

            # The grid: each 10 m that this step reached, in order, then the sample itself
            while True:
                mark = marks * GRID_MM
                reach = min(x, mark)
                if reach >= due:
                    for q in range(COUNT):
                        end = from_mark[q] * GRID_MM + METRES[q]
                        while end <= reach:  # which is behind the newest mark
                            began_at = grid[from_mark[q] % GRID]
                            took = ms0 + (end - x0) * pace - began_at
                            if best_ms[q] < 0.0 or took < best_ms[q]:
                                best_ms[q] = took
                                best_t[q] = origin_t + began_at
                            from_mark[q] += 1
                            end += GRID_MM
                    due = next_due(from_mark)
                if mark > x:
                    break
                grid[marks % GRID] = ms0 + (mark - x0) * pace
                marks += 1
        last_t = now
        last_mm = mm
        count += 1
    st.n, st.metres, st.last_t, st.last_mm = count, metres, last_t, last_mm
    st.lap_t, st.lap_from = lap_t, lap_from
    st.origin_t, st.origin_mm, st.second = origin_t, origin_mm, second
    st.points, st.marks = points, marks
    return written
