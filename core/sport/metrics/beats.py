"""Heart-rate variability from the intervals between beats (design/metrics.md 2.15)."""

import math
from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values

SHORTEST, LONGEST = 300.0, 2000.0  # ms, both included
WITHIN = 0.2  # of the last accepted interval, included
REFUSALS = 3  # in a row, then any interval in range is accepted
LONG_DIFFERENCE = 50.0  # ms; pNN50 counts differences above it

_SERIES = [
    ("n", "<i8"),
    ("mean", "<f8"),  # Welford
    ("m2", "<f8"),
    ("last", "<f8"),
    ("differences", "<i8"),
    ("squares", "<f8"),  # sum of squared differences
    ("over_50", "<i8"),
]
STATE = np.dtype(
    [
        *[(f"all_{name}", kind) for name, kind in _SERIES],
        *[(f"kept_{name}", kind) for name, kind in _SERIES],
        ("refused", "<i8"),
        ("refused_run", "<i8"),
        ("longest_refused_run", "<i8"),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    """It has no parameters: the filter is part of the definition."""


BEATS = Kernel(
    name="beats",
    function="core.sport.kernels.beats:fold",
    version=1,
    state=STATE,
    init=init,
    inputs=("rr",),
    stream="rr",
)


def _series(state: Any, prefix: str) -> dict[str, Any]:
    n, differences = int(state[f"{prefix}_n"]), int(state[f"{prefix}_differences"])
    over = int(state[f"{prefix}_over_50"])
    squares, m2 = float(state[f"{prefix}_squares"]), float(state[f"{prefix}_m2"])
    return {
        "n": n,
        "mean_rr": float(state[f"{prefix}_mean"]) if n else None,
        "rmssd": math.sqrt(squares / differences) if differences else None,
        "sdnn": math.sqrt(m2 / (n - 1)) if n > 1 else None,
        "pnn50": 100.0 * over / differences if differences else None,
        "nn50": over,
        "differences": differences,
    }


def hrv(reading: Reading) -> dict[str, Any] | None:
    state = reading.state
    if not state["all_n"]:
        return reading.absent("no intervals between beats (stream rr)")
    filtered = {
        **_series(state, "kept"),
        "refused": int(state["refused"]),
        "longest_refused_run": int(state["longest_refused_run"]),
    }
    return {**_series(state, "all"), "filtered": filtered}


HRV_METRICS = (
    Fold(
        key="hrv",
        version=1,
        unit="1, ms, %",
        title="Heart-rate variability",
        definition=(
            "Of the intervals between beats as they came: n, mean_rr, rmssd (root of the mean "
            "squared difference of successive intervals), sdnn (standard deviation, n - 1), pnn50 "
            "(percent of differences above 50 ms, nn50 of them). filtered: the same over intervals "
            "of 300 to 2000 ms within 20 % of the last accepted one; after three refusals in a "
            "row the next in range is accepted; a difference counts only between two accepted "
            "intervals with none refused between them. Intervals of 0 or less are absent."
        ),
        boundary="300 <= rr <= 2000; |rr - last| <= 0.2 last; a difference of 50 ms is not above",
        citation="Task Force 1996, Circulation 93:1043; filter: Touchline design, section 2.15",
        grade="A",
        kernel=BEATS,
        output=hrv,
    ),
)
