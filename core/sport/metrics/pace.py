"""Pace, laps, best efforts, time per pace zone (design/metrics.md 3.4)."""

from typing import Any

import numpy as np

from core.sport.contract import Derived, Fold, Kernel, Reading, Values
from core.sport.metrics.track import has_distance

# Distances in whole millimetres, so that adding and removing is exact.
EFFORTS = (400_000, 1_000_000, 1_609_344, 5_000_000, 10_000_000, 21_097_500, 42_195_000)
COUNT = len(EFFORTS)
FINE_COUNT = 5  # of the efforts, those that are searched second by second too
FINE = 4096  # seconds, a power of two
GRID_MM = 10_000
GRID = 4288  # points: those of the longest effort and some
SHIFT = 32  # a point of the fine ring is ms << SHIFT | mm
MOST_MS, MOST_MM = 2**31 - 1, 2**32 - 1
LAPS_PER_SAMPLE = 4
MOST = 12  # zone edges

STATE = np.dtype(
    [
        ("bridge_ms", "<i8"),
        ("lap_mm", "<i8"),
        ("edges_n", "<i8"),
        ("edges", "<f8", (MOST,)),
        ("zone_ms", "<i8", (MOST,)),
        ("n", "<i8"),
        ("last_t", "<i8"),
        ("metres", "<f8"),  # bridged ones included
        ("last_mm", "<i8"),
        # the lap under way
        ("lap_t", "<f8"),
        ("lap_from", "<i8"),
        # the search: since the last gap that was not bridged
        ("origin_t", "<i8"),
        ("origin_mm", "<i8"),
        ("second", "<i8"),
        ("points", "<i8"),
        ("from_point", "<i8", (FINE_COUNT,)),
        ("marks", "<i8"),
        ("from_mark", "<i8", (COUNT,)),
        ("best_ms", "<f8", (COUNT,)),  # -1: none
        ("best_t", "<f8", (COUNT,)),
        ("fine", "<i8", (FINE,)),
        ("grid", "<f8", (GRID,)),  # ms at which each 10 m were reached
    ]
)
EVENT = np.dtype([("start", "<f8"), ("ms", "<f8")])


def threshold_speed(values: Values) -> float | None:
    return 1000.0 / values["threshold_pace"] if values["threshold_pace"] else None


def zone_edges(values: Values) -> list[float]:
    """Edges in m/s: percent of the threshold speed."""
    speed = threshold_speed(values)
    return [percent * speed / 100 for percent in values["pace_zones"]] if speed else []


def init(values: Values, start: int, state: Any) -> None:
    state["bridge_ms"] = round(values["max_bridge"] * 1000) if values["bridge_gaps"] else 0
    state["lap_mm"] = round(values["split_distance"] * 1000)
    edges = zone_edges(values)
    state["edges_n"] = len(edges)
    state["edges"][: len(edges)] = edges
    state["best_ms"] = -1.0


PACE = Kernel(
    name="pace",
    function="core.sport.kernels.pace:fold",
    version=1,
    state=STATE,
    init=init,
    params=("bridge_gaps", "max_bridge", "split_distance", "threshold_pace", "pace_zones"),
    event=EVENT,
    events_per_sample=LAPS_PER_SAMPLE,
)

NO_DISTANCE = "no distance"


def pace(of: Any, reading: Reading) -> dict[str, float | None] | None:
    average, best = of["average_speed"], of["max_speed"]
    if not average:
        return reading.absent("no average_speed")
    return {"average": 1000.0 / average, "best": 1000.0 / best if best else None}


def laps(reading: Reading) -> list[dict[str, Any]] | None:
    """Whole laps, then the one under way."""
    if not has_distance(reading):
        return reading.absent(NO_DISTANCE)
    state, whole = reading.state, reading.values["split_distance"]
    rows = [
        {"distance": whole, "duration": ms / 1000.0, "start_time": int(t)}
        for t, ms in reading.events.tolist()
    ]
    rest = (int(state["last_mm"]) - int(state["lap_from"])) / 1000.0
    if rest > 0.0:
        t = float(state["lap_t"])
        seconds = (int(state["last_t"]) - t) / 1000.0
        last = {"distance": rest, "duration": seconds, "start_time": int(t)}
        rows.append(last if reading.final else {**last, "open": True})
    return rows


def best_efforts(reading: Reading) -> list[dict[str, Any]] | None:
    if not has_distance(reading):
        return reading.absent(NO_DISTANCE)
    state = reading.state
    return [
        {
            "distance": EFFORTS[q] / 1000.0,
            "duration": float(state["best_ms"][q]) / 1000.0,
            "start_time": int(state["best_t"][q]),
        }
        for q in range(COUNT)
        if state["best_ms"][q] >= 0.0
    ]


def pace_zones(reading: Reading) -> list[dict[str, Any]]:
    edges = zone_edges(reading.values)
    if not edges:
        reading.absent("threshold_pace is not set")
        return []
    parts = [int(ms) / 1000.0 for ms in reading.state["zone_ms"][: len(edges)]]
    total = sum(parts)
    highs = [*edges[1:], None]
    return [
        {
            "threshold_low": low,
            "threshold_high": high,
            "duration": part,
            "ratio": part / total if total else 0.0,
        }
        for low, high, part in zip(edges, highs, parts, strict=True)
    ]


PACE_METRICS = (
    Derived(
        key="pace",
        version=1,
        unit="s/km",
        title="Pace",
        definition=(
            "average: 1000 over average_speed, standing included; best: 1000 over max_speed, the "
            "greatest speed of a second."
        ),
        boundary="none",
        citation="Touchline design, section 3.4",
        grade="A",
        needs=("average_speed", "max_speed"),
        function=pace,
    ),
    Fold(
        key="laps",
        version=1,
        unit="m, s, ms",
        title="Laps",
        definition=(
            "Each split_distance of total_distance, one after another; crossing times are "
            "interpolated between samples. duration is elapsed time, gaps included; the last lap "
            "may be short."
        ),
        boundary="a lap ends where its distance is reached",
        citation="Touchline design, section 3.4",
        grade="B",
        kernel=PACE,
        output=laps,
    ),
    Fold(
        key="best_efforts",
        version=1,
        unit="m, s, ms",
        title="Best efforts",
        definition=(
            "Least elapsed time over 400 m, 1 km, 1 mile, 5 km, 10 km, half and full marathon, "
            "bridged distance included; both ends are interpolated between samples, at most one a "
            "second. A gap that is not bridged ends the search. Efforts that began more than 4096 "
            "such samples ago, half and full marathon start at whole 10 m only, so that they can "
            "be a little longer than the best, never shorter."
        ),
        boundary="the earliest wins a tie",
        citation="Touchline design, section 3.4",
        grade="B",
        kernel=PACE,
        output=best_efforts,
    ),
    Fold(
        key="time_per_pace_zone",
        version=1,
        unit="m/s, s",
        title="Time per pace zone",
        definition=(
            "Covered time whose smoothed speed lies in each zone; edges are pace_zones percent of "
            "the threshold speed (1000 over threshold_pace), written in m/s."
        ),
        boundary="[low, high); the last zone is open above",
        citation="Touchline design, section 4",
        grade="B",
        kernel=PACE,
        output=pace_zones,
    ),
)
