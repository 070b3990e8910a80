"""Tables for people, and what the keys in a computed document are called there."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.api import figures
from core.api.figures import Quantity, Zone
from core.sport.contract import Combined, Metric

Document = Mapping[str, Any]

MOST_ROWS = 60  # of a list; the rest is in the JSON


@dataclass(frozen=True)
class Cell:
    """``share``: 0 to 1, drawn as a bar behind the text; ``title``: more on pointing."""

    text: str
    number: bool = True
    share: float | None = None
    title: str = ""


@dataclass(frozen=True)
class Table:
    """``heads``: text, unit, is it a number; the first cell of a row is its header. ``folded``: one
    click away. ``more``: rows that are left out. ``curve``: the script draws the rows.
    """

    title: str
    heads: Sequence[tuple[str, str, bool]]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False
    more: int = 0
    curve: Sequence[tuple[float, float]] = ()


# What the keys inside objects and lists mean, by name.
FIELDS: Mapping[str, tuple[str, Quantity]] = {
    "start_time": ("Start", figures.WORD),
    "minimum_time": ("At", figures.WORD),
    "duration": ("Time", figures.DURATION),
    "moving_time": ("Moving", figures.DURATION),
    "elapsed": ("Elapsed", figures.DURATION),
    "seconds": ("Time", figures.DURATION),
    "distance": ("Distance", figures.METRES),
    "time_above": ("Above", figures.DURATION),
    "max_value": ("Highest", figures.SPEED),
    "initial_speed": ("From", figures.SPEED),
    "end_speed": ("To", figures.SPEED),
    "average_speed": ("Mean speed", figures.SPEED),
    "max_speed": ("Top speed", figures.SPEED),
    "high_speed_distance": ("High speed", figures.METRES),
    "swolf_25": ("For 25 m", figures.TENTH),
    "pace_100m": ("Pace", figures.PACE_100),
    "stroke_rate": ("Stroke rate", Quantity("1/min", figures.TENTH.write)),
    "ratio": ("Share", figures.RATIO),
    "share": ("Share", figures.PERCENT),
    "mean_duration": ("Mean time", figures.DURATION),
    "longest": ("Longest", figures.DURATION),
    "mean_distance": ("Mean distance", figures.METRES),
    "average": ("Mean", figures.NUMBER),
    "power": ("Power", figures.WATTS),
    "rise": ("Rise", figures.METRES),
    "drop": ("Drop", figures.METRES),
    "vam": ("VAM", figures.ASCENT_RATE),
    "category": ("Category", figures.WORD),
    "sport": ("Sport", figures.WORD),
    "rank": ("Rank", figures.WORD),
    "training_stress_score": ("Training stress", figures.SCORE),
    "strokes": ("Strokes", figures.COUNT),
    "stroke_type": ("Stroke", figures.WORD),
    "swolf": ("SWOLF", figures.TENTH),
    "rmssd": ("RMSSD", Quantity("ms", figures.PERCENT.write)),
    "sdnn": ("SDNN", Quantity("ms", figures.PERCENT.write)),
    "mean_rr": ("Mean RR", Quantity("ms", figures.COUNT.write)),
    "pnn50": ("pNN50", figures.PERCENT),
    "pace": ("Pace", figures.PACE),
    "energy": ("Energy", Quantity("J/kg", figures.COUNT.write)),
    "equivalent_distance": ("Equivalent distance", figures.METRES),
    "high_power_distance": ("Distance at high power", figures.METRES),
    "work": ("Work", Quantity("kJ", figures.COUNT.write)),
    "normalized": ("Normalized", figures.WATTS),
    "average_per_kg": ("Mean per kg", Quantity("W/kg", figures.HUNDREDTHS.write)),
    "end": ("At the end", figures.JOULES),
    "minimum": ("Lowest", figures.JOULES),
}
# Where a name means something else inside one key.
WITHIN: Mapping[str, tuple[str, Quantity]] = {
    "pace.average": ("Mean", figures.PACE),
    "pace.best": ("Best", figures.PACE),
    "power.average": ("Mean", figures.WATTS),
    "power.maximum": ("Highest", figures.WATTS),
    "cadence.average": ("Mean", figures.RATE),
    "cadence.maximum": ("Highest", figures.RATE),
    "torque.average": ("Mean", Quantity("Nm", figures.TENTH.write)),
    "torque.maximum": ("Highest", Quantity("Nm", figures.TENTH.write)),
    "gear.development": ("Development", Quantity("m", figures.HUNDREDTHS.write)),
    "gear.ratio": ("Ratio", figures.HUNDREDTHS),
    "lengths.duration": ("Time", Quantity("s", figures.PERCENT.write)),
    "swolf.mean": ("Mean", figures.TENTH),
}
# Single numbers that the rule of their unit would round too far.
OWN: Mapping[str, Quantity] = {
    "step_length": Quantity("m", figures.HUNDREDTHS.write),
    "distance_per_stroke": Quantity("m", figures.HUNDREDTHS.write),
    "stroke_rate": Quantity("1/min", figures.TENTH.write),
    "stroke_index": Quantity("m²/s", figures.HUNDREDTHS.write),
    "rest_time": figures.DURATION,
    "strokes": figures.COUNT,
}


class Words:
    """The metric dictionary of a sport, as far as a page needs it."""

    def __init__(self, metrics: Iterable[Metric | Combined]) -> None:
        self._metrics = {metric.key: metric for metric in metrics}

    def title(self, key: str) -> str:
        metric = self._metrics.get(key)
        return metric.title if metric is not None else key.replace("_", " ").capitalize()

    def quantity(self, key: str) -> Quantity:
        if key in OWN:
            return OWN[key]
        metric = self._metrics.get(key)
        if metric is None:
            return figures.NUMBER
        known = figures.BY_UNIT.get(metric.unit)
        if known is not None:
            return known
        single = metric.unit if metric.unit.isascii() and "," not in metric.unit else ""
        return Quantity("" if single == "1" else single, figures.plain)


def cell(value: Any, quantity: Quantity, **more: Any) -> Cell:
    return Cell(figures.text(value, quantity), quantity.number, **more)


def bar(share: float | None) -> Cell:
    """A share of one, as text and bar."""
    return Cell(figures.text(share, figures.RATIO), share=share)


def span(edges: Sequence[Any], quantity: Quantity) -> Cell:
    low, high = edges
    if low is None:
        return Cell(f"below {figures.text(high, quantity)}", number=False)
    text = figures.text(low, quantity)
    upper = figures.text(high, quantity) if high is not None else ""
    return Cell(f"{text} – {upper}" if upper else f"{text} and more", number=False)


def listed(
    key: str,
    title: str,
    rows: Sequence[Document],
    zone: Zone,
    mean: Mapping[str, tuple[str, Quantity]] | None = None,
    *,
    folded: bool = True,
    most: int = MOST_ROWS,
) -> Table:
    """A list of objects as a table; of its columns those in which some row has a value."""
    names = [name for name in rows[0] if any(row.get(name) is not None for row in rows)]
    names = [name for name in names if name not in ("open", "timeframe", "athlete")]
    known = {name: (mean or {}).get(name) or field_of(key, name) for name in names}
    heads = [
        ("No.", "", True),
        *(
            (label, q.unit, q.number or name.endswith("_time"))
            for name, (label, q) in known.items()
        ),
    ]
    shown = [
        [
            Cell(str(number)),
            *(value_cell(name, row.get(name), known[name][1], zone) for name in names),
        ]
        for number, row in enumerate(rows[:most], 1)
    ]
    return Table(title, heads, shown, folded, max(0, len(rows) - most))


def field_of(key: str, name: str) -> tuple[str, Quantity]:
    known = WITHIN.get(f"{key}.{name}") or FIELDS.get(name)
    return known or (name.replace("_", " ").capitalize(), figures.NUMBER)


def is_moment(name: str) -> bool:
    return name.endswith("_time") and name != "moving_time"


def value_cell(name: str, value: Any, quantity: Quantity, zone: Zone) -> Cell:
    if is_moment(name) and isinstance(value, int | float) and value > figures.DAY:
        return Cell(zone.time(value), title=zone.day(value))
    if isinstance(value, Mapping):
        said = (f"{k} {figures.plain(v)}" for k, v in value.items() if v is not None)
        return Cell(", ".join(said) or figures.NONE, number=False)
    return cell(value, quantity)


def shares(title: str, parts: Document) -> Table:
    rows = [
        (
            Cell(name.replace("_", " ").capitalize(), number=False),
            cell(part["duration"], figures.DURATION),
            bar(part["ratio"]),
        )
        for name, part in parts.items()
        if isinstance(part, Mapping)
    ]
    return Table(title, (("Part", "", False), ("Time", "", True), ("Share", "%", True)), rows)


def series_table(series: Document, zone: Zone) -> Table:
    """Lowest, mean and highest value of each channel, a row per bucket."""
    heads = [("Time", "", False)]
    columns = []
    for one in series["channels"]:
        title, quantity = figures.CHANNELS[one["channel"]]
        for part, word in (("min", "lowest"), ("mean", "mean"), ("max", "highest")):
            heads.append((f"{title}, {word}", quantity.unit, True))
            columns.append((quantity, one[part].tolist()))
    rows = [
        [Cell(zone.time(t), number=False), *(_number(values[row], q) for q, values in columns)]
        for row, t in enumerate(series["t"].tolist())
    ]
    return Table("Streams", heads, rows if columns else [])


def _number(value: float, quantity: Quantity) -> Cell:
    return cell(None if math.isnan(value) else value, quantity)
