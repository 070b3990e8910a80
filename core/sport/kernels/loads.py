"""Player load and impacts over blocks of 10 ms (design/metrics.md 2.10)."""

import math

from core.sport.kernels import kernel
from core.sport.metrics.loads import BLOCK_MS, IMPACT, IMPACT_EDGES, SCALE, STATE

BANDS = len(IMPACT_EDGES)


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    st = state[0]
    total, axis = st.sum, st.axis
    for i in range(n):
        ax, ay, az = cols[0, i], cols[1, i], cols[2, i]
        if not (ax == ax and ay == ay and az == az):
            continue
        now = t[i]
        block = now // BLOCK_MS
        if st.n > 0:
            step = now - st.last_t
            near = step <= st.max_gap_ms
            if near:
                st.rows += 1
                st.ms += step
            else:
                st.gaps += 1
            if block != st.block:
                x, y, z = total[0] / st.block_n, total[1] / st.block_n, total[2] / st.block_n
                if st.joined:
                    dx, dy, dz = x - st.before[0], y - st.before[1], z - st.before[2]
                    st.total += math.sqrt(dx * dx + dy * dy + dz * dz) / SCALE
                    axis[0] += abs(dx) / SCALE
                    axis[1] += abs(dy) / SCALE
                    axis[2] += abs(dz) / SCALE
                size = math.sqrt(x * x + y * y + z * z)
                if size > IMPACT:
                    st.peak = max(st.peak, size)
                if st.peak > 0.0 and (size <= IMPACT or not near):
                    band = 0
                    while band < BANDS - 1 and st.peak >= IMPACT_EDGES[band + 1]:
                        band += 1
                    st.impacts[band] += 1
                    st.highest = max(st.highest, st.peak)
                    st.peak = 0.0
                st.before[0], st.before[1], st.before[2] = x, y, z
                st.joined = 1 if near else 0
                st.block_n = 0
                total[0] = total[1] = total[2] = 0.0
        st.block = block
        st.block_n += 1
        total[0] += ax
        total[1] += ay
        total[2] += az
        st.last_t = now
        st.n += 1
    return 0
