"""Efforts above a speed: high-intensity distance and sprints (design/metrics.md 2.5)."""

from typing import Any

import numpy as np

from core.sport.contract import Derived, Fold, Kernel, Reading, Values
from core.sport.metrics.track import NO_DISTANCE, has_distance, no_speed

MOST = 6
# The vendor rounds entries to 3 or 4 places; sums over a match's entries would then miss the
# values of golden.json by more than their tolerance, and no rounding is part of the contract.
EFFORT_DIGITS = 6
CLOSED, OPEN, PENDING = 0, 1, 2

STATE = np.dtype(
    [
        ("thresholds_n", "<i8"),
        ("entry", "<f8", (MOST,)),
        ("exit", "<f8", (MOST,)),
        ("lowest", "<f8"),
        ("min_ms", "<i8"),
        ("merge_ms", "<i8"),
        ("active", "<i8"),  # thresholds that are not closed
        ("phase", "<i8", (MOST,)),
        ("start", "<i8", (MOST,)),
        ("ms", "<i8", (MOST,)),
        ("top", "<f8", (MOST,)),
        ("metres", "<f8", (MOST,)),
        ("after_ms", "<i8", (MOST,)),  # below the threshold since a pending effort ended
        ("after_metres", "<f8", (MOST,)),
    ]
)
EVENT = np.dtype(
    [("threshold", "<i8"), ("start", "<i8"), ("ms", "<i8"), ("top", "<f8"), ("metres", "<f8")]
)


def fill(
    state: Any, thresholds: list[float], exit_percent: float, min_s: float, merge_s: float
) -> None:
    count = len(thresholds)
    state["thresholds_n"] = count
    state["entry"][:count] = thresholds
    state["exit"][:count] = [threshold * exit_percent / 100 for threshold in thresholds]
    state["lowest"] = state["entry"][0]
    state["min_ms"] = round(min_s * 1000)
    state["merge_ms"] = round(merge_s * 1000)


def init_hid(values: Values, start: int, state: Any) -> None:
    fill(state, values["hid_thresholds"], 100, 0, 0)


def init_sprint(values: Values, start: int, state: Any) -> None:
    fill(
        state,
        values["sprint_thresholds"],
        values["sprint_exit_percent"],
        values["sprint_min_duration"],
        values["sprint_merge_gap"],
    )


def _kernel(name: str, init: Any, params: tuple[str, ...]) -> Kernel:
    return Kernel(
        name=name,
        function="core.sport.kernels.efforts:fold",
        version=1,
        state=STATE,
        init=init,
        params=params,
        event=EVENT,
        events_per_sample=MOST,
    )


HID = _kernel("hid", init_hid, ("hid_thresholds",))
SPRINT = _kernel(
    "sprint",
    init_sprint,
    ("sprint_thresholds", "sprint_exit_percent", "sprint_min_duration", "sprint_merge_gap"),
)


def effort(start: int, ms: int, top: float, metres: float) -> dict[str, Any]:
    return {"start_time": start, "duration": ms / 1000.0, "max_value": top, "distance": metres}


def by_threshold(reading: Reading, thresholds: list[float]) -> dict[str, Any]:
    """Closed efforts, then those still open (R6), under threshold_1, threshold_2, … ascending."""
    no_speed(reading)  # the lists are empty then, and the notes say why
    state = reading.state
    lists: list[list[dict[str, Any]]] = [[] for _ in thresholds]
    for index, start, ms, top, metres in reading.events.tolist():
        lists[index].append(effort(start, ms, top, metres))
    for index, values in enumerate(lists):
        ms = int(state["ms"][index])
        if state["phase"][index] != CLOSED and ms > 0 and ms >= state["min_ms"]:
            last = effort(
                int(state["start"][index]),
                ms,
                float(state["top"][index]),
                float(state["metres"][index]),
            )
            values.append(last if reading.final else {**last, "open": True})
    return {
        f"threshold_{index + 1}": {"threshold": threshold, "values": values}
        for index, (threshold, values) in enumerate(zip(thresholds, lists, strict=True))
    }


