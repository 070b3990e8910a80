"""Heart rate: statistics, zones, 5 s history, training load (design/metrics.md 2.6 and 2.15)."""

import math

from core.sport.columns import DT, HR
from core.sport.kernels import kernel
from core.sport.metrics.heart import BUCKET_MS, EVENT, HIGHEST, LOAD_STATE, LOWEST, STATE


@kernel(STATE, EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, hr = cols[DT], cols[HR]
    st = state[0]
    written = 0
    start, bucket, edges_n = st.start, st.bucket, st.edges_n
    count, least, most = st.n, st.least, st.most
    bucket_sum, bucket_n, ms, beats_ms = st.bucket_sum, st.bucket_n, st.ms, st.beats_ms
    edges, zone_ms = st.edges, st.zone_ms
    ends = start + (bucket + 1) * BUCKET_MS
    for i in range(n):
        bpm = hr[i]
        if not (bpm >= LOWEST and bpm <= HIGHEST):
            continue
        least = bpm if count == 0 else min(least, bpm)
        most = max(most, bpm)
        count += 1
        if t[i] >= ends:
            if bucket_n > 0:
                out[written].t = start + bucket * BUCKET_MS
                out[written].mean = bucket_sum / bucket_n
                written += 1
            bucket = (t[i] - start) // BUCKET_MS
            ends = start + (bucket + 1) * BUCKET_MS
            bucket_sum, bucket_n = 0.0, 0
        bucket_sum += bpm
        bucket_n += 1
        step = int(dt[i])
        ms += step
        beats_ms += bpm * step
        if edges_n > 0:
            zone = 0
            while zone < edges_n - 2 and bpm >= edges[zone + 1]:
                zone += 1
            zone_ms[zone] += step
    st.n, st.least, st.most, st.bucket = count, least, most, bucket
    st.bucket_sum, st.bucket_n, st.ms, st.beats_ms = bucket_sum, bucket_n, ms, beats_ms
    return written


@kernel(LOAD_STATE)
def load(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, hr = cols[DT], cols[HR]
    st = state[0]
    count, known, weight, zone = st.n, st.last_hr, st.last_weight, st.last_zone
    banister, edwards, top, rest = st.banister_ms, st.edwards_ms, st.max_hr, st.rest_hr
    for i in range(n):
        bpm = hr[i]
        if not (bpm >= LOWEST and bpm <= HIGHEST):
            continue
        count += 1
        if top <= 0.0:
            continue
        if bpm != known:  # both are functions of bpm alone, and it changes about once a second
            known = bpm
            zone = 0
            while zone < 5 and bpm >= (50 + 10 * zone) * top / 100:
                zone += 1
            weight = 0.0
            if rest > 0.0 and rest < top:
                x = min(1.0, max(0.0, (bpm - rest) / (top - rest)))
                if x >= 0.35:
                    weight = x * st.scale * math.exp(st.growth * x)
        step = dt[i]
        edwards += zone * step
        banister += weight * step
    st.n, st.last_hr, st.last_weight, st.last_zone = count, known, weight, zone
    st.banister_ms, st.edwards_ms = banister, edwards
    return 0
