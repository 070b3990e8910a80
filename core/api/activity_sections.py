"""A computed document as tables for people. A section is there where the document has its keys
(contract/touchline.md section 12); what none of them knows stands under "Further numbers" by the
words of the metric dictionary, so that a sport's new key is never missing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.api import figures
from core.api.figures import NONE, Quantity, Zone
from core.sport.contract import Metric

Document = Mapping[str, Any]

MOST_ROWS, MOST_EFFORTS = 60, 20  # of a list; the rest is in the JSON


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


@dataclass
class Section:
    key: str
    title: str
    tables: list[Table] = field(default_factory=list)
    heat_map: bool = False


# Path in the document, what it is called, how it is written. Those that are there are the summary.
SUMMARY: Sequence[tuple[str, str, Quantity]] = (
    ("elapsed", "Elapsed", figures.DURATION),
    ("total_distance", "Distance", figures.WAY),
    ("distance", "Distance", figures.WAY),
    ("moving_time", "Moving", figures.DURATION),
    ("active_time", "Active", figures.DURATION),
    ("swim_time", "Swimming", figures.DURATION),
    ("pace.average", "Pace", figures.PACE),
    ("pace_100m", "Pace", figures.PACE_100),
    ("grade_adjusted.pace", "Pace on the flat", figures.PACE),
    ("average_speed", "Mean speed", figures.SPEED),
    ("max_speed", "Top speed", figures.SPEED),
    ("distance_per_minute", "Per minute", figures.PER_MINUTE),
    ("high_speed_distance", "High speed", figures.METRES),
    ("sprint_count", "Sprints", figures.COUNT),
    ("ascent", "Ascent", figures.METRES),
    ("descent", "Descent", figures.METRES),
    ("effort_km", "Effort", Quantity("km", figures.HUNDREDTHS.write)),
    ("active_lengths", "Lengths", figures.COUNT),
    ("swolf.mean", "SWOLF", figures.TENTH),
    ("hr_avg", "Mean heart rate", figures.HEART),
    ("hr_max", "Highest heart rate", figures.HEART),
    ("power.average", "Mean power", figures.WATTS),
    ("power.normalized", "Normalized power", figures.WATTS),
    ("cadence.average", "Cadence", figures.RATE),
    ("power.training_stress_score", "Training stress", figures.SCORE),
    ("training_stress_score", "Training stress", figures.SCORE),
    ("player_load.total", "Player load", figures.SCORE),
    ("changes_of_direction", "Changes of direction", figures.COUNT),
)

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
    "ratio": ("Share", figures.RATIO),
    "share": ("Share", figures.RATIO),
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
    "work": ("Work", figures.ENERGY),
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
    "lengths.duration": ("Time", Quantity("s", figures.PERCENT.write)),
    "swolf.mean": ("Mean", figures.TENTH),
}

# Single numbers that the rule of their unit would round too far.
OWN: Mapping[str, Quantity] = {
    "step_length": Quantity("m", figures.HUNDREDTHS.write),
    "distance_per_stroke": Quantity("m", figures.HUNDREDTHS.write),
    "stroke_rate": Quantity("1/min", figures.TENTH.write),
}

# Shown elsewhere, or too long for a page: in the JSON.
APART = {
    *("first_timestamp", "last_timestamp", "last_computation", "hr_plot", "definition", "metrics"),
    *("parameters", "input", "quality", "notes", "digest", "edition", "error", "stale"),
    *("heat_map", "athlete_max_hr", "series"),
}

EFFORTS = (
    ("sprint", "Sprints", figures.SPEED, 3.6),
    ("hid", "High intensity", figures.SPEED, 3.6),
    ("accelerations", "Accelerations", figures.ACCELERATION, 1.0),
    ("decelerations", "Decelerations", figures.ACCELERATION, 1.0),
)
PACED = ("laps", "best_efforts")
PLACES = (("thirds", "Thirds"), ("court_zones", "Zones of the court"))
# Lists of objects, in the order in which they stand under "Parts and efforts".
LISTS = (
    *("periods", "laps", "best_efforts", "lengths", "legs", "transitions", "climbs", "descents"),
    *("repeated_sprints", "best_climbs"),
)


class Words:
    """The metric dictionary of a sport, as far as a page needs it."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
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


def at(document: Any, path: str) -> Any:
    """What stands at ``a.b``; None where it does not."""
    for step in path.split("."):
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


