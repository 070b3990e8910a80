"""The columns that kernels walk: of the samples raw channels first, then what the track derives per
sample; of the other streams their own.

Rows of one float64 array ``cols[row, sample]``; an absent value is NaN. Plain integers, so that
kernels compile them in and the web process can import them without numba.
"""

from collections.abc import Mapping

LAT, LON, ALT, SPEED, HR, POWER, CADENCE, DISTANCE = range(8)
BALANCE = 17  # raw, too: the left leg's share of the power, %
CHANNELS = {
    "lat": LAT,
    "lon": LON,
    "alt": ALT,
    "speed": SPEED,
    "hr": HR,
    "power": POWER,
    "cadence": CADENCE,
    "distance": DISTANCE,
    "balance": BALANCE,
}

# Derived by the track (design/metrics.md sections 2.1 to 2.3):
DT = 8  # ms of the valid step that ends here; 0 at the first sample and after a break (R3)
D = 9  # metres of this step after the stationary gate
GAP_D = 10  # metres bridged over a gap that ends here
S = 11  # smoothed speed, m/s, by the frame's preset; NaN while undefined
A = 12  # acceleration of S over three samples, m/s2; 0 while undefined
S3 = 13  # as S, always by the research preset (three samples)
A3 = 14  # as A, of S3
FIX = 15  # 1.0 where a valid position came with the sample (2.1, rule 1), else 0.0
# Derived by the elevation kernel, in sports that have it (section 2.13):
SLOPE = 16  # rise over run of the last 30 m or more, within +-0.45; 0 while unknown
ROWS = 18

SAMPLES = "samples"

# The other streams: the rows that their kernels walk. What is a name on the wire (stroke type,
# event) is a whole number here: core.sport.codes.
STREAM_ROWS: dict[str, tuple[str, ...]] = {
    "rr": ("rr",),  # ms
    "imu": ("ax", "ay", "az", "gx", "gy", "gz"),  # g, deg/s
    "lengths": ("duration", "strokes", "active", "stroke_type"),
    "events": ("event", "value"),
}
STREAMS = (SAMPLES, *STREAM_ROWS)


def rows_of(stream: str) -> Mapping[str, int]:
    """What can be asked of a stream, by name, and the row where a kernel finds it."""
    if stream == SAMPLES:
        return CHANNELS
    return {name: row for row, name in enumerate(STREAM_ROWS[stream])}
