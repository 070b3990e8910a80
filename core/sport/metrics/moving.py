"""Moving, standing, stops (design/metrics.md 2.11)."""

from functools import partial
from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values
from core.sport.metrics.track import no_speed

FIELD, RUN, RIDE = 0.28, 0.5, 1.0  # m/s; on a field about 1 km/h
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


def init(limit: float, values: Values, start: int, state: Any) -> None:
    state["limit"] = limit


def stops(reading: Reading) -> dict[str, Any] | None:
    """The present run counts from its fifth second on, before it ends."""
    if no_speed(reading):
        return None
    count, ms = int(reading.state["stops"]), int(reading.state["stop_ms"])
    still = int(reading.state["still_ms"])
    if still >= STOP_MS:
        count, ms = count + 1, ms + still
    return {"count": count, "duration": ms / 1000.0}


def moving(reading: Reading) -> float | None:
    return None if no_speed(reading) else int(reading.state["moving_ms"]) / 1000.0


def standing(reading: Reading) -> float | None:
    if no_speed(reading):
        return None
    return int(reading.track["time_ms"] - reading.state["moving_ms"]) / 1000.0


def moving_metrics(limit: float) -> tuple[Fold, Fold, Fold]:
    """Of a sport in which one moves from ``limit`` m/s on."""
    kernel = Kernel(
        name="moving",
        function="core.sport.kernels.moving:fold",
        version=1,
        state=STATE,
        init=partial(init, limit),
    )

    def metric(key: str, unit: str, title: str, definition: str, output: Any) -> Fold:
        return Fold(
            key=key,
            version=2,
            unit=unit,
            title=title,
            definition=definition,
            boundary=f"moving while speed >= {limit} m/s; a stop lasts 5 s or more",
            citation="Touchline design, section 2.11",
            grade="D",
            kernel=kernel,
            output=output,
        )

    return (
        metric(
            "moving_time",
            "s",
            "Moving time",
            f"Covered time whose smoothed speed is at least {limit} m/s.",
            moving,
        ),
        metric(
            "standing_time",
            "s",
            "Standing time",
            "Covered time that is not moving time, undefined speed included.",
            standing,
        ),
        metric(
            "stops",
            "1, s",
            "Stops",
            "Number and total time of runs of at least 5 s without moving and without a gap.",
            stops,
        ),
    )


MOVING_METRICS = moving_metrics(FIELD)
