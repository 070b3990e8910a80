"""A computed document as tables for people. A section is there where the document has its keys
(contract/touchline.md section 12); what none of them knows stands under "Further numbers" by the
words of the metric dictionary, so that a sport's new key is never missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.api import figures
from core.api.activity_tables import (
    MOST_ROWS,
    Cell,
    Document,
    Table,
    Words,
    bar,
    cell,
    field_of,
    listed,
    shares,
    span,
    value_cell,
)
from core.api.figures import NONE, Quantity, Zone

MOST_EFFORTS = 10  # of a list; the rest is in the JSON


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
    *(
        "periods",
        "laps",
        "best_efforts",
        "intervals",
        "lengths",
        "stroke_types",
        "legs",
        "transitions",
        "climbs",
        "descents",
    ),
    *("repeated_sprints", "best_climbs"),
)


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


def _zones(document: Document) -> Iterable[Table]:
    yield from _speed_ranges(document)
    if zones := document.get("timePerHrZone"):
        heads = (("Heart rate", "1/min", False), ("Of maximum", "%", False), ("Time", "%", True))
        rows = [
            (
                span(zone["range_bpm"], figures.HEART),
                span(zone["range_percent_hrmax"], figures.COUNT),
                bar(zone["percentage_hrmax"] / 100),
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
            span((one["threshold_low"], one["threshold_high"]), figures.SPEED),
            cell(one["duration"], figures.DURATION),
            bar(one["ratio"]),
        ]
        for one in times
    ]
    if ways and len(ways) == len(times):
        heads += [("Distance", "m", True), ("of distance", "%", True)]
        for row, way in zip(rows, ways, strict=True):
            row += [cell(way["distance"], figures.METRES), bar(way["ratio"])]
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
        row = [span(edges, figures.NUMBER), cell(took, figures.DURATION), bar(share)]
        rows.append([*row, cell(band["distance"], figures.METRES)] if far else row)
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
                    cell(len(efforts), figures.COUNT),
                    cell(sum(one["duration"] for one in efforts), figures.DURATION),
                    cell(sum(one["distance"] for one in efforts), figures.METRES),
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


def _places(document: Document) -> Iterable[Table]:
    """Time in the parts of a field: ``{name: {duration, ratio}}``."""
    for key, title in PLACES:
        if parts := document.get(key):
            yield shares(title, parts)


def _curve(document: Document, zone: Zone) -> Iterable[Table]:
    points = document.get("mean_maximal_power")
    if not points:
        return
    heads = (("Over", "", True), ("Mean power", "W", True), ("From", "", True))
    rows = [
        (
            cell(point["duration"], figures.DURATION),
            cell(point["power"], figures.WATTS),
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
                cell(peak["span"], figures.DURATION),
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
            label, quantity = field_of(key, name)
            cell = value_cell(name, inner, quantity, zone)
            shown = cell.text + (figures.THIN + quantity.unit if quantity.unit else "")
            yield Cell(f"{title}: {label.lower()}", number=False), Cell(shown, title=cell.title)


def _windows(intensity: Document, windows: Sequence[float], zone: Zone) -> Table:
    span = intensity["span"]
    most = max(windows) or 1.0
    rows = [
        (
            Cell(zone.time(intensity["start_time"] + 1000 * span * number), number=False),
            Cell(figures.text(way, figures.METRES), share=way / most),
            cell(60 * way / span, figures.PER_MINUTE),
        )
        for number, way in enumerate(windows[:MOST_ROWS])
    ]
    heads = (("From", "", False), ("Distance", "m", True), ("Pace", "m/min", True))
    more = max(0, len(windows) - MOST_ROWS)
    return Table(f"Distance each {figures.clock(span)}", heads, rows, folded=True, more=more)
