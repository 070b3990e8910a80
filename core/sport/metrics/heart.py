"""Heart rate: statistics, zones, history, training load (design/metrics.md 2.6 and 2.15)."""

from typing import Any

import numpy as np

from core.sport.contract import Derived, Fold, Kernel, Reading, Values

MOST = 10  # edges
BUCKET_MS = 5000
LOWEST, HIGHEST = 25.0, 240.0  # outside: absent
WEIGHTS = {"M": (0.64, 1.92), "F": (0.86, 1.67)}

STATE = np.dtype(
    [
        ("start", "<i8"),
        ("edges_n", "<i8"),
        ("edges", "<f8", (MOST,)),
        ("zone_ms", "<i8", (MOST,)),
        ("beats_ms", "<f8"),  # sum of bpm times ms
        ("ms", "<i8"),
        ("n", "<i8"),
        ("least", "<f8"),
        ("most", "<f8"),
        ("bucket", "<i8"),
        ("bucket_sum", "<f8"),
        ("bucket_n", "<i8"),
    ]
)
EVENT = np.dtype([("t", "<i8"), ("mean", "<f8")])

LOAD_STATE = np.dtype(
    [
        ("max_hr", "<f8"),
        ("rest_hr", "<f8"),
        ("scale", "<f8"),
        ("growth", "<f8"),
        ("n", "<i8"),
        ("banister_ms", "<f8"),
        ("edwards_ms", "<f8"),
        ("last_hr", "<f8"),
        ("last_weight", "<f8"),
        ("last_zone", "<i8"),
    ]
)


def bpm_edges(values: Values) -> list[float]:
    """Zone edges in bpm: percent times max_hr / 100, in this order."""
    return [percent * values["max_hr"] / 100 for percent in values["hr_zones"]]


def init(values: Values, start: int, state: Any) -> None:
    state["start"] = start
    state["bucket"] = -1
    if values["max_hr"]:
        edges = bpm_edges(values)
        state["edges_n"] = len(edges)
        state["edges"][: len(edges)] = edges


def init_load(values: Values, start: int, state: Any) -> None:
    state["max_hr"] = values["max_hr"] or 0.0
    state["rest_hr"] = values["rest_hr"] or 0.0
    state["scale"], state["growth"] = WEIGHTS.get(values["sex"], (0.0, 0.0))


HEART = Kernel(
    name="heart",
    function="core.sport.kernels.heart:fold",
    version=1,
    state=STATE,
    init=init,
    params=("max_hr", "hr_zones"),
    inputs=("hr",),
    event=EVENT,
)
LOAD = Kernel(
    name="load",
    function="core.sport.kernels.heart:load",
    version=1,
    state=LOAD_STATE,
    init=init_load,
    params=("max_hr", "rest_hr", "sex"),
    inputs=("hr",),
)

NO_HR = "no heart rate in these samples"
NO_MAX = "max_hr is not set (params, athlete, profile), and estimate_max_hr is not asked for"


def mean(reading: Reading) -> float | None:
    if reading.state["ms"] == 0:
        return reading.absent(NO_HR)
    return float(reading.state["beats_ms"] / reading.state["ms"])


def extreme(reading: Reading, name: str) -> float | None:
    return float(reading.state[name]) if reading.state["n"] else reading.absent(NO_HR)


def history(reading: Reading) -> list[list[float]]:
    state = reading.state
    rows = [[t, value] for t, value in reading.events.tolist()]
    if state["bucket_n"]:
        t = reading.start + int(state["bucket"]) * BUCKET_MS
        rows.append([t, float(state["bucket_sum"] / state["bucket_n"])])
    return rows


def athlete_max_hr(reading: Reading) -> float | None:
    return reading.values["max_hr"] or reading.absent(NO_MAX)


def zones(reading: Reading) -> list[dict[str, Any]]:
    if not reading.values["max_hr"]:
        reading.absent(NO_MAX)
        return []
    percents, bpm = reading.values["hr_zones"], bpm_edges(reading.values)
    total = int(reading.state["ms"])
    return [
        {
            "percentage_hrmax": 100.0 * int(reading.state["zone_ms"][i]) / total if total else 0.0,
            "range_bpm": [bpm[i], bpm[i + 1]],
            "range_percent_hrmax": [percents[i], percents[i + 1]],
        }
        for i in range(len(percents) - 1)
    ]


