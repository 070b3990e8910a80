"""Ascent, slope, flat-equivalent distance, climbs: one pass over the altitude (2.13)."""

import math

import numba

from core.sport.columns import ALT, DT, SLOPE, D
from core.sport.kernels import kernel, part
from core.sport.metrics.elevation import (
    CLIMB_FROM,
    CLIMB_UNDER,
    DROP,
    EVENT,
    FAR,
    FLAT_COST,
    LEAST_LENGTH,
    LEAST_RISE,
    LEVEL_METRES,
    MEDIAN,
    NEAR,
    POINTS,
    SPACING,
    STATE,
    STEEPEST,
)

MASK = POINTS - 1


@numba.njit("float64(float64)", nogil=True, cache=True)
def cost(i):  # type: ignore[no-untyped-def]
    """J/kg/m at slope ``i`` (Minetti 2002)."""
    return ((((155.4 * i - 30.4) * i - 43.3) * i + 46.3) * i + 19.5) * i + 3.6


@part
def median(st, z):  # type: ignore[no-untyped-def]
    """Median of the last altitudes with ``z`` among them."""
    alt, n = st.alt, st.alt_n
    if n < MEDIAN:
        alt[n] = z
        n += 1
        st.alt_n = n
    else:
        for k in range(MEDIAN - 1):
            alt[k] = alt[k + 1]
        alt[MEDIAN - 1] = z
    if n == MEDIAN:  # nearly always; the middle one by comparing pairs
        a, b = min(alt[0], alt[1]), max(alt[0], alt[1])
        c, d = min(alt[2], alt[3]), max(alt[2], alt[3])
        a, c = max(a, c), min(b, d)  # neither the least nor the greatest of the four
        low, high = min(a, c), max(a, c)
        return max(low, min(high, z))
    low = high = z
    # Few values: the one with as many below as above, found by counting.
    for k in range(n):
        x = alt[k]
        below = 0
        for j in range(n):
            if alt[j] < x or (alt[j] == x and j < k):
                below += 1
        if below == (n - 1) // 2:
            low = x
        if below == n // 2:
            high = x
    return 0.5 * (low + high)


@part
def close(st, way, out, written):  # type: ignore[no-untyped-def]
    """End a climb or descent at its top; returns how many events there are now."""
    st.open[way] = 0
    rise = st.top_z[way] - st.start_z[way]
    metres = st.top_d[way] - st.start_d[way]
    if abs(rise) < LEAST_RISE or metres < LEAST_LENGTH:
        return written
    event = out[written]
    event.way = way
    event.start = st.start_t[way]
    event.ms = st.top_t[way] - st.start_t[way]
    event.metres = metres
    event.rise = rise
    return written + 1


@kernel(STATE, EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, altitude, slope = cols[DT], cols[D], cols[ALT], cols[SLOPE]
    st = state[0]
    written = 0
    point_t, point_d, point_z = st.point_t, st.point_d, st.point_z
    for i in range(n):
        step = int(dt[i])
        z = altitude[i]
        if step == 0:
            for way in range(2):
                if st.open[way]:
                    written = close(st, way, out, written)
            st.alt_n = st.points_n = 0
            st.near = st.far = -1
            st.metres = 0.0
        st.metres += d[i]
        if not math.isnan(z):
            if st.n == 0:
                st.reference = z
            st.n += 1
            if z - st.reference >= st.threshold:
                st.ascent += z - st.reference
                st.reference = z
            elif st.reference - z >= st.threshold:
                st.descent += st.reference - z
                st.reference = z
            st.median = median(st, z)

        i_slope = 0.0
        here, level = st.metres, st.median
        if st.points_n > 0:
            # Points only fall behind: the newest far enough is found by going on from the last.
            while st.near + 1 < st.points_n and here - point_d[(st.near + 1) & MASK] >= NEAR:
                st.near += 1
            while st.far + 1 < st.points_n and here - point_d[(st.far + 1) & MASK] >= FAR:
                st.far += 1
            if st.near >= 0:
                k = st.near & MASK
                i_slope = (level - point_z[k]) / (here - point_d[k])
                i_slope = min(STEEPEST, max(-STEEPEST, i_slope))
            for way in range(2):
                sign = 1.0 - 2.0 * way
                k = st.far & MASK
                if st.open[way]:
                    gain = sign * (level - st.top_z[way])
                    if gain > 0.0:
                        st.top_t[way] = t[i]
                        st.top_d[way] = here
                        st.top_z[way] = level
                    steep = sign * (level - point_z[k]) >= CLIMB_UNDER * (here - point_d[k])
                    st.level[way] = 0.0 if steep else st.level[way] + d[i]
                    if st.level[way] >= LEVEL_METRES or -gain > DROP:
                        written = close(st, way, out, written)
                elif st.far >= 0 and (
                    sign * (level - point_z[k]) >= CLIMB_FROM * (here - point_d[k])
                ):
                    st.open[way] = 1
                    st.start_t[way] = point_t[k]
                    st.start_d[way] = point_d[k]
                    st.start_z[way] = point_z[k]
                    st.top_t[way] = t[i]
                    st.top_d[way] = here
                    st.top_z[way] = level
                    st.level[way] = 0.0
        if st.alt_n > 0 and (
            st.points_n == 0 or here - point_d[(st.points_n - 1) & MASK] >= SPACING
        ):
            k = st.points_n & MASK
            point_t[k] = t[i]
            point_d[k] = here
            point_z[k] = level
            st.points_n += 1

        slope[i] = i_slope
        st.flat_metres += d[i] * cost(i_slope) / FLAT_COST
        k = 0
        while k < st.edges_n and i_slope >= st.edges[k]:
            k += 1
        st.class_ms[k] += step
        st.class_metres[k] += d[i]
    return written
