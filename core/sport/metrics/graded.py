"""Running on the flat's terms: graded pace, load, efficiency, power (design/metrics.md 3.4)."""

from typing import Any

import numpy as np

from core.sport.contract import Derived, Fold, Kernel, Reading, Values
from core.sport.metrics.elevation import COST, flat_metres
from core.sport.metrics.halves import HALF_EVENT, HALF_FIELDS, decoupling_of
from core.sport.metrics.pace import threshold_speed

WINDOW = 30  # s
SENSOR, MODEL = 0, 1
NONE = -1

STATE = np.dtype(
    [
        ("max_gap_ms", "<i8"),
        ("drag", "<f8"),  # 0.5 1.2 0.9 A / m, 1/m; NaN without weight and height
        # the second under way
        ("second", "<i8"),
        ("first_t", "<i8"),
        ("latest_t", "<i8"),
        ("mm_sum", "<i8"),
        ("raw_sum", "<i8"),
        ("slope_sum", "<f8"),
        ("n", "<i8"),
        ("hr_sum", "<f8"),
        ("hr_n", "<i8"),
        ("watt_sum", "<f8"),
        ("watt_n", "<i8"),
        # the newest whole second
        ("last_second", "<i8"),
        ("last_t", "<i8"),
        ("last_raw", "<f8"),
        # graded speed, whole mm/s
        ("ring_n", "<i8"),
        ("ring_at", "<i8"),
        ("ring_sum", "<i8"),
        ("ring", "<i8", (WINDOW,)),
        ("seconds", "<i8"),
        ("fourth", "<f8"),
        ("fourth_n", "<i8"),
        # power: of a sensor (W), of the model (mW/kg)
        ("power_n", "<i8", (2,)),
        ("power_sum", "<i8", (2,)),
        ("power_ring_n", "<i8", (2,)),
        ("power_ring_at", "<i8", (2,)),
        ("power_ring_sum", "<i8", (2,)),
        ("power_ring", "<i8", (2, WINDOW)),
        ("power_fourth", "<f8", (2,)),
        ("power_fourth_n", "<i8", (2,)),
        *HALF_FIELDS,
    ]
)


def drag(values: Values) -> float:
    """Air resistance over body mass, 1/m: the frontal area by Skiba 2006."""
    weight, height = values["weight"], values["height"]
    if not weight or not height:
        return float("nan")
    area = 0.266 * 0.2025 * height**0.725 * weight**0.425
    return float(0.5 * 1.2 * 0.9 * area / weight)


def init(values: Values, start: int, state: Any) -> None:
    state["max_gap_ms"] = round(values["max_gap"] * 1000)
    state["drag"] = drag(values)
    state["second"] = state["last_second"] = NONE


def graded(after: Kernel) -> Kernel:
    """The kernel behind one that gives the slope."""
    return Kernel(
        name="graded",
        function="core.sport.kernels.graded:fold",
        finish="core.sport.kernels.graded:finish",
        version=1,
        state=STATE,
        init=init,
        params=("max_gap", "weight", "height", "threshold_pace", "power_cp"),
        inputs=("alt", "hr", "power"),
        event=HALF_EVENT,
        events_per_sample=2,  # a second that stands for up to a minute may end two
        after=(after,),
    )


NO_SPEED = "fewer than 30 s of speed without a gap"


def normalized_speed(reading: Reading) -> float | None:
    """m/s, None where no window of 30 s is full."""
    state = reading.state
    if not state["fourth_n"]:
        return None
    return float((state["fourth"] / int(state["fourth_n"])) ** 0.25 / 1000.0)


def normalized_pace(reading: Reading) -> float | None:
    speed = normalized_speed(reading)
    return 1000.0 / speed if speed else reading.absent(NO_SPEED)


def intensity_factor(reading: Reading) -> float | None:
    threshold = threshold_speed(reading.values)
    if threshold is None:
        return reading.absent("threshold_pace is not set")
    speed = normalized_speed(reading)
    return speed / threshold if speed is not None else reading.absent(NO_SPEED)


def stress(reading: Reading) -> float | None:
    factor = intensity_factor(reading)
    if factor is None:
        return None
    return float(100.0 * int(reading.state["seconds"]) / 3600.0 * factor**2)


def grade_adjusted(reading: Reading) -> dict[str, float] | None:
    metres, ms = flat_metres(reading), int(reading.track["time_ms"])
    if metres is None:
        return None
    if not metres or not ms:
        return reading.absent("no distance over any covered time")
    return {"pace": ms / metres, "distance": metres}


def efficiency(of: Any, reading: Reading) -> float | None:
    if of["normalized_graded_pace"] is None or of["hr_avg"] is None:
        return reading.absent("normalized graded pace and heart rate are both needed")
    return float(60_000.0 / of["normalized_graded_pace"] / of["hr_avg"])


def decoupling(reading: Reading) -> float | None:
    return decoupling_of(reading, "speed")


def _watts(reading: Reading) -> tuple[str, int, float] | None:
    """Source, its place in the state, watts per unit of the state; None without either source."""
    state, weight = reading.state, reading.values["weight"]
    if state["power_n"][SENSOR]:
        return "sensor", SENSOR, 1.0
    if state["power_n"][MODEL]:
        return "model", MODEL, weight / 1000.0
    return None


