"""Ascent, slope, climbs, and what distance is worth uphill (design/metrics.md 2.13, 3.3 to 3.6)."""

from functools import partial
from typing import Any

import numpy as np

from core.sport.contract import Derived, Fold, Kernel, Reading, Values
from core.sport.metrics.track import TRACK, has_distance

THRESHOLD, PHONE_THRESHOLD = 3.0, 10.0  # m of hysteresis; of an altitude by GNSS
MEDIAN = 5  # altitudes
SPACING, NEAR, FAR = 5.0, 30.0, 100.0  # m: between points, run of the slope, run of a climb's
STEEPEST = 0.45
POINTS = 32  # FAR / SPACING and some, a power of two
FLAT_COST = 3.6  # J/kg/m on the level
CLIMB_FROM, CLIMB_UNDER, LEVEL_METRES, DROP = 0.03, 0.01, 300.0, 10.0
LEAST_RISE, LEAST_LENGTH = 20.0, 500.0
CATEGORIES = ((80_000, "HC"), (64_000, "1"), (32_000, "2"), (16_000, "3"), (8_000, "4"))
MOST = 10  # slope edges
UP, DOWN = 0, 1

STATE = np.dtype(
    [
        ("threshold", "<f8"),
        ("n", "<i8"),  # samples with an altitude
        ("reference", "<f8"),
        ("ascent", "<f8"),
        ("descent", "<f8"),
        ("flat_metres", "<f8"),
        ("edges_n", "<i8"),
        ("edges", "<f8", (MOST,)),
        ("class_ms", "<i8", (MOST + 1,)),
        ("class_metres", "<f8", (MOST + 1,)),
        # since the last break: altitudes and their median, points every 5 m of distance
        ("alt_n", "<i8"),
        ("alt", "<f8", (MEDIAN,)),
        ("median", "<f8"),
        ("metres", "<f8"),
        ("points_n", "<i8"),
        ("near", "<i8"),  # number of the newest point 30 m behind, -1 before there is one
        ("far", "<i8"),
        ("point_t", "<i8", (POINTS,)),
        ("point_d", "<f8", (POINTS,)),
        ("point_z", "<f8", (POINTS,)),
        # the climb and the descent under way
        ("open", "<i8", (2,)),
        ("start_t", "<i8", (2,)),
        ("start_d", "<f8", (2,)),
        ("start_z", "<f8", (2,)),
        ("top_t", "<i8", (2,)),
        ("top_d", "<f8", (2,)),
        ("top_z", "<f8", (2,)),
        ("level", "<f8", (2,)),
    ]
)
HEIGHTS_STATE = np.dtype(
    [
        ("threshold", "<f8"),
        ("n", "<i8"),  # samples with an altitude
        ("reference", "<f8"),
        ("ascent", "<f8"),
        ("descent", "<f8"),
    ]
)
EVENT = np.dtype(
    [("way", "<i8"), ("start", "<i8"), ("ms", "<i8"), ("metres", "<f8"), ("rise", "<f8")]
)


def init(values: Values, start: int, state: Any) -> None:
    threshold = float(values.get("elevation_threshold") or THRESHOLD)
    if values.get("altitude_source") == "gnss":
        threshold = max(threshold, PHONE_THRESHOLD)
    state["threshold"] = threshold
    edges = [percent / 100 for percent in values.get("slope_classes") or ()]
    state["edges_n"] = len(edges)
    state["edges"][: len(edges)] = edges
    state["near"] = state["far"] = -1


def _kernel(params: tuple[str, ...]) -> Kernel:
    return Kernel(
        name="elevation",
        function="core.sport.kernels.elevation:fold",
        version=1,
        state=STATE,
        init=init,
        params=params,
        inputs=("alt",),
        event=EVENT,
        events_per_sample=2,
        after=(TRACK,),
    )


ELEVATION = _kernel(())
TRAIL_ELEVATION = _kernel(("elevation_threshold", "altitude_source", "slope_classes"))


def init_heights(threshold: float, values: Values, start: int, state: Any) -> None:
    state["threshold"] = threshold


def heights(threshold: float) -> Kernel:
    """The kernel of ascent and descent alone, for sports to which slope says nothing."""
    return Kernel(
        name="heights",
        function="core.sport.kernels.heights:fold",
        version=1,
        state=HEIGHTS_STATE,
        init=partial(init_heights, threshold),
        inputs=("alt",),
    )


NO_ALTITUDE = "no altitude in these samples"


def height(reading: Reading, name: str) -> float | None:
    return float(reading.state[name]) if reading.state["n"] else reading.absent(NO_ALTITUDE)


def vertical_speed(of: Any, reading: Reading) -> float | None:
    if of["ascent"] is None:
        return reading.absent(NO_ALTITUDE)
    ms = int(reading.track["time_ms"])
    return of["ascent"] * 3_600_000.0 / ms if ms else reading.absent("no covered time")


