"""Joins our numbers with theirs and judges each difference. Knows no library."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

AGREES, EXPLAINED, DIFFERS, ABSENT = "agrees", "explained", "DIFFERS", "not compared"


@dataclass(frozen=True)
class Quantity:
    """What is compared: numbers that start with ``name``, by ``library``.

    Numbers agree within ``absolute`` or ``relative``. ``reason`` is why theirs may be another
    number: it holds where ours agrees with theirs once that is taken out (``corrected``), or, for
    what cannot be taken out, where they are within ``bound`` (relative) of each other.
    """

    name: str
    library: str
    unit: str
    relative: float = 1e-9
    absolute: float = 0.0
    reason: str = ""
    bound: float = 0.0


QUANTITIES = (
    Quantity(
        "mean-maximal power", "sweat", "W",
        reason="sweat leaves out the window that begins at the first second",
    ),
    Quantity(
        "normalized power", "sweat", "W",
        reason="sweat counts the 29 windows at the start that are not full",
    ),
    Quantity("W' balance", "sweat", "J"),
    Quantity("mean RR", "neurokit2", "ms"),
    Quantity("RMSSD", "neurokit2", "ms"),
    Quantity("SDNN", "neurokit2", "ms"),
    Quantity(
        "pNN50", "neurokit2", "%", reason="neurokit2 divides by the beats, not by the differences"
    ),
    Quantity(
        "distance, backward", "floodlight", "m", relative=1e-6,
        reason="floodlight keeps impossible fixes; without them",
    ),
    Quantity(
        "distance, central", "floodlight", "m", relative=1e-6, bound=0.15,
        reason="central differences halve the zigzag of noise",
    ),
    Quantity(
        "highest velocity", "floodlight", "m/s", relative=1e-4,
        reason="floodlight smooths nothing; with our means of 0.5 s and of 10 samples",
    ),
    Quantity("centroid", "floodlight", "m", absolute=0.001, relative=0.0),
    Quantity("stretch index", "floodlight", "m", absolute=0.001, relative=0.0),
    Quantity("hull (scipy)", "scipy", "m2", absolute=0.05, relative=0.0),
    Quantity("hull", "floodlight", "m2", absolute=0.05, relative=0.0),
    Quantity(
        "distance, geodesic", "pyproj", "m",
        reason="impossible fixes and too long gaps count; without them",
    ),
    Quantity(
        "length, 2-D", "gpxpy", "m",
        reason="gpxpy measures on a sphere of the equator's radius; on the ellipsoid",
    ),
    Quantity(
        "uphill", "gpxpy", "m",
        reason="gpxpy adds every rise of a mean of three; with our threshold of 3 m",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    quantity: Quantity
    name: str
    recording: str
    ours: float | None
    theirs: float | None
    corrected: float | None
    verdict: str

    @property
    def difference(self) -> float | None:
        return None if self.ours is None or self.theirs is None else self.ours - self.theirs


def quantity_of(name: str) -> Quantity:
    """The quantity that a number's name starts with. Raises KeyError."""
    for quantity in QUANTITIES:
        if name.startswith(quantity.name):
            return quantity
    raise KeyError(name)


def _within(ours: float, theirs: float, absolute: float, relative: float) -> bool:
    return abs(ours - theirs) <= max(absolute, relative * abs(theirs))


def judge(
    quantity: Quantity, ours: float | None, theirs: float | None, corrected: float | None
) -> str:
    """Whether the numbers agree, differ for the stated reason, or differ."""
    if ours is None or theirs is None:
        return DIFFERS
    tolerance = quantity.absolute, quantity.relative
    if _within(ours, theirs, *tolerance):
        return AGREES
    if not quantity.reason:
        return DIFFERS
    if corrected is not None:
        return EXPLAINED if _within(ours, corrected, *tolerance) else DIFFERS
    return EXPLAINED if _within(ours, theirs, 0.0, quantity.bound) else DIFFERS


def joined(
    ours: Iterable[Mapping[str, Any]],
    theirs: Iterable[Mapping[str, Any]],
    absent: Iterable[str] = (),
) -> list[Row]:
    """A row per number that either side has, by library. What only one side has differs, but for
    the libraries that are ``absent``.
    """
    mine = {(each["quantity"], each["recording"]): each["value"] for each in ours}
    answers = {(each["quantity"], each["recording"]): each for each in theirs}
    missing = set(absent)
    rows = []
    for name, recording in dict.fromkeys([*mine, *answers]):
        quantity = quantity_of(name)
        answer = answers.get((name, recording), {})
        value, corrected = answer.get("value"), answer.get("corrected")
        number = mine.get((name, recording))
        if quantity.library in missing:
            verdict = ABSENT
        else:
            verdict = judge(quantity, number, value, corrected)
        rows.append(Row(quantity, name, recording, number, value, corrected, verdict))
    order = list(dict.fromkeys(quantity.library for quantity in QUANTITIES))
    return sorted(rows, key=lambda row: order.index(row.quantity.library))


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2e}" if 0 < abs(value) < 1e-3 else f"{value:.4f}"


def _why(row: Row) -> str:
    if row.verdict != EXPLAINED:
        return ""
    if row.corrected is None:
        return f"{row.quantity.reason} (within {row.quantity.bound:.0%})"
    return f"{row.quantity.reason}: {_number(row.corrected)}"


HEAD = ("library", "quantity", "recording", "ours", "theirs", "difference", "", "reason")


def lines(rows: Iterable[Row]) -> list[str]:
    """The table as text."""
    cells = [HEAD] + [
        (
            row.quantity.library,
            f"{row.name} ({row.quantity.unit})",
            row.recording,
            _number(row.ours),
            _number(row.theirs),
            _number(row.difference),
            row.verdict,
            _why(row),
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    numbers = range(3, 6)
    return [
        "  ".join(
            cell.rjust(width) if i in numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]


def summary(rows: Iterable[Row]) -> str:
    """How many numbers have each verdict."""
    counts = Counter(row.verdict for row in rows)
    return ", ".join(
        f"{counts[verdict]} {verdict}"
        for verdict in (AGREES, EXPLAINED, DIFFERS, ABSENT)
        if counts[verdict] or verdict == DIFFERS
    )


def exit_code(rows: Iterable[Row]) -> int:
    """1 where a difference has no reason that holds, 2 where a library is absent, else 0."""
    verdicts = {row.verdict for row in rows}
    return 1 if DIFFERS in verdicts else 2 if ABSENT in verdicts else 0
