"""The columns that every kernel walks: raw channels first, then what the track derives per sample.

Rows of one float64 array ``cols[row, sample]``; an absent value is NaN. Plain integers, so that
kernels compile them in and the web process can import them without numba.
"""

LAT, LON, ALT, SPEED, HR, POWER, CADENCE = range(7)
CHANNELS = {
    "lat": LAT,
    "lon": LON,
    "alt": ALT,
    "speed": SPEED,
    "hr": HR,
    "power": POWER,
    "cadence": CADENCE,
}

# Derived by the track (design/metrics.md sections 2.1 to 2.3):
DT = 7  # ms of the valid step that ends here; 0 at the first sample and after a break (R3)
D = 8  # metres of this step after the stationary gate
GAP_D = 9  # metres bridged over a gap that ends here
S = 10  # smoothed speed, m/s, by the frame's preset; NaN while undefined
A = 11  # acceleration of S over three samples, m/s2; 0 while undefined
S3 = 12  # as S, always by the research preset (three samples)
A3 = 13  # as A, of S3
ROWS = 14