def flat_metres(reading: Reading) -> float | None:
    if not has_distance(reading):
        return reading.absent("no distance")
    if not reading.state["n"]:
        return reading.absent(NO_ALTITUDE)
    return float(reading.state["flat_metres"])


def effort_km(of: Any, reading: Reading) -> float | None:
    if of["total_distance"] is None or of["ascent"] is None:
        return reading.absent("distance and ascent are both needed")
    return float(of["total_distance"] / 1000.0 + of["ascent"] / 100.0)


def climb(start: int, ms: int, metres: float, rise: float) -> dict[str, Any]:
    """A climb as the document shows it; a descent has a rise and a VAM below 0."""
    score = 100.0 * rise  # length times percent
    return {
        "start_time": start,
        "duration": ms / 1000.0,
        "distance": metres,
        "rise": rise,
        "vam": rise * 3_600_000.0 / ms if ms else None,
        "category": next((name for least, name in CATEGORIES if score > least), None),
    }


def climbs(reading: Reading, way: int) -> list[dict[str, Any]] | None:
    """Those that have ended, then the one under way if it is long and high enough by now."""
    state = reading.state
    if not has_distance(reading):
        return reading.absent("no distance")
    if not state["n"]:
        return reading.absent(NO_ALTITUDE)
    rows = [climb(*row[1:]) for row in reading.events.tolist() if row[0] == way]
    if state["open"][way]:
        rise = float(state["top_z"][way] - state["start_z"][way])
        metres = float(state["top_d"][way] - state["start_d"][way])
        if abs(rise) >= LEAST_RISE and metres >= LEAST_LENGTH:
            ms = int(state["top_t"][way] - state["start_t"][way])
            last = climb(int(state["start_t"][way]), ms, metres, rise)
            rows.append(last if reading.final else {**last, "open": True})
    return rows


def best_climbs(of: Any, reading: Reading) -> dict[str, Any] | None:
    """The highest, the steepest, the fastest; the earliest where equal."""
    rows = of["climbs"]
    if not rows:
        return reading.absent("no climb of 20 m of rise over 500 m")

    def best(by: Any) -> dict[str, Any]:
        row = max(rows, key=by)
        return {name: row[name] for name in ("start_time", "distance", "rise", "vam")}

    return {
        "highest": best(lambda row: row["rise"]),
        "steepest": best(lambda row: row["rise"] / row["distance"]),
        "fastest": best(lambda row: row["vam"] or 0.0),
    }


def slope_classes(reading: Reading) -> list[dict[str, Any]] | None:
    if not has_distance(reading):
        return reading.absent("no distance")
    if not reading.state["n"]:
        return reading.absent(NO_ALTITUDE)
    edges, state = reading.values["slope_classes"], reading.state
    bounds = [None, *edges, None]
    return [
        {
            "low": bounds[i],
            "high": bounds[i + 1],
            "duration": int(state["class_ms"][i]) / 1000.0,
            "distance": float(state["class_metres"][i]),
        }
        for i in range(len(edges) + 1)
    ]


def downhill_ratio(of: Any, reading: Reading) -> float | None:
    """Mean speed below the class that holds 0 %, over the mean speed in it."""
    rows = of["slope_classes"] or []
    down = [row for row in rows if row["high"] is not None and row["high"] <= 0]
    level = [row for row in rows if row not in down and (row["low"] is None or row["low"] <= 0)]
    speeds = []
    for part in (down, level[:1]):
        seconds = sum(row["duration"] for row in part)
        speeds.append(sum(row["distance"] for row in part) / seconds if seconds else 0.0)
    if not all(speeds):
        return reading.absent("no distance downhill, or none on the level")
    return float(speeds[0] / speeds[1])


HYSTERESIS = (
    "Sum of the {what} of the altitude as recorded between its turning points: a change counts "
    "once it reaches the threshold from the last altitude that counted ({threshold}). Gaps do not "
    "interrupt it."
)
BY_BAROMETER = (
    "3 m; elevation_threshold where the sport has it, at least 10 m where altitude_source is gnss"
)
BY_GNSS = "10 m, as vests have their altitude from GNSS"
CLIMB = (
    "A {what} begins where the slope over the last 100 m or more reaches 3 %, at the start of those"
    " 100 m. It ends at its {end}, once the slope has been under 1 % for 300 m, the altitude is "
    "10 m on the other side of its {end}, or at a gap; it counts from 20 m of height over 500 m. "
    "vam is metres of height an hour."
)
SLOPE = (
    "Slope: rise over run from the newest point at least 30 m behind, by the median of the last "
    "five altitudes, within +-45 %, 0 before there is one; a gap starts anew."
)
COST = (
    "C(i) = 155.4 i^5 - 30.4 i^4 - 43.3 i^3 + 46.3 i^2 + 19.5 i + 3.6 J/kg/m, i the slope. " + SLOPE
)


