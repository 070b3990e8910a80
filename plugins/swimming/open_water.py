"""What only open water has: strokes by the watch's rate, and how straight the way was (3.5)."""

from typing import Any

import numpy as np

from core.sport import Fold, Kernel, Reading, Values

PIECE = 100.0  # metres of way whose ends are compared

STROKES_STATE = np.dtype([("ms", "<i8"), ("turns", "<f8"), ("top", "<f8")])
DRIFT_STATE = np.dtype(
    [
        ("begun", "<i8"),
        ("lat", "<f8"),
        ("lon", "<f8"),
        ("metres", "<f8"),
        ("swum", "<f8"),
        ("straight", "<f8"),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    """No parameters."""


STROKES = Kernel(
    name="strokes",
    function="plugins.swimming.kernels:strokes",
    version=1,
    state=STROKES_STATE,
    init=init,
    inputs=("cadence",),
)
DRIFT = Kernel(
    name="drift",
    function="plugins.swimming.kernels:drift",
    version=1,
    state=DRIFT_STATE,
    init=init,
    params=("distance_source",),
    inputs=("lat", "lon"),
)


def cadence(reading: Reading) -> dict[str, float] | None:
    state = reading.state
    if not state["ms"]:
        return reading.absent("no stroke rate above 0 in these samples")
    return {"average": float(state["turns"] / state["ms"]), "maximum": float(state["top"])}


def heading_drift(reading: Reading) -> dict[str, float] | None:
    if reading.values["distance_source"] != "position":
        return reading.absent("distance does not come from positions")
    swum, straight = float(reading.state["swum"]), float(reading.state["straight"])
    if not straight:
        return reading.absent("no 100 m of way with positions")
    return {"extra_distance": swum - straight, "ratio": swum / straight}


OPEN_WATER_METRICS = (
    Fold(
        key="cadence",
        version=1,
        unit="1/min",
        title="Stroke rate of the samples",
        definition=(
            "average: mean over covered time with a rate above 0; maximum: of any sample. Arms or "
            "cycles as the device counts (stroke_counting)."
        ),
        boundary="0 is absent",
        citation="Touchline design, section 3.5",
        grade="A",
        kernel=STROKES,
        output=cadence,
    ),
    Fold(
        key="heading_drift",
        version=1,
        unit="m, 1",
        title="Heading drift",
        definition=(
            "Of consecutive pieces of at least 100 m of way: metres swum beyond the straight lines "
            "between their ends, and metres swum over those lines. Turns at buoys count as drift."
        ),
        boundary="a piece ends with the sample that completes its 100 m",
        citation="Touchline design, section 3.5",
        grade="D",
        kernel=DRIFT,
        output=heading_drift,
    ),
)
