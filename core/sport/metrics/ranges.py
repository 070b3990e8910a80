"""Time and distance per speed range (design/metrics.md 2.6)."""

from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values
from core.sport.metrics.track import NO_DISTANCE, has_distance, no_speed

MOST = 12

STATE = np.dtype(
    [
        ("edges_n", "<i8"),
        ("edges", "<f8", (MOST,)),
        ("ms", "<i8", (MOST,)),
        ("metres", "<f8", (MOST,)),
    ]
)


def edges_of(values: Values) -> list[float]:
    """Edges in m/s: parameters are km/h."""
    return [edge / 3.6 for edge in values["speed_ranges"]]


def init(values: Values, start: int, state: Any) -> None:
    edges = edges_of(values)
    state["edges_n"] = len(edges)
    state["edges"][: len(edges)] = edges


RANGES = Kernel(
    name="ranges",
    function="core.sport.kernels.ranges:fold",
    version=1,
    state=STATE,
    init=init,
    params=("speed_ranges",),
)


def rows(reading: Reading, name: str, parts: list[float]) -> list[dict[str, float | None]]:
    edges = edges_of(reading.values)
    total = sum(parts)
    highs = [*edges[1:], None]
    return [
        {
            name: part,
            "ratio": part / total if total else 0.0,
            "threshold_low": low,
            "threshold_high": high,
        }
        for part, low, high in zip(parts, edges, highs, strict=True)
    ]


def time_rows(reading: Reading) -> list[dict[str, float | None]]:
    if no_speed(reading):
        return []
    count = int(reading.state["edges_n"])
    return rows(reading, "duration", [ms / 1000.0 for ms in reading.state["ms"][:count].tolist()])


def distance_rows(reading: Reading) -> list[dict[str, float | None]]:
    if no_speed(reading):
        return []
    if not has_distance(reading):
        reading.absent(NO_DISTANCE)
        return []
    count = int(reading.state["edges_n"])
    return rows(reading, "distance", reading.state["metres"][:count].tolist())


RANGE_METRICS = (
    Fold(
        key="time_per_speed_ranges",
        version=2,
        unit="s",
        title="Time per speed range",
        definition=(
            "Covered time whose smoothed speed lies in each range; ratio is the share of all "
            "ranges. Edges from speed_ranges (km/h), written in m/s."
        ),
        boundary="[low, high); the last range is open above",
        citation="Insiders API 1.22",
        grade="A",
        kernel=RANGES,
        output=time_rows,
    ),
    Fold(
        key="distance_per_speed_ranges",
        version=2,
        unit="m",
        title="Distance per speed range",
        definition=(
            "Distance of the steps whose sample's smoothed speed lies in each range; ratio is the"
            " share of all ranges. Bridged distance lies in none."
        ),
        boundary="[low, high); the last range is open above",
        citation="Insiders API 1.22",
        grade="A",
        kernel=RANGES,
        output=distance_rows,
    ),
)