def summary(document: Document) -> list[tuple[str, str, str]]:
    """The line of numbers at the top: label, digits, unit."""
    shown: dict[str, tuple[str, str]] = {}
    first, last = document.get("first_timestamp"), document.get("last_timestamp")
    if first is not None and last is not None and at(document, "elapsed") is None:
        shown["Recorded"] = figures.clock((last - first) / 1000), ""
    for path, label, quantity in SUMMARY:
        value = at(document, path)
        if isinstance(value, int | float) and label not in shown:
            digits, _, unit = figures.with_unit(value, quantity).partition(figures.THIN)
            shown[label] = digits, unit
    return [(label, digits, unit) for label, (digits, unit) in shown.items()]


def sections(document: Document, words: Words, zone: Zone) -> list[Section]:
    """Everything that the document has, in the order of the page."""
    made = [
        Section("zones", "Zones", list(_zones(document))),
        Section("efforts", "Efforts", list(_efforts(document, words, zone))),
        Section("parts", "Parts", list(_lists(document, words, zone))),
        Section("curve", "Power curve", list(_curve(document, zone))),
        Section("peaks", "Highest demands", list(_peaks(document, zone))),
        Section("places", "Heat map", heat_map=bool(document.get("heat_map"))),
        Section("field-parts", "Parts of the field", list(_places(document))),
        Section("further", "Further numbers", list(_further(document, words, zone))),
    ]
    return [section for section in made if section.tables or section.heat_map]


def _cell(value: Any, quantity: Quantity, **more: Any) -> Cell:
    return Cell(figures.text(value, quantity), quantity.number, **more)


def _bar(share: float | None) -> Cell:
    """A share of one, as text and bar."""
    return Cell(figures.text(share, figures.RATIO), share=share)


def _span(edges: Sequence[Any], quantity: Quantity) -> Cell:
    low, high = edges
    if low is None:
        return Cell(f"below {figures.text(high, quantity)}", number=False)
    text = figures.text(low, quantity)
    upper = figures.text(high, quantity) if high is not None else ""
    return Cell(f"{text} – {upper}" if upper else f"{text} and more", number=False)


def _zones(document: Document) -> Iterable[Table]:
    yield from _speed_ranges(document)
    if zones := document.get("timePerHrZone"):
        heads = (("Heart rate", "1/min", False), ("Of maximum", "%", False), ("Time", "%", True))
        rows = [
            (
                _span(zone["range_bpm"], figures.HEART),
                _span(zone["range_percent_hrmax"], figures.COUNT),
                _bar(zone["percentage_hrmax"] / 100),
            )
            for zone in zones
        ]
        yield Table("Heart rate", heads, rows)
    for key, title, unit, scale in (
        ("time_per_power_zone", "Power", "W", 1.0),
        ("time_per_pace_zone", "Pace", "", 1.0),
        ("slope_classes", "Slope", "%", 1.0),
        ("metabolic.bands", "Metabolic power", "W/kg", 1.0),
    ):
        if bands := at(document, key):
            yield _bands(title, unit, bands, scale)


def _speed_ranges(document: Document) -> Iterable[Table]:
    times = document.get("time_per_speed_ranges")
    ways = document.get("distance_per_speed_ranges")
    if not times:
        return
    heads = [("Speed", "km/h", False), ("Time", "", True), ("of time", "%", True)]
    rows: list[list[Cell]] = [
        [
            _span((one["threshold_low"], one["threshold_high"]), figures.SPEED),
            _cell(one["duration"], figures.DURATION),
            _bar(one["ratio"]),
        ]
        for one in times
    ]
    if ways and len(ways) == len(times):
        heads += [("Distance", "m", True), ("of distance", "%", True)]
        for row, way in zip(rows, ways, strict=True):
            row += [_cell(way["distance"], figures.METRES), _bar(way["ratio"])]
    yield Table("Speed", heads, rows)


