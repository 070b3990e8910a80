"""Acceleration and deceleration efforts (design/metrics.md 2.4)."""

from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values
from core.sport.metrics.efforts import EFFORT_DIGITS
from core.sport.metrics.track import no_speed

# An effort under way, and as an event when it is over.
EFFORT = (
    ("start", "<i8"),
    ("ms", "<i8"),
    ("above_ms", "<i8"),
    ("peak", "<f8"),
    ("metres", "<f8"),
    ("first", "<f8"),
    ("last", "<f8"),
)
STATE = np.dtype(
    [
        ("boundary", "<f8"),
        ("lowest_up", "<f8"),
        ("lowest_down", "<f8"),
        ("min_ms", "<i8"),
        ("sign", "<i8"),
        *EFFORT,
    ]
)
EVENT = np.dtype([*EFFORT])


def init(values: Values, start: int, state: Any) -> None:
    state["boundary"] = values["effort_boundary"]
    state["lowest_up"] = values["acceleration_thresholds"][0]
    state["lowest_down"] = values["deceleration_thresholds"][0]
    state["min_ms"] = round(values["acceleration_min_duration"] * 1000)


ACCELERATIONS = Kernel(
    name="accelerations",
    function="core.sport.kernels.accelerations:fold",
    version=1,
    state=STATE,
    init=init,
    params=(
        "acceleration_thresholds",
        "deceleration_thresholds",
        "effort_boundary",
        "acceleration_min_duration",
    ),
    event=EVENT,
)


def effort(row: tuple[Any, ...]) -> dict[str, Any]:
    start, ms, above_ms, peak, metres, first, last = row
    return {
        "start_time": start,
        "max_value": peak,
        "duration": ms / 1000.0,
        "distance": metres,
        "initial_speed": first,
        "end_speed": last,
        "time_above": above_ms / 1000.0,
    }


def by_class(reading: Reading, sign: int, thresholds: list[float]) -> dict[str, Any]:
    """Each effort under the highest threshold that its peak reaches, and only there."""
    no_speed(reading)  # the lists are empty then, and the notes say why
    lists: list[list[dict[str, Any]]] = [[] for _ in thresholds]

    def put(value: dict[str, Any]) -> None:
        reached = [
            i for i, threshold in enumerate(thresholds) if sign * value["max_value"] >= threshold
        ]
        if reached:
            lists[reached[-1]].append(value)

    for row in reading.events.tolist():
        put(effort(row))
    state = reading.state
    if state["sign"] == sign and state["above_ms"] >= state["min_ms"]:
        last = effort(tuple(state[name].item() for name in EVENT.names or ()))
        put(last if reading.final else {**last, "open": True})
    return {
        f"threshold_{index + 1}": {"threshold": threshold, "values": values}
        for index, (threshold, values) in enumerate(zip(thresholds, lists, strict=True))
    }


TEXT = (
    "Runs of samples whose {what} is at least effort_boundary, classed by their peak under the "
    "highest threshold it "
    "reaches, and only there; below the lowest they are dropped, as are those above it for less "
    "than "
    "acceleration_min_duration (time_above). Acceleration is the change of smoothed speed over "
    "three samples. Counts "
    "are only comparable at equal smoothing and minimum duration (see `definition`)."
)

ACCELERATION_METRICS = (
    Fold(
        key="accelerations",
        version=1,
        unit="m/s2, s, m, m/s",
        title="Accelerations",
        definition=TEXT.format(what="acceleration"),
        boundary="peak >= threshold; in while acceleration >= effort_boundary",
        citation="Insiders API 1.22; Varley 2017, IJSPP 12:1059; Delves 2021, Sports Med Open 7:45",
        grade="B",
        digits=EFFORT_DIGITS,
        kernel=ACCELERATIONS,
        output=lambda reading: by_class(reading, 1, reading.values["acceleration_thresholds"]),
    ),
    Fold(
        key="decelerations",
        version=1,
        unit="m/s2, s, m, m/s",
        title="Decelerations",
        definition=TEXT.format(what="deceleration")
        + " max_value is negative, thresholds are positive.",
        boundary="-peak >= threshold; in while acceleration <= -effort_boundary",
        citation="Insiders API 1.22; Varley 2017, IJSPP 12:1059; Delves 2021, Sports Med Open 7:45",
        grade="B",
        digits=EFFORT_DIGITS,
        kernel=ACCELERATIONS,
        output=lambda reading: by_class(reading, -1, reading.values["deceleration_thresholds"]),
    ),
)
