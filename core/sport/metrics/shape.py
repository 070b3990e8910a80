"""The shape of teams: what the fold over the 1 s grid comes to, and the metrics read off it
(design/metrics.md 2.12).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from core.sport.contract import Combined, Member, Summary, Table

X, Y, STRETCH, LENGTH, WIDTH, SURFACE = range(6)
MEASURES = 6
BUCKET = 5  # s of a step of the series
LEAST_PLAYERS = 3
YES = 1
MOST_TEAMS = 8
MOST_SECONDS = 86_400  # from the first point of an activity to its last
NAMES = ("x", "y", "stretch_index", "team_length", "team_width", "surface")


@dataclass
class Shape:
    """Sums over the seconds up to ``through``, of which the first point is in second ``base``.

    Rows of ``sums``, ``least``, ``most`` and ``counts`` [rows, 1 + spans, MEASURES] are the
    ``teams`` in the order of their names, then the ``pairs`` of them, whose distance is measure 0;
    column 0 is of all seconds. ``series`` and ``series_n`` [rows, buckets, MEASURES] are sums of
    5 s. ``reason``: why there is nothing.
    """

    teams: tuple[str, ...]
    spans: int
    sums: np.ndarray
    least: np.ndarray
    most: np.ndarray
    counts: np.ndarray
    series: np.ndarray
    series_n: np.ndarray
    base: int = 0
    through: int | None = None
    reason: str | None = None

    @classmethod
    def empty(cls, teams: tuple[str, ...], spans: int) -> "Shape":
        rows = len(teams) + len(teams) * (len(teams) - 1) // 2
        cells = (rows, 1 + spans, MEASURES)
        steps = (rows, 0, MEASURES)
        return cls(
            teams, spans, np.zeros(cells), np.full(cells, np.inf), np.full(cells, -np.inf),
            np.zeros(cells, np.int64), np.zeros(steps), np.zeros(steps, np.int64),
        )  # fmt: skip

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return list(combinations(self.teams, 2))


def of_teams(members: Sequence[Member]) -> Mapping[str, list[Member]]:
    """The members by their parameter team, in the order of names, as the rows of a shape are."""
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(str(member.values.get("team") or "home"), []).append(member)
    return {team: found[team] for team in sorted(found)}


def spread(shape: Shape, row: int, span: int, measure: int) -> dict[str, float] | None:
    """Mean, least and greatest of a measure; None where it was never taken."""
    count = int(shape.counts[row, span, measure])
    if not count:
        return None
    place = (row, span, measure)
    return {
        "mean": float(shape.sums[place]) / count,
        "min": float(shape.least[place]),
        "max": float(shape.most[place]),
    }


def middle(shape: Shape, row: int, span: int) -> dict[str, float] | None:
    """The mean centroid."""
    x, y = spread(shape, row, span, X), spread(shape, row, span, Y)
    return None if x is None or y is None else {"x": x["mean"], "y": y["mean"]}


def missing(summary: Summary) -> str | None:
    """Why there is no shape of teams."""
    shape: Shape | None = summary.shape
    if shape is None or not any(name.endswith("_corners") for name in _given(summary.activity)):
        return "the activity has no corners of a field"
    if shape.reason is not None:
        return shape.reason
    if len(summary.members) < LEAST_PLAYERS:
        return f"a shape takes {LEAST_PLAYERS} time frames, the activity has {len(summary.members)}"
    if not shape.counts.any():
        return f"in no second {LEAST_PLAYERS} players of a team have a position"
    return None


def _given(activity: Mapping[str, Any]) -> list[str]:
    return [name for name, value in activity.items() if value is not None]


def _of_teams(take: Callable[[Shape, int], Any]) -> Callable[[Summary], Any]:
    def value(summary: Summary) -> Any:
        reason = missing(summary)
        if reason is not None:
            return summary.absent(reason)
        shape: Shape = summary.shape
        found = [(team, take(shape, row)) for row, team in enumerate(shape.teams)]
        return [{"team": team, **value} for team, value in found if value is not None]

    return value


def _distance(summary: Summary) -> Any:
    reason = missing(summary)
    if reason is None and len(summary.shape.teams) < 2:
        reason = "the activity has one team"
    if reason is not None:
        return summary.absent(reason)
    shape: Shape = summary.shape
    first = len(shape.teams)
    found = [(pair, spread(shape, first + n, 0, X)) for n, pair in enumerate(shape.pairs)]
    return [{"teams": list(pair), **value} for pair, value in found if value is not None]


def _series(summary: Summary) -> Any:
    reason = missing(summary)
    if reason is not None:
        return summary.absent(reason)
    shape: Shape = summary.shape
    distances: dict[str, dict[str, Table]] = {}
    for n, (team, other) in enumerate(shape.pairs):
        distances.setdefault(team, {})[other] = _steps(shape, len(shape.teams) + n, 1)
    return {
        "columns": ["start_time", *NAMES],
        "teams": {team: _steps(shape, row, MEASURES) for row, team in enumerate(shape.teams)},
        "distances": distances,
    }


def _steps(shape: Shape, row: int, measures: int) -> Table:
    """Rows of a step's start (Unix ms) and the means of its seconds; steps without any left out."""
    counts = shape.series_n[row, :, :measures]
    there = np.flatnonzero(counts[:, 0])
    taken = np.where(counts[there] > 0, counts[there], np.nan)
    starts = (shape.base // BUCKET + there) * BUCKET * 1000.0
    return Table(np.column_stack([starts, shape.series[row, there, :measures] / taken]))


GRID = (
    "A player's position at a second is the last valid one in the second that ends there; who has "
    "none is left out. A second counts for a team where three of its players or more have one. "
)


def _metric(key: str, unit: str, title: str, definition: str, function: Any) -> Combined:
    return Combined(
        key=key,
        version=1,
        unit=unit,
        title=title,
        definition=f"{definition} {GRID}".strip(),
        boundary="a position at exactly second k belongs to k",
        citation="Touchline design, section 2.12; floodlight, geometry models",
        grade="B",
        function=function,
    )


def _measure(key: str, unit: str, title: str, definition: str, measure: int) -> Combined:
    return _metric(
        key,
        unit,
        title,
        f"{definition} Mean, least and greatest of all seconds, per team.",
        _of_teams(lambda shape, row: spread(shape, row, 0, measure)),
    )


SHAPE_METRICS = (
    _metric(
        "centroid",
        "m",
        "Centroid",
        "The mean place of a team's players on the field (coordinates of field.x, field.y), as "
        "mean of all seconds.",
        _of_teams(lambda shape, row: middle(shape, row, 0)),
    ),
    _measure(
        "stretch_index", "m", "Stretch index", "Mean distance of the players to the centroid.",
        STRETCH,
    ),
    _measure(
        "team_length", "m", "Length of the team", "Range of the players along the field.", LENGTH
    ),
    _measure(
        "team_width", "m", "Width of the team", "Range of the players across the field.", WIDTH
    ),
    _measure(
        "surface", "m2", "Surface of the team",
        "Area of the convex hull of the players without the goalkeeper (parameter role); it takes "
        "three of them.",
        SURFACE,
    ),
    _metric(
        "centroid_distance",
        "m",
        "Distance between teams",
        "Distance between the centroids of each two teams: mean, least and greatest of all "
        "seconds.",
        _distance,
    ),
    _metric(
        "series",
        "m, m2",
        "Shape over time",
        "Means of 5 s, which begin at multiples of 5 s: under `teams` of each team rows of what "
        "`columns` names, under `distances` of each team and another rows of start_time and the "
        "distance of their centroids.",
        _series,
    ),
)  # fmt: skip