def reserve(of: Any, reading: Reading) -> float | None:
    top, rest = reading.values["max_hr"], reading.values["rest_hr"]
    if not top or not rest:
        return reading.absent("max_hr and rest_hr are both needed")
    if of["hr_avg"] is None:
        return reading.absent(NO_HR)
    return (
        float(100.0 * (of["hr_avg"] - rest) / (top - rest))
        if top > rest
        else reading.absent("rest_hr is not below max_hr")
    )


def trimp(reading: Reading) -> dict[str, float | None]:
    values, state = reading.values, reading.state
    edwards: float | None = None
    banister: float | None = None
    if not state["n"]:
        reading.absent(NO_HR)
    elif not values["max_hr"]:
        reading.absent(NO_MAX)
    else:
        edwards = float(state["edwards_ms"]) / 60000.0
        if values["rest_hr"] and values["sex"] in WEIGHTS and values["rest_hr"] < values["max_hr"]:
            banister = float(state["banister_ms"]) / 60000.0
        else:
            reading.absent("banister needs sex, and rest_hr below max_hr")
    return {"banister": banister, "edwards": edwards}


def _stat(key: str, title: str, definition: str, output: Any, unit: str = "bpm") -> Fold:
    return Fold(
        key=key,
        version=1,
        unit=unit,
        title=title,
        definition=definition,
        boundary="heart rates from 25 to 240 bpm, both included, count; others are absent",
        citation="Insiders API 1.22",
        grade="A",
        kernel=HEART,
        output=output,
    )


HEART_METRICS = (
    _stat("hr_avg", "Mean heart rate", "Mean over covered time with a heart rate.", mean),
    _stat(
        "hr_max",
        "Highest heart rate",
        "Highest heart rate of any sample.",
        lambda r: extreme(r, "most"),
    ),
    _stat(
        "hr_min",
        "Lowest heart rate",
        "Lowest heart rate of any sample.",
        lambda r: extreme(r, "least"),
    ),
    _stat(
        "hr_plot",
        "Heart-rate history",
        "Pairs [bucket start in ms, mean bpm of its samples] per 5 s from the frame's start; "
        "buckets without heart rate are left out.",
        history,
        unit="ms, bpm",
    ),
    Fold(
        key="athlete_max_hr",
        version=1,
        unit="bpm",
        title="Maximum heart rate used",
        definition=(
            "max_hr as resolved; only where estimate_max_hr is set and nothing else is known, 208"
            " - 0.7 age (an estimate, grade C; see its source in `parameters`)."
        ),
        boundary="none",
        citation="Insiders API 1.22; Tanaka 2001, JACC 37:153",
        grade="C",
        kernel=HEART,
        output=athlete_max_hr,
    ),
    Fold(
        key="timePerHrZone",
        version=1,
        unit="%",
        title="Time per heart-rate zone",
        definition=(
            "Share (percent) of the time with a heart rate that lies in each zone; edges are "
            "hr_zones percent of max_hr. Rates above the last edge count in the last zone."
        ),
        boundary="[low, high); the last zone takes all above",
        citation="Insiders API 1.22; Edwards 1993",
        grade="A",
        kernel=HEART,
        output=zones,
    ),
)

HEART_EXTRAS = (
    Derived(
        key="hr_rest_reserve",
        version=1,
        unit="%",
        title="Mean heart-rate reserve",
        definition="100 (hr_avg - rest_hr) / (max_hr - rest_hr).",
        boundary="none",
        citation="Karvonen 1957",
        grade="A",
        needs=("hr_avg",),
        params=("max_hr", "rest_hr"),
        function=reserve,
    ),
    Fold(
        key="trimp",
        version=1,
        unit="1",
        title="Training impulse",
        definition=(
            "banister: sum of minutes times x a exp(b x), x the heart-rate reserve clipped to "
            "0-1, nothing below x = 0.35; a, b = 0.64, 1.92 (men), 0.86, 1.67 (women). edwards: "
            "sum of minutes times zone number, 1 to 5 for 50-60 to 90-100 % of max_hr; above 100 "
            "% is zone 5."
        ),
        boundary="x >= 0.35; zones [low, high)",
        citation="Banister 1991; Edwards 1993",
        grade="A",
        kernel=LOAD,
        output=trimp,
    ),
)
