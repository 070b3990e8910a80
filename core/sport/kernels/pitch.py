"""Where on its field an athlete was: cells, thirds, the 1 s grid (design/metrics.md 2.12)."""

import math

from core.sport.columns import DT, FIX, LAT, LON
from core.sport.kernels import kernel
from core.sport.kernels.plane import place
from core.sport.kernels.spans import span_at
from core.sport.metrics.pitch import AROUND, FAR, POINT, STATE


@kernel(STATE, POINT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    st = state[0]
    if st.on == 0:
        return 0
    lat, lon, fix, dt = cols[LAT], cols[LON], cols[FIX], cols[DT]
    field, cell_ms, third_ms = st.field, st.cell_ms, st.third_ms
    length, width = field[8], field[9]
    cell, left, below, columns, rows = st.cell, st.origin_x, st.origin_y, st.columns, st.rows
    written = 0
    for i in range(n):
        now = t[i]
        second = -((-now) // 1000)
        if st.pending and second > st.second:
            out[written].second = st.second
            out[written].place = st.place
            written += 1
            st.pending = 0
        if fix[i] == 1.0:
            x, y = place(field, lat[i], lon[i])
            st.fixes += 1
            st.fix_t = now
            st.x = x
            column, row = math.floor((x - left) / cell), math.floor((y - below) / cell)
            inside = 0 <= column < columns and 0 <= row < rows
            st.here = int(row) * columns + int(column) if inside else -1
            st.near = -AROUND <= x <= length + AROUND and -AROUND <= y <= width + AROUND
            if abs(x) < FAR and abs(y) < FAR:
                st.second = second
                st.pending = 1
                across = math.floor(1000.0 * y + 0.5) & 0xFFFFFFFF
                st.place = (math.floor(1000.0 * x + 0.5) << 32) | across
        if st.pending and second * 1000 == now:
            out[written].second = second
            out[written].place = st.place
            written += 1
            st.pending = 0
        step = int(dt[i])
        if step == 0 or st.fixes == 0 or now - st.fix_t > st.max_gap_ms:
            continue
        if st.here >= 0:
            cell_ms[st.here] += step
        else:
            st.outside_ms += step
        if now >= st.until:
            at, st.until = span_at(st.start, st.end, st.n, now)
            st.sign_now = st.sign[at] if at >= 0 else st.sign[0] if st.n == 0 else 0
        if st.sign_now != 0:
            if st.near:
                along = 3.0 * st.x / length
                third = 0 if along < 1.0 else 1 if along < 2.0 else 2
                third_ms[third if st.sign_now > 0 else 2 - third] += step
            else:
                st.third_outside_ms += step
    return written