def _height(kernel: Kernel, key: str, title: str, what: str, threshold: str) -> Fold:
    return Fold(
        key=key,
        version=1,
        unit="m",
        title=title,
        definition=HYSTERESIS.format(what=what, threshold=threshold),
        boundary="a change of exactly the threshold counts",
        citation="Touchline design, section 2.13 (within 1 % of three devices' own totals)",
        grade="B",
        kernel=kernel,
        output=lambda reading: height(reading, key),
    )


def _climbs(kernel: Kernel, key: str, title: str, way: int, more: str = "") -> Fold:
    words = ("descent", "lowest point") if way == DOWN else ("climb", "highest point")
    return Fold(
        key=key,
        version=2,
        unit="m, s, m/h",
        title=title,
        definition=CLIMB.format(what=words[0], end=words[1]) + more,
        boundary="slope >= 3 %; rise >= 20 m; distance >= 500 m; category: length x % above it",
        citation="Touchline design, section 3.3, after Strava's climb categories",
        grade="D",
        kernel=kernel,
        output=lambda reading: climbs(reading, way),
    )


def elevation_metrics(kernel: Kernel, threshold: str = BY_BAROMETER) -> tuple[Fold, Fold]:
    """ascent and descent, read off one of this file's kernels."""
    return (
        _height(kernel, "ascent", "Ascent", "rises", threshold),
        _height(kernel, "descent", "Descent", "falls", threshold),
    )


def climb_metrics(kernel: Kernel) -> tuple[Fold, Derived]:
    """climbs with categories, and the best of them."""
    category = (
        " category by length (m) times slope (%): above 8000 4, 16000 3, 32000 2, 64000 1, "
        "80000 HC."
    )
    return (
        _climbs(kernel, "climbs", "Climbs", UP, category),
        Derived(
            key="best_climbs",
            version=1,
            unit="m, m/h",
            title="Best climbs",
            definition=(
                "Of the climbs: the highest (rise), the steepest (rise over distance) and the "
                "fastest (vam)."
            ),
            boundary="the earliest where equal",
            citation="Touchline design, section 3.3",
            grade="D",
            needs=("climbs",),
            function=best_climbs,
        ),
    )


VERTICAL_SPEED = Derived(
    key="vertical_speed",
    version=1,
    unit="m/h",
    title="Vertical speed",
    definition="Ascent per covered hour (VAM of the whole frame), standing included.",
    boundary="none",
    citation="Touchline design, section 3.4",
    grade="B",
    needs=("ascent",),
    function=vertical_speed,
)

TRAIL_METRICS = (
    Fold(
        key="slope_classes",
        version=2,
        unit="%, s, m",
        title="Time and distance per slope",
        definition="Covered time and distance by slope, edges slope_classes in percent. " + SLOPE,
        boundary="[low, high); the first is open below, the last above",
        citation="Touchline design, section 3.6",
        grade="D",
        kernel=TRAIL_ELEVATION,
        output=slope_classes,
    ),
    *climb_metrics(TRAIL_ELEVATION),
    _climbs(TRAIL_ELEVATION, "descents", "Descents", DOWN, " rise and vam are negative."),
    Fold(
        key="flat_equivalent_distance",
        version=1,
        unit="m",
        title="Flat-equivalent distance",
        definition=(
            "Distance on the level that costs as much energy: sum of distance times C(i) / 3.6, "
            "bridged distance left out. " + COST
        ),
        boundary="none",
        citation="Minetti 2002, J Appl Physiol 93:1039",
        grade="B",
        kernel=TRAIL_ELEVATION,
        output=flat_metres,
    ),
    Derived(
        key="effort_km",
        version=1,
        unit="km-effort",
        title="Effort kilometres",
        definition="Kilometres plus a hundredth of the ascent in metres.",
        boundary="none",
        citation="ITRA, km-effort",
        grade="A",
        needs=("total_distance", "ascent"),
        function=effort_km,
    ),
    Derived(
        key="downhill_speed_ratio",
        version=1,
        unit="1",
        title="Downhill speed ratio",
        definition=(
            "Mean speed in the slope classes that end at or below 0 %, over the mean speed in the "
            "class that holds 0 %."
        ),
        boundary="none",
        citation="Touchline design, section 3.6",
        grade="D",
        needs=("slope_classes",),
        function=downhill_ratio,
    ),
)

# Of sports to which slope says nothing: on a field, and on or in water or over several legs.
FIELD_ELEVATION_METRICS = elevation_metrics(heights(PHONE_THRESHOLD), BY_GNSS)
LEVEL_ELEVATION_METRICS = elevation_metrics(heights(THRESHOLD), "3 m")
