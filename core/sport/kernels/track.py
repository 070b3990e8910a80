"""Distance, smoothed speed and acceleration of every sample (design/metrics.md 2.1 to 2.3).

Runs first; writes the derived columns that all other kernels walk. It also takes the greatest
smoothed speed, because it has just computed it.
"""

import math

from core.sport.columns import A3, DISTANCE, DT, FIX, GAP_D, LAT, LON, S3, SPEED, A, D, S
from core.sport.kernels import kernel
from core.sport.kernels.geodesy import NEAR, RADIANS, near_cosine, step_length
from core.sport.metrics.track import (
    FROM_DEVICE,
    FROM_SPEED,
    INTERVAL,
    RESEARCH,
    RING,
    STATE,
    STEPS,
)

RING_MASK = RING - 1


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    lat, lon, doppler, far = cols[LAT], cols[LON], cols[SPEED], cols[DISTANCE]
    dt_, d_, g_, fix_ = cols[DT], cols[D], cols[GAP_D], cols[FIX]
    s_, a_, s3_, a3_ = cols[S], cols[A], cols[S3], cols[A3]
    st = state[0]
    window, max_gap, bridge = st.window, st.max_gap_ms, st.bridge_ms
    limit, gate, reach = st.limit, st.gate, st.reach_ms
    count, last_t, time, total, gap_distance = (
        st.n,
        st.last_t,
        st.time_ms,
        st.total,
        st.gap_distance,
    )
    ring_n, ring_at, ring_sum = st.ring_n, st.ring_at, st.ring_sum
    short_n, short_at, short_sum = st.short_n, st.short_at, st.short_sum
    past_n, past_at, top = st.past_n, st.past_at, st.max_speed
    fix_t, fix_lat, fix_lon, speed_t = st.fix_t, st.fix_lat, st.fix_lon, st.speed_t
    anchor, cosine, sine = st.anchor, st.cosine, st.sine
    before = st.speed_before

    ring, short, past_t, past_s, past_s3 = st.ring, st.short, st.past_t, st.past_s, st.past_s3
    step_from, step_to, step_d = st.step_from, st.step_to, st.step_d

    for i in range(n):
        now = t[i]
        dt = 0
        if count > 0:
            dt = now - last_t
            if dt > max_gap:
                st.gaps += 1
                st.gap_ms += dt
                if dt > reach:
                    dt = 0
        else:
            st.first_t = now
        if dt == 0:  # R3: a break empties everything that needs contiguity
            ring_n = ring_sum = short_n = short_sum = past_n = 0
            st.steps_n = 0
            before = math.nan
        time += dt

        # Position: valid, then how far since the last valid fix (rules 1 and 2 of 2.1)
        d = 0.0
        bridged = 0.0
        fix = 0.0
        located = False  # a position came, valid or not
        la, lo = lat[i], lon[i]
        if not (math.isnan(la) or math.isnan(lo)):
            valid = abs(la) <= 90.0 and abs(lo) <= 180.0 and not (la == 0.0 and lo == 0.0)
            length = 0.0
            if valid and st.fixes > 0:
                middle = 0.5 * (fix_lat + la) * RADIANS
                if abs(middle - anchor) > NEAR:
                    anchor, cosine, sine = middle, math.cos(middle), math.sin(middle)
                near = near_cosine(middle - anchor, cosine, sine)
                length = step_length(fix_lat, fix_lon, la, lo, near)
                valid = length * 1000.0 <= limit * (now - fix_t)
            if valid:
                if st.fixes > 0:
                    elapsed = now - fix_t
                    if elapsed <= max_gap:
                        d = length
                        located = True
                    else:
                        st.steps_n = 0
                        if elapsed <= bridge:
                            bridged = length
                st.fixes += 1
                fix_t, fix_lat, fix_lon = now, la, lo
                fix = 1.0
            else:
                st.rejected += 1
                located = st.fixes > 0 and now - st.seen_t <= max_gap and dt > 0
            if located:
                # For the speed below: from the last position, valid or not, to this one. A rejected
                # position is a step of length 0, and the next one carries the whole way.
                slot = st.steps_at
                step_from[slot] = st.seen_t
                step_to[slot] = now
                step_d[slot] = d
                st.steps_at = slot + 1 if slot + 1 < STEPS else 0
                if st.steps_n < STEPS:
                    st.steps_n += 1
            st.seen_t = now

        # Speed: the receiver's Doppler value, else from the steps of the last half second (2.2)
        v = doppler[i]
        measured = v >= 0.0 and v <= limit
        if measured:
            st.measured += 1
        else:
            v = math.nan
            if located:
                length, span = 0.0, 0
                slot = st.steps_at
                for k in range(st.steps_n):
                    slot = slot - 1 if slot > 0 else STEPS - 1
                    if k > 0 and step_from[slot] < now - 500:
                        break
                    length += step_d[slot]
                    span += step_to[slot] - step_from[slot]
                v = length * 1000.0 / span
        if not math.isnan(v):
            speed_t = now
            q = math.floor(1000.0 * v + 0.5)
            if ring_n == window:
                ring_sum -= ring[(ring_at - window) & RING_MASK]
            else:
                ring_n += 1
            ring[ring_at] = q
            ring_at = (ring_at + 1) & RING_MASK
            ring_sum += q
            if short_n == RESEARCH:
                short_sum -= short[short_at]
            else:
                short_n += 1
            short[short_at] = q
            short_at = short_at + 1 if short_at < RESEARCH - 1 else 0
            short_sum += q
        elif ring_n > 0 and now - speed_t > max_gap:
            ring_n = ring_sum = short_n = short_sum = past_n = 0

        # Smoothed speed and acceleration; both rings fill and empty together
        a = a3 = 0.0
        if ring_n > 0:
            s = ring_sum / ring_n / 1000.0
            s3 = short_sum / (1000.0 * short_n)
            if s > top:
                top = s
            if past_n == INTERVAL:
                seconds = (now - past_t[past_at]) / 1000.0
                a = (s - past_s[past_at]) / seconds
                a3 = (s3 - past_s3[past_at]) / seconds
            else:
                past_n += 1
            past_t[past_at] = now
            past_s[past_at] = s
            past_s3[past_at] = s3
            past_at = past_at + 1 if past_at < INTERVAL - 1 else 0
        else:
            s = s3 = math.nan
            past_n = 0

        # Stationary gate (rule 3), by the raw Doppler speed, else by the smoothed one
        if dt <= 1000:
            if measured:
                if v < gate:
                    d = 0.0
            elif s < gate:
                d = 0.0
        if st.source == FROM_SPEED:
            d = bridged = 0.0
            if dt > 0 and not (math.isnan(v) or math.isnan(before)):
                d = 0.5 * (before + v) * (dt / 1000.0)
            before = v
        elif st.source == FROM_DEVICE:  # a counter: what it rose by, a fall counts 0
            d = bridged = 0.0
            if not math.isnan(far[i]):
                rise = max(far[i] - st.far, 0.0) if st.far_n > 0 else 0.0
                if now - st.far_t <= reach:
                    d = rise
                else:
                    bridged = rise
                st.far, st.far_t = far[i], now
                st.far_n += 1

        total += d + bridged
        gap_distance += bridged
        count += 1
        last_t = now
        dt_[i] = dt
        d_[i] = d
        g_[i] = bridged
        fix_[i] = fix
        s_[i] = s
        a_[i] = a
        s3_[i] = s3
        a3_[i] = a3

    st.n, st.last_t, st.time_ms, st.total, st.gap_distance = (
        count,
        last_t,
        time,
        total,
        gap_distance,
    )
    st.ring_n, st.ring_at, st.ring_sum = ring_n, ring_at, ring_sum
    st.short_n, st.short_at, st.short_sum = short_n, short_at, short_sum
    st.past_n, st.past_at, st.max_speed = past_n, past_at, top
    st.fix_t, st.fix_lat, st.fix_lon, st.speed_t = fix_t, fix_lat, fix_lon, speed_t
    st.anchor, st.cosine, st.sine = anchor, cosine, sine
    st.speed_before = before
    return 0
