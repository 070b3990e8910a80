"""What is counted in lengths in a pool, and measured by the samples in open water: distance, time,
pace, strokes (design/metrics.md 3.5).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from core.sport import Derived, Fold, Kernel, Reading
from core.sport.metrics import track
from core.sport.metrics.intensity import INTENSITY, INTENSITY_METRICS, intensity, windows
from core.sport.metrics.moving import moving, moving_metrics, standing, stops
from core.sport.metrics.peaks import DISTANCE_PEAK_METRICS, DISTANCE_PEAKS, peaks
from plugins.swimming.lengths import LENGTHS, NO_LENGTHS, NO_POOL, in_pool, swim
from plugins.swimming.open_water import STROKES
from plugins.swimming.pool import rests

MOVING_FROM = 0.3  # m/s
STOP = 5.0  # s
MOVING = moving_metrics(MOVING_FROM)[0].kernel
NO_CSS = "css is not set"
NO_STROKES = "no strokes were counted"

Output = Callable[[Reading], Any]


def counted_in(pool: Output, water: Output, beside: Kernel | None = None) -> Output:
    """In a pool ``pool``; in open water ``water``, of the kernel ``beside``."""

    def output(reading: Reading) -> Any:
        if in_pool(reading):
            return pool(reading)
        return water(reading if beside is None else reading.of(beside))

    return output


def pool_distance(reading: Reading) -> float | None:
    of = swim(reading)
    if not len(of.rows):
        return reading.absent(NO_LENGTHS)
    return reading.absent(NO_POOL) if of.pool is None else of.distance


def pool_top_speed(reading: Reading) -> float | None:
    of = swim(reading)
    if of.pool is None:
        return reading.absent(NO_POOL)
    times = of.active["duration"]
    times = times[times > 0]
    return of.pool / float(times.min()) if len(times) else reading.absent(NO_LENGTHS)


def pool_speed(reading: Reading) -> float | None:
    distance = pool_distance(reading)
    if distance is None:
        return None
    time = swim(reading).time
    return distance / time if time else reading.absent(NO_LENGTHS)


def pool_intensity(reading: Reading) -> dict[str, Any] | None:
    """Each active length counts whole in the window in which it begins."""
    of, known = swim(reading), windows(reading.of(INTENSITY))
    if of.pool is None:
        return reading.absent(NO_POOL)
    span_ms = round(known["span"] * 1000)
    at = (of.active["start"] - reading.start) // span_ms
    metres = np.bincount(at, minlength=len(known["distance"])) * of.pool
    return {
        **known,
        "distance": metres.tolist(),
        "end_time": reading.start + len(metres) * span_ms,
    }


def distance_peaks(reading: Reading) -> list[dict[str, Any]]:
    return peaks(reading, ("distance",))


def pool_peaks(reading: Reading) -> Any:
    return reading.absent("in a pool only whole lengths are known")


def pool_time(reading: Reading) -> float:
    return swim(reading).time


def pool_rest(reading: Reading) -> float:
    of = swim(reading)
    return max(0.0, of.elapsed - of.time)


def pool_stops(reading: Reading) -> dict[str, Any]:
    long = [rest for rest in rests(swim(reading)) if rest >= STOP]
    return {"count": len(long), "duration": sum(long)}


def pool_strokes(reading: Reading) -> int | None:
    of = swim(reading)
    if np.isnan(of.active["strokes"]).all():
        return reading.absent(NO_STROKES)
    return int(np.nansum(of.active["strokes"]))


def pool_stroke_rate(reading: Reading) -> float | None:
    rows = swim(reading).stroked
    time = float(np.nansum(rows["duration"]))
    return 60.0 * float(rows["strokes"].sum()) / time if time else reading.absent(NO_STROKES)


def pool_per_stroke(reading: Reading) -> float | None:
    of = swim(reading)
    if of.pool is None:
        return reading.absent(NO_POOL)
    rows = of.stroked
    strokes = float(rows["strokes"].sum())
    return len(rows) * of.pool / strokes if strokes else reading.absent(NO_STROKES)


def water_strokes(reading: Reading) -> float | None:
    if not reading.state["ms"]:
        return reading.absent(NO_STROKES)
    return float(reading.state["turns"]) / 60_000.0


def water_stroke_rate(reading: Reading) -> float | None:
    if not reading.state["ms"]:
        return reading.absent(NO_STROKES)
    return float(reading.state["turns"] / reading.state["ms"])


def water_per_stroke(reading: Reading) -> float | None:
    rate, speed = water_stroke_rate(reading), track.average_speed(reading)
    return None if rate is None or speed is None else 60.0 * speed / rate


def stroke_index(of: Mapping[str, Any], reading: Reading) -> float | None:
    rate, per_stroke = of["stroke_rate"], of["distance_per_stroke"]
    if rate is None or per_stroke is None:
        return reading.absent("no stroke_rate or no distance_per_stroke")
    return rate / 60.0 * per_stroke * per_stroke


def pace(of: Mapping[str, Any], reading: Reading) -> float | None:
    speed = of["average_speed"]
    return 100.0 / speed if speed else reading.absent("no average_speed")


def intensity_factor(of: Mapping[str, Any], reading: Reading) -> float | None:
    css, pace_100m = reading.values["css"], of["pace_100m"]
    if css is None:
        return reading.absent(NO_CSS)
    return reading.absent("no pace_100m") if pace_100m is None else css / pace_100m


def stress(of: Mapping[str, Any], reading: Reading) -> float | None:
    factor, distance = of["intensity_factor"], of["total_distance"]
    if factor is None:
        return reading.absent("no intensity_factor")
    gap = of["gap_distance"] or 0.0
    hours = (distance - gap) * of["pace_100m"] / 100.0 / 3600.0
    return 100.0 * hours * factor**3


def _fold(like: Fold, pool: str, output: Output, beside: Kernel = track.TRACK) -> Fold:
    """A metric that all sports have, with what it is in a pool."""
    definition = f"{like.definition} In a pool: {pool}"
    return replace(like, definition=definition, kernel=LENGTHS, output=output, beside=(beside,))


def _own(key: str, unit: str, title: str, definition: str, output: Output, beside: Kernel) -> Fold:
    return Fold(
        key=key,
        version=1,
        unit=unit,
        title=title,
        definition=definition,
        boundary="a length counts where it starts; a stroke rate of 0 is absent",
        citation="Touchline design, section 3.5",
        grade="B",
        kernel=LENGTHS,
        output=output,
        beside=(beside,),
    )


def _derived(
    key: str,
    unit: str,
    title: str,
    definition: str,
    citation: str,
    needs: tuple[str, ...],
    function: Callable[[Mapping[str, Any], Reading], Any],
    params: tuple[str, ...] = (),
) -> Derived:
    return Derived(
        key=key,
        version=1,
        unit=unit,
        title=title,
        definition=definition,
        boundary="none",
        citation=citation,
        grade="B",
        needs=needs,
        params=params,
        function=function,
    )


_FOLDS = {m.key: m for m in (*track.TRACK_METRICS, *track.TRACK_EXTRAS) if isinstance(m, Fold)}
_MOVING = {m.key: m for m in moving_metrics(MOVING_FROM)}


TRACK_LIKE = (
    _FOLDS["first_timestamp"],
    _FOLDS["last_timestamp"],
    _fold(
        _FOLDS["total_distance"],
        "active lengths times pool_length.",
        counted_in(pool_distance, track.total_distance),
    ),
    _fold(
        _FOLDS["max_speed"],
        "pool_length over the time of the fastest length.",
        counted_in(pool_top_speed, track.max_speed),
    ),
    _fold(
        _FOLDS["average_speed"],
        "total_distance over swim_time.",
        counted_in(pool_speed, track.average_speed),
    ),
)
INTENSITY_LIKE = (
    _fold(
        INTENSITY_METRICS[0],
        "each active length counts whole in the window in which it begins.",
        counted_in(pool_intensity, intensity, INTENSITY),
        INTENSITY,
    ),
)
EXTRAS_LIKE = (
    track.TRACK_EXTRAS[0],  # distance_per_minute
    _FOLDS["gap_time"],
    _fold(
        _FOLDS["gap_distance"],
        "0, as a length is whole.",
        counted_in(lambda reading: 0.0, track.gap_distance),
    ),
    _fold(
        _FOLDS["distance_source"],
        "lengths.",
        counted_in(lambda reading: "lengths", track.distance_source),
    ),
    _fold(_MOVING["moving_time"], "swim_time.", counted_in(pool_time, moving, MOVING), MOVING),
    _fold(_MOVING["standing_time"], "rest_time.", counted_in(pool_rest, standing, MOVING), MOVING),
    _fold(
        _MOVING["stops"],
        "rests of at least 5 s between active lengths.",
        counted_in(pool_stops, stops, MOVING),
        MOVING,
    ),
)
PEAKS_LIKE = (
    _fold(
        DISTANCE_PEAK_METRICS[0],
        "null, as nothing says where in a length the swimmer is.",
        counted_in(pool_peaks, distance_peaks, DISTANCE_PEAKS),
        DISTANCE_PEAKS,
    ),
)
SWIM_METRICS = (
    _own(
        "swim_time",
        "s",
        "Swimming time",
        "In a pool the sum of the active lengths, unrounded; in open water moving_time.",
        counted_in(pool_time, moving, MOVING),
        MOVING,
    ),
    _own(
        "rest_time",
        "s",
        "Resting time",
        "In a pool the time from the first length's start to the last one's end without swim_time; "
        "in open water standing_time.",
        counted_in(pool_rest, standing, MOVING),
        MOVING,
    ),
    _own(
        "strokes",
        "1",
        "Strokes",
        "In a pool the sum over the active lengths; in open water the stroke rate times time, "
        "summed. Arms or cycles as the device counts (stroke_counting).",
        counted_in(pool_strokes, water_strokes, STROKES),
        STROKES,
    ),
    _own(
        "stroke_rate",
        "1/min",
        "Stroke rate",
        "In a pool 60 times strokes over time, of the lengths with strokes; in open water the mean "
        "rate over time with one.",
        counted_in(pool_stroke_rate, water_stroke_rate, STROKES),
        STROKES,
    ),
    _own(
        "distance_per_stroke",
        "m",
        "Distance per stroke",
        "In a pool length over strokes, of the lengths with strokes; in open water average_speed "
        "over the stroke rate.",
        counted_in(pool_per_stroke, water_per_stroke, STROKES),
        STROKES,
    ),
    _derived(
        "stroke_index",
        "m2/s",
        "Stroke index",
        "Speed times distance per stroke, the speed as stroke_rate times distance_per_stroke.",
        "Costill 1985, Int J Sports Med 6:266",
        ("stroke_rate", "distance_per_stroke"),
        stroke_index,
    ),
    _derived(
        "pace_100m",
        "s",
        "Pace per 100 m",
        "100 m over average_speed.",
        "Touchline design, section 3.5",
        ("average_speed",),
        pace,
    ),
    _derived(
        "intensity_factor",
        "1",
        "Intensity factor",
        "Speed over critical swim speed: css (s/100 m) over pace_100m.",
        "Wakayoshi 1992, Eur J Appl Physiol 64:153",
        ("pace_100m",),
        intensity_factor,
        params=("css",),
    ),
    _derived(
        "training_stress_score",
        "1",
        "Training stress score",
        "100 times the hours that pace_100m is of times intensity_factor cubed.",
        "Touchline design, section 3.5",
        ("intensity_factor", "pace_100m", "total_distance", "gap_distance"),
        stress,
    ),
)
