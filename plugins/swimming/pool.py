"""What the lengths of a pool tell (design/metrics.md 3.5)."""

from typing import Any

import numpy as np

from core.sport import Fold, Reading
from core.sport.codes import label
from plugins.swimming.lengths import LENGTHS, NO_LENGTHS, NO_POOL, Swim, swim

SHORT_POOL = 25.0  # m, to which SWOLF of other pools is brought


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _strokes(value: float) -> int | None:
    return None if np.isnan(value) else int(value)


def _swolf(row: Any) -> float | None:
    return _known(row["duration"] + np.nan_to_num(row["strokes"]))


def lengths(reading: Reading) -> list[dict[str, Any]]:
    return [
        {
            "start_time": int(row["start"]),
            "duration": _known(row["duration"]),
            "active": bool(row["active"]),
            "strokes": _strokes(row["strokes"]),
            "stroke_type": label("stroke_type", row["stroke_type"]),
            "swolf": _swolf(row) if row["active"] else None,
        }
        for row in reading.events
    ]


def intervals(reading: Reading) -> list[dict[str, Any]]:
    """Active lengths that follow each other without an idle one between."""
    of = swim(reading)
    edges = np.flatnonzero(np.diff(of.rows["active"], prepend=0, append=0))
    found = []
    for low, high in edges.reshape(-1, 2).tolist():
        part = Swim(of.rows[low:high], of.pool)
        found.append(
            {
                "start_time": int(part.rows["start"][0]),
                "lengths": high - low,
                "distance": part.distance,
                "duration": part.time,
                "strokes": int(np.nansum(part.rows["strokes"])),
                "pace_100m": 100.0 * part.time / part.distance if part.distance else None,
            }
        )
    return found


def active_lengths(reading: Reading) -> int | None:
    return len(swim(reading).active) if len(reading.events) else reading.absent(NO_LENGTHS)


def idle_lengths(reading: Reading) -> int | None:
    idle = len(reading.events) - len(swim(reading).active)
    return idle if len(reading.events) else reading.absent(NO_LENGTHS)


def rests(of: Swim) -> list[float]:
    """Seconds from the end of each active length to the start of the next."""
    rows, ends = of.active, Swim(of.active, of.pool).ends
    starts = rows["start"][1:]
    return [max(0.0, (start - end) / 1000.0) for end, start in zip(ends, starts, strict=False)]


def swolf(reading: Reading) -> dict[str, float | None] | None:
    of = swim(reading)
    timed = of.active[~np.isnan(of.active["duration"])]
    if not len(timed):
        return reading.absent(NO_LENGTHS)
    points = timed["duration"] + np.nan_to_num(timed["strokes"])
    counted = points[timed["strokes"] > 0]
    mean = float(points.mean())
    return {
        "mean": mean,
        "best": float(counted.min()) if len(counted) else None,
        "swolf_25": mean * SHORT_POOL / of.pool if of.pool else None,
    }


def stroke_types(reading: Reading) -> list[dict[str, Any]]:
    rows = swim(reading).active
    codes, counts = np.unique(rows["stroke_type"], return_counts=True, equal_nan=True)
    return [
        {
            "stroke_type": label("stroke_type", code),
            "lengths": count,
            "share": 100.0 * count / len(rows),
        }
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
    ]


def pool_length(reading: Reading) -> float | None:
    length = reading.values["pool_length"]
    return reading.absent(NO_POOL) if length is None else float(length)


def _metric(key: str, unit: str, title: str, definition: str, output: Any) -> Fold:
    return Fold(
        key=key,
        version=1,
        unit=unit,
        title=title,
        definition=definition,
        boundary="a length counts where it starts; one that is not said to be idle is active",
        citation="Touchline design, section 3.5",
        grade="A",
        kernel=LENGTHS,
        output=output,
    )


POOL_METRICS = (
    _metric(
        "lengths",
        "s, 1",
        "Lengths",
        "The device's lengths in order: timer time unrounded, strokes, stroke type, and swolf "
        "(seconds plus strokes) of the active ones.",
        lengths,
    ),
    _metric(
        "intervals",
        "1, m, s",
        "Intervals",
        "Runs of active lengths without an idle one between.",
        intervals,
    ),
    _metric(
        "active_lengths",
        "1",
        "Active lengths",
        "Number of lengths swum, drills included.",
        active_lengths,
    ),
    _metric(
        "idle_lengths",
        "1",
        "Idle lengths",
        "Number of lengths that the device calls idle: rests at the wall.",
        idle_lengths,
    ),
    _metric(
        "pool_length",
        "m",
        "Length of the pool",
        "Of the activity, from the recording or by hand.",
        pool_length,
    ),
    _metric(
        "swolf",
        "1",
        "SWOLF",
        "mean over all active lengths of unrounded seconds plus strokes, those without strokes "
        "included; best: of the lengths with strokes; swolf_25: mean times 25 m over the pool's "
        "length. Not comparable between pools, nor between devices that count arms and cycles.",
        swolf,
    ),
    _metric(
        "stroke_types",
        "1, %",
        "Stroke types",
        "Active lengths of each stroke as the device calls it, and their share.",
        stroke_types,
    ),
)
