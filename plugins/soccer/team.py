"""Soccer, the teams: their shape, thirds and periods (design/metrics.md 2.12)."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.sport import (
    SHAPE_METRICS,
    ActivityMetrics,
    Combined,
    Member,
    Summary,
    middle,
    of_teams,
    spread,
)
from core.sport.metrics.shape import LENGTH, STRETCH, SURFACE, WIDTH, X
from plugins.soccer.sport import PITCH

THIRDS = ("own", "middle", "attacking", "outside")
SHAPES = {
    "stretch_index": STRETCH,
    "team_length": LENGTH,
    "team_width": WIDTH,
    "surface": SURFACE,
}

Document = Mapping[str, Any]


def documents(members: Sequence[Member], key: str) -> list[Document]:
    """The documents in which a metric has a value."""
    found = (member.document for member in members)
    return [each for each in found if each is not None and each.get(key) is not None]


def thirds(summary: Summary) -> Any:
    found = []
    for team, members in of_teams(summary.members).items():
        theirs = [each["thirds"] for each in documents(members, "thirds")]
        spent = {name: sum((each[name]["duration"] for each in theirs), 0.0) for name in THIRDS}
        total = sum(spent.values())
        if total:
            shares = {
                name: {"duration": seconds, "ratio": seconds / total}
                for name, seconds in spent.items()
            }
            found.append({"team": team, "by": theirs[0]["by"], **shares})
    return found or summary.absent("no time frame has time in the thirds of a field")


def periods(summary: Summary) -> Any:
    spans = summary.activity.get("periods") or []
    if not spans:
        return summary.absent("the activity names no periods")
    teams = of_teams(summary.members)
    return [
        {
            **span,
            "teams": [
                {
                    "team": team,
                    **_ran([each["periods"][index] for each in documents(members, "periods")]),
                    **_shaped(summary.shape, row, 1 + index),
                }
                for row, (team, members) in enumerate(teams.items())
            ],
            "centroid_distance": _apart(summary.shape, len(teams), 1 + index),
        }
        for index, span in enumerate(spans)
    ]


def _ran(players: Sequence[Document]) -> dict[str, Any]:
    """What the players of a team did in a period, together; each of them played some of it."""
    played = [each for each in players if each["duration"] > 0]
    return {
        "players": len(played),
        "distance": sum((each["distance"] for each in played), 0.0),
        "high_speed_distance": sum((each["high_speed_distance"] for each in played), 0.0),
        "max_speed": max((each["max_speed"] or 0.0 for each in played), default=None),
    }


def _shaped(shape: Any, row: int, span: int) -> dict[str, Any]:
    if shape is None or shape.reason is not None:
        return dict.fromkeys(("centroid", *SHAPES))
    measures = {key: spread(shape, row, span, measure) for key, measure in SHAPES.items()}
    return {"centroid": middle(shape, row, span), **measures}


def _apart(shape: Any, teams: int, span: int) -> list[dict[str, Any]]:
    if shape is None or shape.reason is not None:
        return []
    found = [(pair, spread(shape, teams + n, span, X)) for n, pair in enumerate(shape.pairs)]
    return [{"teams": list(pair), **value} for pair, value in found if value is not None]


TEAM_METRICS = ActivityMetrics(
    metrics=(
        *SHAPE_METRICS,
        Combined(
            key="thirds",
            version=1,
            unit="s, 1",
            title="Thirds of the field",
            definition=(
                "The time that a team's players spent in the own, the middle and the attacking "
                "third and outside, all players together, and its shares: the sums of their "
                "metric thirds."
            ),
            boundary="as the time frames' metric thirds",
            citation="Touchline design, section 2.12",
            grade="B",
            function=thirds,
        ),
        Combined(
            key="periods",
            version=1,
            unit="m, m/s, m2",
            title="Periods of play",
            definition=(
                "Of each of the activity's periods and each team how many players played in it, "
                "their distances and greatest speed (of the time frames' metric periods), and the "
                "means of the team's shape over the seconds of the period."
            ),
            boundary="start_time <= t < end_time",
            citation="Touchline design, section 2.12",
            grade="D",
            function=periods,
        ),
    ),
    points=PITCH,
    spans="periods",
)
