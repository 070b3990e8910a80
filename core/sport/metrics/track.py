"""Distance and speed of the whole frame (design/metrics.md 2.1 to 2.3): what the track knows."""

from typing import Any

import numpy as np

from core.sport.contract import Derived, Fold, Kernel, Reading, Values

RING = 128  # most samples in the one-second mean, so at most 128 Hz
RESEARCH = 3
INTERVAL = 3  # samples between the two speeds of an acceleration
STEPS = 64
FROM_POSITION, FROM_SPEED, FROM_DEVICE = range(3)
SOURCES = {"position": FROM_POSITION, "speed": FROM_SPEED, "device": FROM_DEVICE}
SPARSE_MS = 120_000  # time goes on over steps up to this where the device counts the distance

STATE = np.dtype(
    [
        # parameters
        ("window", "<i8"),
        ("max_gap_ms", "<i8"),
        ("reach_ms", "<i8"),  # the longest step that is time; of sparse files more than max_gap
        ("bridge_ms", "<i8"),
        ("source", "<i8"),
        ("limit", "<f8"),
        ("gate", "<f8"),
        # totals
        ("n", "<i8"),
        ("first_t", "<i8"),
        ("last_t", "<i8"),
        ("time_ms", "<i8"),
        ("gaps", "<i8"),
        ("gap_ms", "<i8"),
        ("fixes", "<i8"),
        ("rejected", "<i8"),
        ("measured", "<i8"),
        ("total", "<f8"),
        ("gap_distance", "<f8"),
        ("max_speed", "<f8"),
        # last valid fix, last raw speed
        ("fix_t", "<i8"),
        ("fix_lat", "<f8"),
        ("fix_lon", "<f8"),
        ("anchor", "<f8"),  # a latitude near by, rad, its cosine and sine
        ("cosine", "<f8"),
        ("sine", "<f8"),
        ("speed_t", "<i8"),
        ("speed_before", "<f8"),
        # the device's cumulative distance
        ("far_n", "<i8"),
        ("far_t", "<i8"),
        ("far", "<f8"),
        # smoothing rings, in whole mm/s so that adding and removing is exact
        ("ring_n", "<i8"),
        ("ring_at", "<i8"),
        ("ring_sum", "<i8"),
        ("ring", "<i8", (RING,)),
        ("short_n", "<i8"),
        ("short_at", "<i8"),
        ("short_sum", "<i8"),
        ("short", "<i8", (RESEARCH,)),
        # smoothed speeds for the acceleration
        ("past_n", "<i8"),
        ("past_at", "<i8"),
        ("past_t", "<i8", (INTERVAL,)),
        ("past_s", "<f8", (INTERVAL,)),
        ("past_s3", "<f8", (INTERVAL,)),
        # steps between positions, for the speed of samples without Doppler
        ("seen_t", "<i8"),
        ("steps_n", "<i8"),
        ("steps_at", "<i8"),
        ("step_from", "<i8", (STEPS,)),
        ("step_to", "<i8", (STEPS,)),
        ("step_d", "<f8", (STEPS,)),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    state["max_gap_ms"] = round(values["max_gap"] * 1000)
    state["bridge_ms"] = round(values["max_bridge"] * 1000) if values["bridge_gaps"] else 0
    state["source"] = SOURCES[values["distance_source"]]
    state["reach_ms"] = reach_ms(values)
    state["limit"] = values["max_speed"]
    state["gate"] = values["stationary_speed"]
    state["max_speed"] = -1.0
    state["cosine"] = 1.0
    state["speed_before"] = np.nan


def reach_ms(values: Values) -> int:
    """The longest step that counts as time: max_gap, longer where distance is a counter's."""
    gap = round(values["max_gap"] * 1000)
    return max(gap, SPARSE_MS) if values["distance_source"] == "device" else gap


def smoothing_window(values: Values, rate: float | None) -> int:
    """Samples in the speed mean: a second of them (`vendor`), or three (`research`)."""
    if values["smoothing"] == "research":
        return RESEARCH
    return max(1, min(RING, int((rate or 1.0) + 0.5)))


TRACK = Kernel(
    name="track",
    function="core.sport.kernels.track:fold",
    version=2,
    state=STATE,
    init=init,
    params=(
        "max_gap",
        "bridge_gaps",
        "max_bridge",
        "distance_source",
        "max_speed",
        "stationary_speed",
        "smoothing",
    ),
    inputs=("lat", "lon", "speed", "distance"),
)


NO_SPEED = "no speed, and no positions to derive it from"
NO_DISTANCE = "no distance in these samples"


def has_distance(reading: Reading) -> bool:
    track = reading.track
    if reading.values["distance_source"] == "speed":
        return has_speed(reading)
    if reading.values["distance_source"] == "device":
        return bool(track["far_n"] > 0)
    return bool(track["fixes"] > 0)


def has_speed(reading: Reading) -> bool:
    return bool(reading.track["max_speed"] >= 0.0)


def no_speed(reading: Reading) -> bool:
    """Whether no sample has a speed; the reason is noted then."""
    if has_speed(reading):
        return False
    reading.absent(NO_SPEED)
    return True


def stamp(reading: Reading, name: str) -> int | None:
    return int(reading.track[name]) if reading.track["n"] else reading.absent("no samples")


def total_distance(reading: Reading) -> float | None:
    if not has_distance(reading):
        of = reading.values["distance_source"]
        source = "device distance" if of == "device" else of
        return reading.absent(f"no valid {source} in these samples")
    return float(reading.track["total"])


def average_speed(reading: Reading) -> float | None:
    if not has_distance(reading) or reading.track["time_ms"] == 0:
        return reading.absent("no distance over any covered time")
    track = reading.track
    return float((track["total"] - track["gap_distance"]) / (track["time_ms"] / 1000.0))


def max_speed(reading: Reading) -> float | None:
    if not has_speed(reading):
        return reading.absent(NO_SPEED)
    return float(reading.track["max_speed"])


def gap_distance(reading: Reading) -> float | None:
    if not has_distance(reading):
        return reading.absent(NO_DISTANCE)
    return float(reading.track["gap_distance"])


def distance_source(reading: Reading) -> str:
    return str(reading.values["distance_source"])


WGS84 = "WGS84 local step, within 1.1e-11 of Karney 2013, J Geod 87:43"

TRACK_METRICS = (
    Fold(
        key="first_timestamp",
        version=1,
        unit="ms",
        title="First sample",
        definition="Time of the first sample used, Unix milliseconds.",
        boundary="start_time <= t < end_time",
        citation="Insiders API 1.22, computed data",
        grade="A",
        kernel=TRACK,
        output=lambda reading: stamp(reading, "first_t"),
    ),
    Fold(
        key="last_timestamp",
        version=1,
        unit="ms",
        title="Last sample",
        definition="Time of the last sample used, Unix milliseconds.",
        boundary="start_time <= t < end_time",
        citation="Insiders API 1.22, computed data",
        grade="A",
        kernel=TRACK,
        output=lambda reading: stamp(reading, "last_t"),
    ),
    Fold(
        key="total_distance",
        version=1,
        unit="m",
        title="Total distance",
        definition=(
            "Sum of the steps between valid positions on the ellipsoid, each attributed to the "
            "sample that ends it. "
            "A position is rejected when the speed it implies since the last valid one exceeds "
            "max_speed; a step "
            "counts 0 while the receiver's speed is below stationary_speed; a gap longer than "
            "max_gap counts "
            "nothing unless bridge_gaps allows its straight line (then also in gap_distance). With "
            "distance_source `speed`, the trapezoid of the raw speed instead; with `device`, what "
            "the recorder's own cumulative distance rose by, over steps up to 120 s, and over "
            "longer ones in gap_distance, too."
        ),
        boundary="a step of exactly max_gap counts; a speed of exactly stationary_speed counts",
        citation=WGS84,
        grade="B",
        kernel=TRACK,
        output=total_distance,
    ),
    Fold(
        key="max_speed",
        version=1,
        unit="m/s",
        title="Maximum speed",
        definition=(
            "Greatest smoothed speed of any sample (smoothing preset in `definition`). Speed is "
            "the receiver's; of a sample without, that of the steps between positions in the half "
            "second before, so that every step that counts has one."
        ),
        boundary="none",
        citation="Insiders API 1.22; smoothing: Varley 2017, IJSPP 12:1059",
        grade="B",
        kernel=TRACK,
        output=max_speed,
    ),
    Fold(
        key="average_speed",
        version=1,
        unit="m/s",
        title="Average speed",
        definition=(
            "(total_distance - gap_distance) / covered time, standing included, gaps excluded."
        ),
        boundary="none",
        citation="Insiders API 1.22",
        grade="B",
        kernel=TRACK,
        output=average_speed,
    ),
)

TRACK_EXTRAS = (
    Derived(
        key="distance_per_minute",
        version=1,
        unit="m/min",
        title="Distance per minute",
        definition="average_speed times 60: metres per covered minute, gaps excluded.",
        boundary="none",
        citation="Whitehead 2018, Sports Med 48:2549",
        grade="A",
        needs=("average_speed",),
        function=lambda of, reading: (
            reading.absent("no average_speed")
            if of["average_speed"] is None
            else of["average_speed"] * 60.0
        ),
    ),
    Fold(
        key="gap_time",
        version=1,
        unit="s",
        title="Time in gaps",
        definition=(
            "Sum of the steps longer than max_gap. They count in no other time, but for "
            "distance_source `device`: there time, heart rate and distance go on over steps up to "
            "120 s."
        ),
        boundary="a step of exactly max_gap is no gap",
        citation="Touchline rule R3",
        grade="D",
        kernel=TRACK,
        output=lambda reading: int(reading.track["gap_ms"]) / 1000.0,
    ),
    Fold(
        key="gap_distance",
        version=2,
        unit="m",
        title="Distance bridged over gaps",
        definition=(
            "Straight-line distance over gaps of at most max_bridge, where bridge_gaps is set; "
            "part of total_distance."
        ),
        boundary="a gap of exactly max_bridge is bridged",
        citation="Touchline rule R3",
        grade="D",
        kernel=TRACK,
        output=gap_distance,
    ),
    Fold(
        key="distance_source",
        version=1,
        unit="none",
        title="Source of distance",
        definition="Which source total_distance was taken from: position, speed or device.",
        boundary="none",
        citation="Touchline design, section 2.1",
        grade="D",
        kernel=TRACK,
        output=distance_source,
    ),
)
