"""An activity's summary as tables: the shape of teams, thirds and periods, or legs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.api import figures
from core.api.activity_sections import Section
from core.api.activity_tables import Cell, Document, Table, Words, listed, shares
from core.api.figures import Quantity, Zone

SHAPES = ("stretch_index", "team_length", "team_width", "surface", "centroid_distance")
WHOLE = (
    ("elapsed", "Elapsed", figures.DURATION),
    ("moving_time", "Moving", figures.DURATION),
    ("distance", "Distance", figures.WAY),
    ("training_stress_score", "Training stress", figures.SCORE),
)
AREA = Quantity("m²", figures.METRES.write)
LENGTH = Quantity("m", figures.TENTH.write)


def sections(
    summary: Document, words: Words, zone: Zone, names: Mapping[int, str]
) -> list[Section]:
    """What the summary has; nothing where it compares nothing. ``names`` by athlete."""
    made = [
        Section("shape", "Shape of the teams", list(_shape(summary, words))),
        Section("team-places", "Teams on the field", list(_thirds(summary))),
        Section("team-periods", "Periods", list(_periods(summary))),
        Section("legs", "Race", list(_legs(summary, words, zone, names))),
    ]
    return [section for section in made if section.tables]


def _shape(summary: Document, words: Words) -> Iterable[Table]:
    rows = [
        (
            Cell(words.title(key), number=False),
            Cell(_who(one), number=False),
            *(_measure(one[part], key) for part in ("mean", "min", "max")),
        )
        for key in SHAPES
        for one in summary.get(key) or ()
    ]
    if rows:
        heads = (
            ("Measure", "", False),
            ("Team", "", False),
            ("Mean", "", True),
            ("Least", "", True),
            ("Greatest", "", True),
        )
        yield Table("", heads, rows)


def _measure(value: float, key: str) -> Cell:
    return Cell(figures.with_unit(value, AREA if key == "surface" else LENGTH))


def _who(one: Document) -> str:
    return " – ".join(one["teams"]) if "teams" in one else str(one["team"])


def _thirds(summary: Document) -> Iterable[Table]:
    for one in summary.get("thirds") or ():
        yield shares(f"Thirds, {one['team']}", one)


def _periods(summary: Document) -> Iterable[Table]:
    rows = [
        (
            Cell(str(period.get("name") or number), number=False),
            Cell(str(team["team"]), number=False),
            Cell(figures.text(team["players"], figures.COUNT)),
            Cell(figures.text(team["distance"], figures.METRES)),
            Cell(figures.text(team["high_speed_distance"], figures.METRES)),
            Cell(figures.text(team["max_speed"], figures.SPEED)),
            *(Cell(_mean(team.get(key), LENGTH)) for key in ("team_length", "team_width")),
        )
        for number, period in enumerate(summary.get("periods") or (), 1)
        for team in period["teams"]
    ]
    if rows:
        heads = (
            ("Period", "", False),
            ("Team", "", False),
            ("Players", "", True),
            ("Distance", "m", True),
            ("High speed", "m", True),
            ("Top speed", "km/h", True),
            ("Length", "m", True),
            ("Width", "m", True),
        )
        yield Table("", heads, rows)


def _mean(spread: Mapping[str, Any] | None, quantity: Quantity) -> str:
    return figures.text(None if spread is None else spread["mean"], quantity)


def _legs(summary: Document, words: Words, zone: Zone, names: Mapping[int, str]) -> Iterable[Table]:
    """A race of several sports: its legs, the ways between them, the whole."""
    whole = [
        (Cell(label, number=False), Cell(figures.with_unit(summary[key], quantity)))
        for key, label, quantity in WHOLE
        if isinstance(summary.get(key), int | float)
    ]
    if whole:
        yield Table("Whole", (("What", "", False), ("Value", "", True)), whole)
    for key in ("legs", "transitions", "athletes"):
        rows: Sequence[Document] = summary.get(key) or ()
        if len(names) > 1:
            rows = [_named(row, names) for row in rows]
        if rows and (key != "athletes" or len(names) > 1):
            yield listed(key, words.title(key), rows, zone, folded=False)


def _named(row: Document, names: Mapping[int, str]) -> Document:
    return {"name": names.get(row.get("athlete", 0)), **row}
