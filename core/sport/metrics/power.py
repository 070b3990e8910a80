"""Power on a series of seconds: means, zones, curve, W' balance (design/metrics.md 3.3)."""

from typing import Any

import numpy as np

from core.sport.contract import Batch, Derived, Fold, Kernel, Reading, Values
from core.sport.metrics.halves import HALF_EVENT, HALF_FIELDS, decoupling_of

DURATIONS = (
    1, 2, 3, 5, 8, 10, 15, 20, 30,
    60, 120, 180, 240, 300, 480, 600, 720, 900, 1200, 1800, 2700, 3600, 5400,
)  # fmt: skip
COUNT = len(DURATIONS)
WINDOW = 30  # s, of the normalized power
RING = DURATIONS[-1]
NONE = -1
MOST = 12  # zone edges

STATE = np.dtype(
    [
        ("max_gap_ms", "<i8"),
        ("cp", "<f8"),
        ("w_prime", "<f8"),
        ("edges_n", "<i8"),
        ("edges", "<f8", (MOST,)),
        # the second under way
        ("second", "<i8"),
        ("first_t", "<i8"),
        ("latest_t", "<i8"),
        ("watt_sum", "<f8"),
        ("watt_n", "<i8"),
        ("hr_sum", "<f8"),
        ("hr_n", "<i8"),
        # the newest second with power
        ("last_second", "<i8"),
        ("last_t", "<i8"),
        # seconds that have power
        ("seconds", "<i8"),
        ("joules", "<i8"),
        ("top", "<i8"),
        ("zone_s", "<i8", (MOST,)),
        ("balance", "<f8"),
        ("balance_least", "<f8"),
        ("balance_second", "<i8"),
        ("fourth", "<f8"),
        ("fourth_n", "<i8"),
        # since the last restart, zeros for missing seconds included: whole joules
        ("since", "<i8"),  # seconds
        ("at", "<i8"),  # place of the total before the next one
        ("whole", "<i8"),  # durations of which there are as many seconds
        ("window_sum", "<i8"),  # of the last WINDOW seconds, once there are as many
        ("best", "<i8", (COUNT,)),
        ("best_second", "<i8", (COUNT,)),
        ("ring", "<i8", (RING,)),  # totals before each of the last seconds and after the newest
        *HALF_FIELDS,
    ]
)


def zone_edges(values: Values) -> list[float]:
    """Edges in W: percent of FTP."""
    ftp = values["ftp"]
    return [percent * ftp / 100 for percent in values["power_zones"]] if ftp else []


def init(values: Values, start: int, state: Any) -> None:
    state["max_gap_ms"] = round(values["max_gap"] * 1000)
    state["cp"] = values["cp"] or np.nan
    state["w_prime"] = state["balance"] = state["balance_least"] = values["w_prime"]
    edges = zone_edges(values)
    state["edges_n"] = len(edges)
    state["edges"][: len(edges)] = edges
    state["second"] = state["last_second"] = state["balance_second"] = NONE
    state["best"] = -1


POWER = Kernel(
    name="power",
    function="core.sport.kernels.power:fold",
    finish="core.sport.kernels.power:finish",
    version=1,
    state=STATE,
    init=init,
    params=("max_gap", "ftp", "power_zones", "cp", "w_prime", "weight"),
    inputs=("power", "hr"),
    event=HALF_EVENT,
)

NO_POWER = "no power in these samples"
NO_FTP = "ftp is not set"
NO_CP = "cp is not set"


def power(reading: Reading) -> dict[str, Any] | None:
    state, values = reading.state, reading.values
    seconds = int(state["seconds"])
    if not seconds:
        return reading.absent(NO_POWER)
    average, ftp = int(state["joules"]) / seconds, values["ftp"]
    normalized = factor = score = None
    if state["fourth_n"]:
        normalized = float((state["fourth"] / int(state["fourth_n"])) ** 0.25)
    else:
        reading.absent("normalized needs 30 s without a gap")
    if ftp and normalized is not None:
        factor = normalized / ftp
        score = 100.0 * seconds / 3600.0 * factor**2
    if not ftp:
        reading.absent(NO_FTP)
    if not values["weight"]:
        reading.absent("weight is not set")
    return {
        "average": average,
        "maximum": int(state["top"]),
        "normalized": normalized,
        "variability_index": normalized / average if normalized is not None and average else None,
        "intensity_factor": factor,
        "training_stress_score": score,
        "work": int(state["joules"]) / 1000.0,
        "average_per_kg": average / values["weight"] if values["weight"] else None,
        "seconds": seconds,
    }


def zones(reading: Reading) -> list[dict[str, Any]]:
    edges, total = zone_edges(reading.values), int(reading.state["seconds"])
    if not edges:
        reading.absent(NO_FTP)
        return []
    return [
        {
            "threshold_low": low,
            "threshold_high": high,
            "duration": int(seconds),
            "ratio": int(seconds) / total if total else 0.0,
        }
        for low, high, seconds in zip(
            edges, [*edges[1:], None], reading.state["zone_s"], strict=False
        )
    ]


