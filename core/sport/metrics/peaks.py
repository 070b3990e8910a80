"""Peak demands: the greatest rolling sums (design/metrics.md 2.8)."""

from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values
from core.sport.metrics.track import NO_DISTANCE, has_distance, no_speed

MOST = 6  # windows
BINS = 600  # longest window, in bins of one second
UNIT = 10000.0  # sums are whole ten-thousandths, so that adding and removing is exact
QUANTITIES = ("distance", "high_speed_distance", "acceleration")
COUNT = len(QUANTITIES)

STATE = np.dtype(
    [
        ("windows_n", "<i8"),
        ("windows", "<i8", (MOST,)),
        ("quantities", "<i8"),  # how many of them are summed
        ("threshold", "<f8"),
        ("bin", "<i8"),
        ("done", "<i8"),  # complete bins; -1 before the first sample
        ("now", "<i8", (COUNT,)),
        ("sums", "<i8", (MOST, COUNT)),
        ("best", "<i8", (MOST, COUNT)),
        ("best_bin", "<i8", (MOST, COUNT)),
        ("ring", "<i8", (BINS, COUNT)),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    windows = values["peak_windows"]
    thresholds = values.get("hid_thresholds") or (np.inf,)
    state["quantities"] = COUNT if "hid_thresholds" in values else 1
    state["windows_n"] = len(windows)
    state["windows"][: len(windows)] = windows
    state["threshold"] = thresholds[0]
    state["done"] = -1
    state["best"] = -1


def _kernel(params: tuple[str, ...]) -> Kernel:
    return Kernel(
        name="peaks",
        function="core.sport.kernels.peaks:fold",
        version=1,
        state=STATE,
        init=init,
        params=params,
    )


PEAKS = _kernel(("peak_windows", "hid_thresholds"))
DISTANCE_PEAKS = _kernel(("peak_windows",))


def peaks(reading: Reading, quantities: tuple[str, ...] = QUANTITIES) -> list[dict[str, Any]]:
    rows = []
    state, lacking = reading.state, _lacking(reading, quantities)
    for w, span in enumerate(reading.values["peak_windows"]):
        for q, quantity in enumerate(quantities):
            best = -1 if quantity in lacking else int(state["best"][w][q])
            value = best / UNIT if best >= 0 else None
            rows.append(
                {
                    "quantity": quantity,
                    "span": span,
                    "value": value,
                    "per_minute": value / span * 60.0 if value is not None else None,
                    "start_time": int(state["best_bin"][w][q]) * 1000 if best >= 0 else None,
                }
            )
        if int(state["best"][w][0]) < 0:
            reading.absent(f"no {span} s of complete seconds yet")
    return rows


def _lacking(reading: Reading, quantities: tuple[str, ...]) -> set[str]:
    """The quantities whose channel is in no sample; the notes say so."""
    lacking = set[str]()
    if not has_distance(reading):
        reading.absent(NO_DISTANCE)
        lacking |= {"distance", "high_speed_distance"}
    if set(quantities) != {"distance"} and no_speed(reading):
        lacking |= {"high_speed_distance", "acceleration"}
    return lacking


PEAK_METRICS = (
    Fold(
        key="peaks",
        version=2,
        unit="m, m, m/s",
        title="Peak demands",
        definition=(
            "Greatest rolling sum over each of peak_windows: distance, high_speed_distance (steps"
            " at or above the lowest "
            "hid threshold), acceleration (sum of |acceleration| times time). Bins of one UTC "
            "second, each sample "
            "rounded to 0.0001; the first bin counts, the last never does, seconds without "
            "samples are 0; windows are "
            "whole, and the earliest wins a tie."
        ),
        boundary="[start, start + span)",
        citation=(
            "Whitehead 2018, Sports Med 48:2549; Varley 2012, J Sports Sci (rolling, not fixed, "
            "windows)"
        ),
        grade="B",
        kernel=PEAKS,
        output=peaks,
    ),
)

DISTANCE_PEAK_METRICS = (
    Fold(
        key="peaks",
        version=2,
        unit="m",
        title="Peak distance",
        definition=(
            "Greatest distance in each of peak_windows. Bins of one UTC second, each sample "
            "rounded to 0.0001 m; the first bin counts, the last never does, seconds without "
            "samples are 0; windows are whole, and the earliest wins a tie. Bridged distance is "
            "left out."
        ),
        boundary="[start, start + span)",
        citation="Whitehead 2018, Sports Med 48:2549 (rolling, not fixed, windows)",
        grade="B",
        kernel=DISTANCE_PEAKS,
        output=lambda reading: peaks(reading, QUANTITIES[:1]),
    ),
)
