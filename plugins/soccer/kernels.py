"""Soccer kernels. Workers only."""

import math

from core.sport.columns import DT, FIX, LAT, LON
from core.sport.kernels import kernel
from core.sport.kernels.geodesy import RADIANS, SEMI_MAJOR
from core.sport.kernels.plane import slot_before
from plugins.soccer.metrics import BASE_MS, FAST, RING, STATE, TURN, WITHIN_MS

METRES = SEMI_MAJOR * RADIANS  # a degree; headings need no ellipsoid
TURNED = math.cos(TURN * RADIANS)


@kernel(STATE)
def turns(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    st = state[0]
    lat, lon, fix, dt = cols[LAT], cols[LON], cols[FIX], cols[DT]
    for i in range(n):
        now = t[i]
        if dt[i] == 0.0:
            st.n = st.heads_n = 0
        if fix[i] != 1.0:
            continue
        if now - st.last_t > st.max_gap_ms:
            st.n = st.heads_n = 0
        if st.scale == 0.0:
            st.scale = math.cos(lat[i] * RADIANS)
        st.last_t = now
        east, north = lon[i] * METRES * st.scale, lat[i] * METRES
        before = slot_before(st.t, st.at, st.n, now, BASE_MS, WITHIN_MS)
        if before >= 0:
            seconds = (now - st.t[before]) / 1000.0
            dx, dy = (east - st.east[before]) / seconds, (north - st.north[before]) / seconds
            v = math.sqrt(dx * dx + dy * dy)
            st.velocities += 1
            if v > FAST and now >= st.quiet:
                dx, dy = dx / v, dy / v
                slot = st.heads_at
                for _ in range(st.heads_n):
                    if now - st.head_t[slot] > WITHIN_MS:
                        break
                    if dx * st.head_east[slot] + dy * st.head_north[slot] <= TURNED:
                        st.turns += 1
                        st.quiet = now + WITHIN_MS
                        st.heads_n = 0
                        break
                    slot = slot - 1 if slot > 0 else RING - 1
                st.heads_at = st.heads_at + 1 if st.heads_at < RING - 1 else 0
                st.heads_n = min(st.heads_n + 1, RING)
                st.head_t[st.heads_at] = now
                st.head_east[st.heads_at] = dx
                st.head_north[st.heads_at] = dy
        st.at = st.at + 1 if st.at < RING - 1 else 0
        st.n = min(st.n + 1, RING)
        st.t[st.at], st.east[st.at], st.north[st.at] = now, east, north
    return 0