def _bands(title: str, unit: str, bands: Sequence[Document], scale: float) -> Table:
    """Ranges of a quantity with time, share and distance as far as they say them."""
    whole = sum(band.get("duration") or 0.0 for band in bands)
    heads = [(title, unit, False), ("Time", "", True), ("Share", "%", True)]
    far = all("distance" in band for band in bands)
    heads += [("Distance", "m", True)] if far else []
    rows = []
    for band in bands:
        edges = [band.get(f"threshold_{end}", band.get(end)) for end in ("low", "high")]
        took = band.get("duration")
        share = band.get("ratio", took / whole if whole and took is not None else None)
        row = [_span(edges, figures.NUMBER), _cell(took, figures.DURATION), _bar(share)]
        rows.append([*row, _cell(band["distance"], figures.METRES)] if far else row)
    return Table(title, heads, rows)


def _efforts(document: Document, words: Words, zone: Zone) -> Iterable[Table]:
    rows, lists = [], []
    for key, title, quantity, factor in EFFORTS:
        for band in (document.get(key) or {}).values():
            efforts = band["values"]
            edge = f"{figures.plain(round(band['threshold'] * factor, 1))}{figures.THIN}"
            over = f"{title} from {edge}{quantity.unit}"
            rows.append(
                (
                    Cell(over, number=False),
                    _cell(len(efforts), figures.COUNT),
                    _cell(sum(one["duration"] for one in efforts), figures.DURATION),
                    _cell(sum(one["distance"] for one in efforts), figures.METRES),
                    Cell(
                        figures.with_unit(
                            max((one["max_value"] for one in efforts), key=abs, default=None),
                            quantity,
                        )
                    ),
                )
            )
            if efforts:
                highest = {"max_value": ("Highest", quantity)}
                lists.append(listed(key, over, efforts, zone, highest, most=MOST_EFFORTS))
    if rows:
        heads = (
            ("Effort", "", False),
            ("Number", "", True),
            ("Time", "", True),
            ("Distance", "m", True),
            ("Highest", "", True),
        )
        yield Table("", heads, rows)
    yield from lists


def _lists(document: Document, words: Words, zone: Zone) -> Iterable[Table]:
    for key in LISTS:
        rows = document.get(key)
        if rows and all(isinstance(row, Mapping) for row in rows):
            if key in PACED and "pace" in document:
                rows = [{**row, "pace": _pace(row)} for row in rows]
            yield listed(key, words.title(key), rows, zone, folded=len(rows) > 12)


def _pace(row: Document) -> float | None:
    """Seconds a kilometre."""
    far, took = row.get("distance"), row.get("duration")
    return 1000 * took / far if far and took is not None else None


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
    names = [name for name in names if name not in ("open", "timeframe")]
    known = {name: (mean or {}).get(name) or _field(key, name) for name in names}
    heads = [
        ("No.", "", True),
        *(
            (label, q.unit, q.number or name.endswith("_time"))
            for name, (label, q) in known.items()
        ),
    ]
    shown = [
        [Cell(str(number)), *(_value(name, row.get(name), known[name][1], zone) for name in names)]
        for number, row in enumerate(rows[:most], 1)
    ]
    return Table(title, heads, shown, folded, max(0, len(rows) - most))


def _field(key: str, name: str) -> tuple[str, Quantity]:
    known = WITHIN.get(f"{key}.{name}") or FIELDS.get(name)
    return known or (name.replace("_", " ").capitalize(), figures.NUMBER)


def _moment(name: str) -> bool:
    return name.endswith("_time") and name != "moving_time"


def _value(name: str, value: Any, quantity: Quantity, zone: Zone) -> Cell:
    if _moment(name) and isinstance(value, int | float) and value > figures.DAY:
        return Cell(zone.time(value), title=zone.day(value))
    if isinstance(value, Mapping):
        return Cell(", ".join(f"{k} {figures.plain(v)}" for k, v in value.items()), number=False)
    return _cell(value, quantity)


def _places(document: Document) -> Iterable[Table]:
    """Time in the parts of a field: ``{name: {duration, ratio}}``."""
    for key, title in PLACES:
        if parts := document.get(key):
            yield shares(title, parts)


def shares(title: str, parts: Document) -> Table:
    rows = [
        (
            Cell(name.replace("_", " ").capitalize(), number=False),
            _cell(part["duration"], figures.DURATION),
            _bar(part["ratio"]),
        )
        for name, part in parts.items()
        if isinstance(part, Mapping)
    ]
    return Table(title, (("Part", "", False), ("Time", "", True), ("Share", "%", True)), rows)