def running_power(reading: Reading) -> dict[str, Any] | None:
    found = _watts(reading)
    if found is None:
        return reading.absent("no power meter, and no weight and height to estimate power from")
    source, place, unit = found
    state, weight, critical = reading.state, reading.values["weight"], reading.values["power_cp"]
    seconds = int(state["power_n"][place])
    average = int(state["power_sum"][place]) / seconds * unit
    windows = int(state["power_fourth_n"][place])
    normalized = None
    if windows:
        normalized = float((state["power_fourth"][place] / windows) ** 0.25 * unit)
    score = None
    if normalized is not None and critical:
        score = 100.0 * seconds / 3600.0 * (normalized / critical) ** 2
    return {
        "source": source,
        "average": average,
        "normalized": normalized,
        "average_per_kg": average / weight if weight else None,
        "seconds": seconds,
        "govss": score,
    }


def effectiveness(of: Any, reading: Reading) -> float | None:
    power, speed = of["power"], of["average_speed"]
    if power is None or not power["average_per_kg"] or not speed:
        return reading.absent("speed, power and weight are all needed")
    if power["source"] != "sensor":
        return reading.absent("a modelled power says nothing about effectiveness")
    return float(speed / power["average_per_kg"])


SERIES = (
    "Graded speed of each UTC second: mean of its samples' smoothed speed times C(i) / 3.6, whole "
    "mm/s. Seconds without a sample between two that are at most max_gap apart have the later one's"
    " value; a longer gap starts the windows anew. "
)


def graded_metrics(elevation: Kernel) -> tuple[Fold | Derived, ...]:
    """Of a sport whose slope comes from ``elevation``."""
    kernel = graded(elevation)
    return (
        Fold(
            key="grade_adjusted",
            version=1,
            unit="s/km, m",
            title="Grade-adjusted pace and distance",
            definition=(
                "distance: sum of distance times C(i) / 3.6, bridged distance left out; pace: "
                "covered time over it, standing included. " + COST
            ),
            boundary="none",
            citation="Minetti 2002, J Appl Physiol 93:1039",
            grade="B",
            kernel=elevation,
            output=grade_adjusted,
        ),
        Fold(
            key="normalized_graded_pace",
            version=1,
            unit="s/km",
            title="Normalized graded pace",
            definition=(
                SERIES + "The pace of the fourth-power mean over all full 30 s windows. Without "
                "altitude the slope is 0."
            ),
            boundary="full windows only",
            citation="McGregor, TrainingPeaks (unpublished in detail); Minetti 2002",
            grade="C",
            kernel=kernel,
            output=normalized_pace,
        ),
        Fold(
            key="intensity_factor",
            version=1,
            unit="1",
            title="Intensity factor",
            definition="Normalized graded speed over the threshold speed (1000 / threshold_pace).",
            boundary="none",
            citation="McGregor, TrainingPeaks",
            grade="C",
            kernel=kernel,
            output=intensity_factor,
        ),
        Fold(
            key="training_stress_score",
            version=1,
            unit="1",
            title="Running training stress score",
            definition="rTSS = 100 h IF^2, h the hours that the graded speed covers.",
            boundary="none",
            citation="McGregor, TrainingPeaks",
            grade="C",
            kernel=kernel,
            output=stress,
        ),
        Derived(
            key="efficiency_factor",
            version=1,
            unit="m/beat",
            title="Efficiency factor",
            definition="Normalized graded speed in metres a minute over hr_avg.",
            boundary="none",
            citation="Friel, TrainingPeaks",
            grade="C",
            needs=("normalized_graded_pace", "hr_avg"),
            function=efficiency,
        ),
        Fold(
            key="decoupling",
            version=1,
            unit="%",
            title="Aerobic decoupling, pace to heart rate",
            definition=(
                "Of the seconds with speed and heart rate: the efficiency factor of their first "
                "half less that of their second, over the first. Halves end at a whole minute."
            ),
            boundary="from two minutes on; full 30 s windows only",
            citation="Friel, TrainingPeaks",
            grade="C",
            kernel=kernel,
            output=decoupling,
        ),
        Fold(
            key="power",
            version=1,
            unit="W, W/kg, s",
            title="Running power",
            definition=(
                "Of the power meter (source `sensor`), else by the model from speed, slope, weight "
                "and height: P/m = v (C(i) eta + 0.5 1.2 0.9 A v^2 / m) + change of v^2/2 a "
                "second, A = 0.266 0.2025 h^0.725 m^0.425, eta = (0.25 + 0.054 v)(1 - 0.5 v / "
                "8.33), not below 0, per second. normalized: fourth-power mean of full 30 s "
                "windows; govss = 100 h (normalized / power_cp)^2."
            ),
            boundary="full windows only",
            citation="Skiba 2006 (GOVSS)",
            grade="C",
            kernel=kernel,
            output=running_power,
        ),
        Derived(
            key="running_effectiveness",
            version=1,
            unit="kg/N",
            title="Running effectiveness",
            definition="average_speed over mean sensor power per kilogram.",
            boundary="none",
            citation="Coggan, running effectiveness",
            grade="C",
            needs=("average_speed", "power"),
            function=effectiveness,
        ),
    )
