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
    ends = start + (bucket + 1) * BUCKET_MS
    for i in range(n):
        bpm = hr[i]
        if not (bpm >= LOWEST and bpm <= HIGHEST):
            continue
        if st.n == 0:
            st.least = bpm
            st.most = bpm
        elif bpm < st.least:
            st.least = bpm
        elif bpm > st.most:
            st.most = bpm
        st.n += 1
        if t[i] >= ends:
            if st.bucket_n > 0:
                out[written].t = start + bucket * BUCKET_MS
                out[written].mean = st.bucket_sum / st.bucket_n
                written += 1
            bucket = (t[i] - start) // BUCKET_MS
            ends = start + (bucket + 1) * BUCKET_MS
            st.bucket_sum = 0.0
            st.bucket_n = 0
        st.bucket_sum += bpm
        st.bucket_n += 1
        step = int(dt[i])
        st.ms += step
        st.beats_ms += bpm * step
        if edges_n > 0:
            zone = 0
            while zone < edges_n - 2 and bpm >= st.edges[zone + 1]:
                zone += 1
            st.zone_ms[zone] += step
    st.bucket = bucket
    return written


@kernel(LOAD_STATE)
def load(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, hr = cols[DT], cols[HR]
    st = state[0]
    for i in range(n):
        bpm = hr[i]
        if not (bpm >= LOWEST and bpm <= HIGHEST):
            continue
        st.n += 1
        if st.max_hr <= 0.0:
            continue
        if bpm != st.last_hr:  # both are functions of bpm alone, and it changes about once a second
            st.last_hr = bpm
            st.last_zone = 0
            for zone in range(1, 6):
                if bpm >= (40 + 10 * zone) * st.max_hr / 100:
                    st.last_zone = zone
            st.last_weight = 0.0
            if st.rest_hr > 0.0 and st.rest_hr < st.max_hr:
                x = min(1.0, max(0.0, (bpm - st.rest_hr) / (st.max_hr - st.rest_hr)))
                if x >= 0.35:
                    st.last_weight = x * st.scale * math.exp(st.growth * x)
        step = int(dt[i])
        st.edwards_ms += st.last_zone * step
        st.banister += st.last_weight * (step / 60000.0)
    return 0
