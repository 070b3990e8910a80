"""Named spans of an activity, periods of play or sets: what a player did in each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values
from core.sport.metrics.track import NO_DISTANCE, has_distance, no_speed

MOST = 50  # as the activities' schemas allow
FOREVER = 2**62

STATE = np.dtype(
    [
        ("n", "<i8"),
        ("start", "<i8", (MOST,)),
        ("end", "<i8", (MOST,)),
        ("at", "<i8"),  # the span of the last sample, -1 between spans
        ("until", "<i8"),  # when that has to be looked up again
        ("fast", "<f8"),
        ("ms", "<i8", (MOST,)),
        ("metres", "<f8", (MOST,)),
        ("fast_metres", "<f8", (MOST,)),
        ("top", "<f8", (MOST,)),
    ]
)

Span = Mapping[str, Any]


def milliseconds(moment: str) -> int:
    """Unix ms of an ISO 8601 time with offset."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def bounds(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Start and end of each, in Unix ms."""
    return [(milliseconds(s["start_time"]), milliseconds(s["end_time"])) for s in spans]


def fill(state: Any, spans: Sequence[Span] | None) -> None:
    """``n``, ``start`` and ``end`` of a state that has them."""
    found = bounds(spans or [])
    state["n"] = len(found)
    for index, (start, end) in enumerate(found):
        state["start"][index], state["end"][index] = start, end


def _output(reading: Reading, key: str) -> Any:
    spans, state = reading.values[key] or [], reading.state
    if not spans:
        return reading.absent(f"the activity names no {key}")
    placed, timed = has_distance(reading), not no_speed(reading)
    if not placed:
        reading.absent(NO_DISTANCE)
    return [
        {
            **span,
            "duration": int(state["ms"][index]) / 1000.0,
            "distance": float(state["metres"][index]) if placed else None,
            "high_speed_distance": float(state["fast_metres"][index]) if placed and timed else None,
            "max_speed": float(state["top"][index]) if state["top"][index] >= 0.0 else None,
        }
        for index, span in enumerate(spans)
    ]


def span_metric(key: str, title: str) -> Fold:
    """The metric of the activity's spans under ``key`` of its json."""

    def init(values: Values, start: int, state: Any) -> None:
        fill(state, values[key])
        state["at"], state["until"] = -1, -FOREVER
        state["top"] = -1.0
        state["fast"] = values["hid_thresholds"][0]

    kernel = Kernel(
        name=key,
        function="core.sport.kernels.spans:fold",
        version=1,
        state=STATE,
        init=init,
        params=(key, "hid_thresholds"),
    )
    return Fold(
        key=key,
        version=2,
        unit="s, m, m/s",
        title=title,
        definition=(
            f"Of each of the activity's {key} the covered time, the distance (steps bridged over "
            "a gap included), the distance of samples whose smoothed speed reaches the lowest of "
            "hid_thresholds, and the greatest smoothed speed. A step belongs to the span that "
            "holds the sample which ends it; where spans overlap, to the first of them in the list."
        ),
        boundary="start_time <= t < end_time; in while speed >= threshold",
        citation="Touchline design, section 2.12",
        grade="D",
        kernel=kernel,
        output=lambda reading: _output(reading, key),
    )
