"""Moving, standing, stops (design/metrics.md 2.11)."""

from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values

FOOT = 0.28  # m/s, about 1 km/h
STOP_MS = 5000

STATE = np.dtype(
    [
        ("limit", "<f8"),
        ("moving_ms", "<i8"),
        ("still_ms", "<i8"),  # the present run of not moving
        ("stops", "<i8"),
        ("stop_ms", "<i8"),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    state["limit"] = FOOT


MOVING = Kernel(
    name="moving",
    function="core.sport.kernels.moving:fold",
    version=1,
    state=STATE,
    init=init,
)


def stops(reading: Reading) -> dict[str, Any]:
    """The present run counts from its fifth second on, before it ends."""
    count, ms = int(reading.state["stops"]), int(reading.state["stop_ms"])
    still = int(reading.state["still_ms"])
    if still >= STOP_MS:
        count, ms = count + 1, ms + still
    return {"count": count, "duration": ms / 1000.0}


def standing(reading: Reading) -> float:
    return int(reading.track["time_ms"] - reading.state["moving_ms"]) / 1000.0


def _metric(key: str, unit: str, title: str, definition: str, output: Any) -> Fold:
    return Fold(
        key=key,
        version=1,
        unit=unit,
        title=title,
        definition=definition,
        boundary="moving while speed >= 0.28 m/s; a stop lasts 5 s or more",
        citation="Touchline design, section 2.11",
        grade="D",
        kernel=MOVING,
        output=output,
    )


MOVING_METRICS = (
    _metric(
        "moving_time",
        "s",
        "Moving time",
        "Covered time whose smoothed speed is at least 0.28 m/s (1 km/h).",
        lambda reading: int(reading.state["moving_ms"]) / 1000.0,
    ),
    _metric(
        "standing_time",
        "s",
        "Standing time",
        "Covered time that is not moving time, undefined speed included.",
        standing,
    ),
    _metric(
        "stops",
        "1, s",
        "Stops",
        "Number and total time of runs of at least 5 s without moving and without a gap.",
        stops,
    ),
)
