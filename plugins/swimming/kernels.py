"""Swimming kernels. Workers only."""

import math

from core.sport.columns import CADENCE, DT, GAP_D, LAT, LON, D
from core.sport.kernels import kernel
from core.sport.kernels.geodesy import RADIANS, step_length
from plugins.swimming import lengths as of_pool
from plugins.swimming import open_water
from plugins.swimming.open_water import PIECE

DURATION, STROKES, ACTIVE, STROKE_TYPE = range(4)


@kernel(of_pool.STATE, of_pool.EVENT)
def lengths(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    duration, strokes = cols[DURATION], cols[STROKES]
    active, stroke_type = cols[ACTIVE], cols[STROKE_TYPE]
    for i in range(n):
        out[i].start = t[i]
        out[i].duration = duration[i] if duration[i] >= 0.0 else math.nan
        out[i].strokes = strokes[i] if strokes[i] >= 0.0 else math.nan
        out[i].active = 0 if active[i] == 0.0 else 1
        out[i].stroke_type = stroke_type[i]
    state[0].n += n
    return n


@kernel(open_water.STROKES_STATE)
def strokes(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, cadence = cols[DT], cols[CADENCE]
    st = state[0]
    for i in range(n):
        rate = cadence[i]
        if rate > 0.0:
            st.ms += int(dt[i])
            st.turns += rate * dt[i]
            st.top = max(st.top, rate)
    return 0


@kernel(open_water.DRIFT_STATE)
def drift(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, bridged, lat, lon = cols[DT], cols[D], cols[GAP_D], cols[LAT], cols[LON]
    st = state[0]
    for i in range(n):
        metres = d[i] + bridged[i]
        if metres <= 0.0:
            if dt[i] == 0.0:
                st.begun = 0
            continue
        if st.begun:
            st.metres += metres
            if st.metres < PIECE:
                continue
            middle = math.cos(0.5 * (st.lat + lat[i]) * RADIANS)
            st.swum += st.metres
            st.straight += step_length(st.lat, st.lon, lat[i], lon[i], middle)
        st.begun = 1
        st.metres = 0.0
        st.lat, st.lon = lat[i], lon[i]
    return 0