def _curve(document: Document, zone: Zone) -> Iterable[Table]:
    points = document.get("mean_maximal_power")
    if not points:
        return
    heads = (("Over", "", True), ("Mean power", "W", True), ("From", "", True))
    rows = [
        (
            _cell(point["duration"], figures.DURATION),
            _cell(point["power"], figures.WATTS),
            Cell(zone.time(point["start_time"]) if point.get("start_time") else NONE),
        )
        for point in points
        if point["power"] is not None
    ]
    drawn = [(p["duration"], p["power"]) for p in points if p["power"] is not None]
    if rows:
        yield Table("Mean-maximal power", heads, rows, folded=True, curve=drawn)


def _peaks(document: Document, zone: Zone) -> Iterable[Table]:
    peaks = document.get("peaks")
    if not peaks:
        return
    heads = (
        ("What", "", False),
        ("Window", "", True),
        ("Value", "", True),
        ("Per minute", "", True),
        ("From", "", True),
    )
    rows = []
    for peak in peaks:
        far = "distance" in peak["quantity"]
        quantity = figures.METRES if far else figures.TENTH
        rows.append(
            (
                Cell(peak["quantity"].replace("_", " "), number=False),
                _cell(peak["span"], figures.DURATION),
                Cell(figures.with_unit(peak["value"], quantity)),
                Cell(
                    figures.with_unit(peak["per_minute"], figures.PER_MINUTE if far else quantity)
                ),
                Cell(zone.time(peak["start_time"]) if peak["start_time"] else NONE),
            )
        )
    yield Table("Highest demands", heads, rows)


def _further(document: Document, words: Words, zone: Zone) -> Iterable[Table]:
    """What has no section of its own: single numbers and flat objects by the dictionary's title,
    then lists.
    """
    told = {"time_per_speed_ranges", "distance_per_speed_ranges", "timePerHrZone", "peaks"}
    told |= {"time_per_power_zone", "time_per_pace_zone", "slope_classes", "mean_maximal_power"}
    told |= {
        "intensity",
        *APART,
        *LISTS,
        *(key for key, _ in PLACES),
        *(key for key, *_ in EFFORTS),
    }
    told |= {path for path, *_ in SUMMARY if "." not in path}
    rows, lists = [], []
    for key, value in document.items():
        if key in told or value is None or value == []:
            continue
        if isinstance(value, list):
            if all(isinstance(one, Mapping) for one in value):
                lists.append(listed(key, words.title(key), value, zone))
        elif isinstance(value, Mapping):
            rows += list(_flat(key, value, words, zone))
        else:
            quantity = words.quantity(key)
            shown = figures.with_unit(value, quantity)
            rows.append((Cell(words.title(key), number=False), Cell(shown)))
    if windows := at(document, "intensity.distance"):
        lists.append(_windows(document["intensity"], windows, zone))
    if rows:
        yield Table("Numbers", (("Metric", "", False), ("Value", "", True)), rows)
    yield from lists


def _flat(
    key: str, value: Document, words: Words, zone: Zone, lead: str = ""
) -> Iterable[Sequence[Cell]]:
    """``Power: mean`` and so on, two storeys deep."""
    title = lead or words.title(key)
    for name, inner in value.items():
        if isinstance(inner, Mapping) and not lead:
            yield from _flat(name, inner, words, zone, f"{title}, {name.replace('_', ' ')}")
        elif inner is not None and not isinstance(inner, list | Mapping):
            label, quantity = _field(key, name)
            cell = _value(name, inner, quantity, zone)
            shown = cell.text + (figures.THIN + quantity.unit if quantity.unit else "")
            yield Cell(f"{title}: {label.lower()}", number=False), Cell(shown, title=cell.title)


def _windows(intensity: Document, windows: Sequence[float], zone: Zone) -> Table:
    span = intensity["span"]
    most = max(windows) or 1.0
    rows = [
        (
            Cell(zone.time(intensity["start_time"] + 1000 * span * number), number=False),
            Cell(figures.text(way, figures.METRES), share=way / most),
            _cell(60 * way / span, figures.PER_MINUTE),
        )
        for number, way in enumerate(windows[:MOST_ROWS])
    ]
    heads = (("From", "", False), ("Distance", "m", True), ("Pace", "m/min", True))
    more = max(0, len(windows) - MOST_ROWS)
    return Table(f"Distance each {figures.clock(span)}", heads, rows, folded=True, more=more)


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
    return _cell(None if math.isnan(value) else value, quantity)
