"""Distance per consecutive window (design/metrics.md 2.7)."""

from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values
from core.sport.metrics.track import NO_DISTANCE, has_distance

STATE = np.dtype([("start", "<i8"), ("span_ms", "<i8"), ("window", "<i8"), ("metres", "<f8")])
EVENT = np.dtype([("window", "<i8"), ("metres", "<f8")])


def init(values: Values, start: int, state: Any) -> None:
    state["start"] = start
    state["span_ms"] = round(values["intensity_span"] * 1000)
    state["window"] = -1


INTENSITY = Kernel(
    name="intensity",
    function="core.sport.kernels.intensity:fold",
    version=1,
    state=STATE,
    init=init,
    params=("intensity_span",),
    event=EVENT,
)


def intensity(reading: Reading) -> dict[str, Any] | None:
    return windows(reading) if has_distance(reading) else reading.absent(NO_DISTANCE)


def windows(reading: Reading) -> dict[str, Any]:
    """Whatever was measured: the windows up to that of the last sample."""
    state = reading.state
    distances = [0.0] * (int(state["window"]) + 1)
    for window, metres in reading.events.tolist():
        distances[window] = metres
    if distances:
        distances[-1] = float(state["metres"])
    span_ms = int(state["span_ms"])
    return {
        "distance": distances,
        "start_time": reading.start,
        "span": reading.values["intensity_span"],
        "end_time": reading.start + len(distances) * span_ms,
    }


INTENSITY_METRICS = (
    Fold(
        key="intensity",
        version=2,
        unit="m",
        title="Intensity",
        definition=(
            "Distance, bridged distance included, in consecutive windows of intensity_span "
            "seconds from the frame's start; the last may be partial. end_time is the start plus "
            "the number of windows times the span."
        ),
        boundary="[start, start + span)",
        citation="Insiders API 1.22",
        grade="A",
        kernel=INTENSITY,
        output=intensity,
    ),
)
