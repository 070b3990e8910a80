"""Metabolic power by the 2010 polynomial (design/metrics.md 2.9)."""

import math

from core.sport.columns import A3, DT, S3, D
from core.sport.kernels import kernel
from core.sport.metrics.metabolic import EDGES, FAST, HARD, HIGH_POWER, STATE

PER_GRAVITY = 1.0 / 9.80665
LAST = len(EDGES) - 1


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, s, acceleration = cols[DT], cols[D], cols[S3], cols[A3]
    st = state[0]
    energy, load, terrain = st.energy_ms, st.load_metres, st.terrain
    band_ms, band_metres = st.band_ms, st.band_metres
    for i in range(n):
        v, a, step = s[i], acceleration[i], dt[i]
        if not v >= 0.0:
            continue
        if v > FAST or abs(a) >= HARD:
            load += d[i]
        es = min(0.45, max(-0.45, a * PER_GRAVITY))
        cost = ((((155.4 * es - 30.4) * es - 43.3) * es + 46.3) * es + 19.5) * es + 3.6
        power = cost * math.sqrt(es * es + 1.0) * terrain * v
        energy += power * step
        if power > HIGH_POWER:
            st.high_metres += d[i]
        k = 0
        while k < LAST and power >= EDGES[k + 1]:
            k += 1
        band_ms[k] += int(step)
        band_metres[k] += d[i]
    st.energy_ms, st.load_metres = energy, load
    return 0