def in_all(of: Any, reading: Reading, key: str) -> float | None:
    """Metres of all efforts of ``key`` over the lowest threshold."""
    if no_speed(reading):
        return None
    if not has_distance(reading):
        return reading.absent(NO_DISTANCE)
    return sum((effort["distance"] for effort in lowest(of[key])), 0.0)


def lowest(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Efforts over the lowest threshold."""
    return list(value["threshold_1"]["values"])


EFFORT_METRICS = (
    Fold(
        key="sprint",
        version=1,
        unit="m/s, s, m",
        title="Sprints",
        definition=(
            "Maximal runs of samples whose smoothed speed reaches a sprint threshold: start, "
            "time, top speed, "
            "distance. An effort ends below sprint_exit_percent of its threshold, efforts up to "
            "sprint_merge_gap "
            "apart are one (the time between included), those shorter than sprint_min_duration "
            "are dropped. A gap "
            "ends every effort; an effort without any covered time is none."
        ),
        boundary="in while speed >= threshold",
        citation="Insiders API 1.22; STATSports sprint definition",
        grade="B",
        digits=EFFORT_DIGITS,
        kernel=SPRINT,
        output=lambda reading: by_threshold(reading, reading.values["sprint_thresholds"]),
    ),
    Fold(
        key="hid",
        version=1,
        unit="m/s, s, m",
        title="High-intensity distance",
        definition=(
            "As sprint, over hid_thresholds, with no minimum and no merging; thresholds overlap "
            "(an effort over a higher one lies inside one over the lower)."
        ),
        boundary="in while speed >= threshold",
        citation="Insiders API 1.22",
        grade="B",
        digits=EFFORT_DIGITS,
        kernel=HID,
        output=lambda reading: by_threshold(reading, reading.values["hid_thresholds"]),
    ),
)

EFFORT_EXTRAS = (
    Derived(
        key="high_speed_distance",
        version=2,
        unit="m",
        title="High-speed distance",
        definition="Distance of all efforts over the lowest of hid_thresholds.",
        boundary="in while speed >= threshold",
        citation=(
            "Sweeting 2017, Front Physiol 8:432 (no consensus on the threshold: it is a parameter)"
        ),
        grade="B",
        needs=("hid",),
        function=lambda of, reading: in_all(of, reading, "hid"),
    ),
    Derived(
        key="sprint_count",
        version=2,
        unit="1",
        title="Sprints, number",
        definition="Number of efforts over the lowest of sprint_thresholds.",
        boundary="in while speed >= threshold",
        citation="Insiders API 1.22; STATSports sprint definition",
        grade="B",
        needs=("sprint",),
        function=lambda of, reading: None if no_speed(reading) else len(lowest(of["sprint"])),
    ),
    Derived(
        key="sprint_distance",
        version=2,
        unit="m",
        title="Sprint distance",
        definition="Distance of all efforts over the lowest of sprint_thresholds.",
        boundary="in while speed >= threshold",
        citation="Insiders API 1.22; STATSports sprint definition",
        grade="B",
        needs=("sprint",),
        function=lambda of, reading: in_all(of, reading, "sprint"),
    ),
    Derived(
        key="max_speed_percent",
        version=1,
        unit="%",
        title="Maximum speed, share of the athlete's best",
        definition="100 times max_speed over athlete_max_speed.",
        boundary="none",
        citation="Sweeting 2017, Front Physiol 8:432 (individual thresholds)",
        grade="B",
        needs=("max_speed",),
        params=("athlete_max_speed",),
        function=lambda of, reading: share_of_best(of["max_speed"], reading),
    ),
)


def share_of_best(top: float | None, reading: Reading) -> float | None:
    best = reading.values["athlete_max_speed"]
    if best is None:
        return reading.absent("athlete_max_speed is not set")
    if top is None:
        return reading.absent("no max_speed")
    return float(100.0 * top / best)