def curve(reading: Reading) -> list[dict[str, Any]] | None:
    state = reading.state
    if not state["seconds"]:
        return reading.absent(NO_POWER)
    return [
        {
            "duration": DURATIONS[q],
            "power": int(state["best"][q]) / DURATIONS[q],
            "start_time": int(state["best_second"][q]) * 1000,
        }
        for q in range(COUNT)
        if state["best"][q] >= 0
    ]


def balance(reading: Reading) -> dict[str, Any] | None:
    state = reading.state
    if not reading.values["cp"]:
        return reading.absent(NO_CP)
    if not state["seconds"]:
        return reading.absent(NO_POWER)
    second = int(state["balance_second"])
    return {
        "minimum": float(state["balance_least"]),
        "minimum_time": second * 1000 if second != NONE else None,
        "end": float(state["balance"]),
    }


def efficiency(of: Any, reading: Reading) -> float | None:
    found = of["power"]
    if found is None or found["normalized"] is None or of["hr_avg"] is None:
        return reading.absent("normalized power and heart rate are both needed")
    return float(found["normalized"] / of["hr_avg"])


SERIES = (
    "Power is reduced to whole watts for each UTC second (the mean of its samples). A second "
    "without power between two that are at most max_gap apart counts 0 in windows; a longer gap "
    "starts windows anew and adds nothing. Coasting counts."
)

POWER_METRICS = (
    Fold(
        key="power",
        version=1,
        unit="W, kJ, W/kg, s",
        title="Power",
        definition=(
            SERIES + " average, maximum, work (kJ) and seconds: of the seconds that have power; "
            "normalized: fourth-power mean of the full 30 s means; variability_index = normalized "
            "/ average; intensity_factor = normalized / ftp; training_stress_score = 100 h "
            "intensity_factor^2, h the hours of those seconds."
        ),
        boundary="full windows only; a distance of exactly max_gap does not restart them",
        citation="Coggan & Allen, Training and Racing with a Power Meter",
        grade="A",
        kernel=POWER,
        output=power,
    ),
    Fold(
        key="time_per_power_zone",
        version=1,
        unit="W, s",
        title="Time per power zone",
        definition=(
            "Seconds with power by zone; edges are power_zones percent of ftp, written in watts; "
            "ratio is the share of all seconds with power."
        ),
        boundary="[low, high); the last zone is open above",
        citation="Coggan & Allen, Training and Racing with a Power Meter",
        grade="A",
        kernel=POWER,
        output=zones,
    ),
    Fold(
        key="mean_maximal_power",
        version=1,
        unit="s, W",
        title="Mean-maximal power",
        definition=(
            "Greatest mean power over each of 23 durations from 1 s to 90 min, exact in whole "
            "joules. " + SERIES
        ),
        boundary="whole windows; the earliest wins a tie",
        citation="Coggan & Allen, Training and Racing with a Power Meter; equal to sweat 0.25",
        grade="A",
        kernel=POWER,
        output=curve,
    ),
    Fold(
        key="w_prime_balance",
        version=1,
        unit="J",
        title="W' balance, differential",
        definition=(
            "Begins at w_prime; each second from cp on takes away P - cp, each below gives back "
            "(cp - P)(W' - w) / W'. Seconds that count 0 give back, too; a longer gap changes "
            "nothing. It may fall below 0, which says that cp or w_prime is too low."
        ),
        boundary="P >= cp takes away",
        citation="Skiba 2014, MSSE 46:1433; Skiba 2015, EJAP 115:703 (Froncioni-Clarke form)",
        grade="B",
        kernel=POWER,
        output=balance,
    ),
    Batch(
        key="w_prime_balance_integral",
        version=1,
        unit="J, s",
        title="W' balance, integral",
        definition=(
            "w_prime less I, where each second I falls by exp(-1 / tau) and grows by P - cp above "
            "cp; tau as set, else 546 exp(-0.01 D) + 316 with D = cp less the mean power of the "
            "seconds below cp, which needs the whole ride. The series of seconds is that of power."
        ),
        boundary="P > cp adds",
        citation="Skiba 2012, MSSE 44:1526",
        grade="B",
        function="core.sport.kernels.power_series:integral",
        inputs=("power",),
        params=("max_gap", "cp", "w_prime", "tau"),
    ),
    Derived(
        key="efficiency_factor",
        version=1,
        unit="W/bpm",
        title="Efficiency factor",
        definition="Normalized power over hr_avg.",
        boundary="none",
        citation="Friel, TrainingPeaks",
        grade="B",
        needs=("power", "hr_avg"),
        function=efficiency,
    ),
    Fold(
        key="decoupling",
        version=1,
        unit="%",
        title="Aerobic decoupling, power to heart rate",
        definition=(
            "Of the seconds with power and heart rate: the efficiency factor (normalized power "
            "over mean heart rate) of their first half less that of their second, over the first. "
            "Halves end at a whole minute."
        ),
        boundary="from two minutes on; full 30 s windows only",
        citation="Friel, TrainingPeaks",
        grade="B",
        kernel=POWER,
        output=lambda reading: decoupling_of(reading, "power"),
    ),
)
