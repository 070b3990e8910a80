"""Player load and impacts over blocks of 10 ms (design/metrics.md 2.10)."""

import math

from core.sport.kernels import kernel
from core.sport.metrics.loads import BLOCK_MS, IMPACT, IMPACT_EDGES, SCALE, STATE

BANDS = len(IMPACT_EDGES)


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    st = state[0]
    axs, ays, azs = cols[0], cols[1], cols[2]
    count, last_t, rows, ms, gaps = st.n, st.last_t, st.rows, st.ms, st.gaps
    block, block_n, joined, peak, load = st.block, st.block_n, st.joined, st.peak, st.total
    sum_x, sum_y, sum_z = st.sum[0], st.sum[1], st.sum[2]
    was_x, was_y, was_z = st.before[0], st.before[1], st.before[2]
    load_x, load_y, load_z = st.axis[0], st.axis[1], st.axis[2]
    max_gap = st.max_gap_ms
    for i in range(n):
        ax, ay, az = axs[i], ays[i], azs[i]
        if not (ax == ax and ay == ay and az == az):
            continue
        now = t[i]
        here = now // BLOCK_MS
        if count > 0:
            step = now - last_t
            near = step <= max_gap
            if near:
                rows += 1
                ms += step
            else:
                gaps += 1
            if here != block:
                x, y, z = sum_x / block_n, sum_y / block_n, sum_z / block_n
                if joined:
                    dx, dy, dz = x - was_x, y - was_y, z - was_z
                    load += math.sqrt(dx * dx + dy * dy + dz * dz) / SCALE
                    load_x += abs(dx) / SCALE
                    load_y += abs(dy) / SCALE
                    load_z += abs(dz) / SCALE
                size = math.sqrt(x * x + y * y + z * z)
                if size > IMPACT:
                    peak = max(peak, size)
                if peak > 0.0 and (size <= IMPACT or not near):
                    band = 0
                    while band < BANDS - 1 and peak >= IMPACT_EDGES[band + 1]:
                        band += 1
                    st.impacts[band] += 1
                    st.highest = max(st.highest, peak)
                    peak = 0.0
                was_x, was_y, was_z = x, y, z
                joined = 1 if near else 0
                block_n = 0
                sum_x = sum_y = sum_z = 0.0
        block = here
        block_n += 1
        sum_x += ax
        sum_y += ay
        sum_z += az
        last_t = now
        count += 1
    st.n, st.last_t, st.rows, st.ms, st.gaps = count, last_t, rows, ms, gaps
    st.block, st.block_n, st.joined, st.peak, st.total = block, block_n, joined, peak, load
    st.sum[0], st.sum[1], st.sum[2] = sum_x, sum_y, sum_z
    st.before[0], st.before[1], st.before[2] = was_x, was_y, was_z
    st.axis[0], st.axis[1], st.axis[2] = load_x, load_y, load_z
    return 0
