"""Tennis kernels. Workers only."""

from core.sport.columns import DT, FIX, LAT, LON, D, S
from core.sport.kernels import kernel
from core.sport.kernels.plane import place, slot_before
from plugins.tennis import court as courts
from plugins.tennis.court import (
    AT_NET,
    BASE_MOST_MS,
    BASE_MS,
    BEHIND,
    INSIDE,
    LATERAL,
    NET,
    OUTSIDE,
    RING,
    WITHIN_MS,
)
from plugins.tennis.metrics import ACTIVE_SPEED, BOUT_MS, STATE, TAIL_MS


@kernel(STATE)
def bouts(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, s = cols[DT], cols[D], cols[S]
    st = state[0]
    for i in range(n):
        step = int(dt[i])
        if step == 0:
            st.fast_t = t[i] - TAIL_MS - 1
        if s[i] >= ACTIVE_SPEED:
            st.fast_t = t[i]
        active = t[i] - st.fast_t <= TAIL_MS
        if st.active and (not active or step == 0):
            if st.ms >= BOUT_MS:
                st.bouts += 1
                st.bouts_ms += st.ms
                st.bouts_metres += st.metres
                st.longest_ms = max(st.longest_ms, st.ms)
            st.active = 0
        if active:
            if not st.active:
                st.active = 1
                st.ms = 0
                st.metres = 0.0
            st.ms += step
            st.metres += d[i]
    return 0


@kernel(courts.STATE)
def court(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    st = state[0]
    if st.on == 0:
        return 0
    lat, lon, fix, dt = cols[LAT], cols[LON], cols[FIX], cols[DT]
    half, width = 0.5 * st.field[8], st.field[9]
    for i in range(n):
        now = t[i]
        step = int(dt[i])
        if step == 0:
            st.n = st.way = 0
        if fix[i] == 1.0:
            if now - st.fix_t > st.max_gap_ms:
                st.n = st.way = 0
            x, y = place(st.field, lat[i], lon[i])
            st.fixes += 1
            st.fix_t = now
            from_net, aside = abs(x - half), max(-y, y - width)
            if from_net > half + st.margin_x or aside > st.margin_y:
                st.zone = OUTSIDE
            elif from_net > half:
                st.zone = BEHIND
            else:
                st.zone = NET if from_net <= AT_NET else INSIDE
            # The player looks along x on the first half, the other way on the second.
            seen = (y - 0.5 * width) * st.left_up * (1 if x < half else -1)
            st.left = 1 if seen > 0.0 else 0
            before = slot_before(st.t, st.at, st.n, now, BASE_MS, BASE_MOST_MS)
            if before >= 0:
                v = (y - st.y[before]) * 1000.0 / (now - st.t[before])
                st.velocities += 1
                way = 1 if v > LATERAL else -1 if v < -LATERAL else 0
                if way != 0:
                    if way == -st.way and now - st.way_t <= WITHIN_MS:
                        st.changes += 1
                    st.way, st.way_t = way, now
            st.at = st.at + 1 if st.at < RING - 1 else 0
            st.n = min(st.n + 1, RING)
            st.t[st.at], st.y[st.at] = now, y
        if step > 0 and st.fixes > 0 and now - st.fix_t <= st.max_gap_ms:
            st.zone_ms[st.zone] += step
            if st.zone != OUTSIDE:
                st.side_ms[0 if st.left else 1] += step
    return 0
