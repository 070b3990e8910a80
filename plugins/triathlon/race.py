"""A triathlon as a whole, from the documents of its legs (design/metrics.md 3.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from core.sport import ActivityMetrics, Combined, Member, Summary

Document = Mapping[str, Any]

NO_LEGS = "no time frame is of one leg"
SEVERAL = "the legs are of several athletes: see athletes"


@dataclass(frozen=True)
class Leg:
    """A time frame of one leg. Times are the leg's own, Unix ms: the recorder may have counted on
    when the next had begun, which the frame does not show.
    """

    member: Member
    sport: str
    start: int
    end: int
    told: float | None  # metres, by the recorder

    @property
    def distance(self) -> float | None:
        """Of the document; where that counts the recorder's own metres, all of them, those after
        the last sample, too.
        """
        if self.told is not None and self.value("distance_source") == "device":
            return self.told
        found: float | None = self.value("total_distance")
        return found

    @property
    def elapsed(self) -> float:
        return (self.end - self.start) / 1000.0

    def value(self, *keys: str) -> Any:
        """What the leg's document has there, None where it has nothing."""
        found: Any = self.member.document
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    @property
    def stress(self) -> float | None:
        """Of power on the bike, of pace otherwise."""
        path = ("power",) if self.sport == "biking" else ()
        found: float | None = self.value(*path, "training_stress_score")
        return found


def _ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def legs_of(members: Sequence[Member]) -> list[Leg]:
    """The legs, in order of start."""
    found = []
    for member in members:
        given = member.params.get("legs") or []
        if len(given) == 1:
            (leg,) = given
            start, end = _ms(leg["start_time"]), _ms(leg["end_time"])
            found.append(Leg(member, leg["sport"], start, end, leg.get("distance")))
    return sorted(found, key=lambda leg: (leg.start, leg.member.frame))


def by_athlete(legs: Sequence[Leg]) -> dict[int | None, list[Leg]]:
    found: dict[int | None, list[Leg]] = {}
    for leg in legs:
        found.setdefault(leg.member.athlete, []).append(leg)
    return found


def between(activity: Mapping[str, Any], legs: Sequence[Leg], *, alone: bool) -> list[float]:
    """Seconds between the legs of one athlete: as the recorder of the activity timed them, where it
    timed each and the frames do not ask for the time between (``transitions`` `manual`), else from
    the end of each leg to the start of the next.
    """
    timed = [row["duration"] for row in activity.get("transitions") or []]
    manual = any(leg.member.params.get("transitions") == "manual" for leg in legs)
    if alone and not manual and len(timed) == len(legs) - 1:
        return timed
    return [max(0.0, (after.start - before.end) / 1000.0) for before, after in pairwise(legs)]


def total(numbers: Sequence[float | None]) -> float | None:
    """The sum; None where one of them is not known."""
    known = [number for number in numbers if number is not None]
    return float(sum(known)) if known and len(known) == len(numbers) else None


def race(activity: Mapping[str, Any], legs: Sequence[Leg], *, alone: bool) -> dict[str, Any]:
    """The whole of one athlete."""
    return {
        "elapsed": (legs[-1].end - legs[0].start) / 1000.0,
        "moving_time": total([leg.value("moving_time") for leg in legs]),
        "distance": total([leg.distance for leg in legs]),
        "training_stress_score": total([leg.stress for leg in legs]),
        "transitions": [{"duration": s} for s in between(activity, legs, alone=alone)],
    }


def ranks(legs: Sequence[Leg], *keys: str) -> dict[int, int]:
    """By frame, the place among the legs of its sport, the greatest value first."""
    found: dict[int, int] = {}
    for sport in {leg.sport for leg in legs}:
        values = {leg.member.frame: leg.value(*keys) for leg in legs if leg.sport == sport}
        known = [value for value in values.values() if value is not None]
        found |= {
            frame: 1 + sum(other > value for other in known)
            for frame, value in values.items()
            if value is not None
        }
    return found


def legs(summary: Summary) -> Any:
    found = legs_of(summary.members)
    speed, power = ranks(found, "average_speed"), ranks(found, "power", "average")
    return [
        {
            "sport": leg.sport,
            "timeframe": leg.member.frame,
            "athlete": leg.member.athlete,
            "start_time": leg.start,
            "elapsed": leg.elapsed,
            "moving_time": leg.value("moving_time"),
            "distance": leg.distance,
            "average_speed": leg.value("average_speed"),
            "training_stress_score": leg.stress,
            "rank": {
                "speed": speed.get(leg.member.frame),
                "power": power.get(leg.member.frame),
            },
        }
        for leg in found
    ] or summary.absent(NO_LEGS)


def athletes(summary: Summary) -> Any:
    found = by_athlete(legs_of(summary.members))
    return [
        {"athlete": athlete, **race(summary.activity, theirs, alone=len(found) == 1)}
        for athlete, theirs in found.items()
    ] or summary.absent(NO_LEGS)


def _alone(summary: Summary, key: str) -> Any:
    """Of the only athlete."""
    found = by_athlete(legs_of(summary.members))
    if not found:
        return summary.absent(NO_LEGS)
    if len(found) > 1:
        return summary.absent(SEVERAL)
    (theirs,) = found.values()
    value = race(summary.activity, theirs, alone=True)[key]
    return summary.absent(f"not every leg has a {key}") if value is None else value


def heart_zones(summary: Summary) -> Any:
    """Each zone's time over all legs, from each leg's shares of its time with a heart rate."""
    found = legs_of(summary.members)
    spent: dict[tuple[float, float], float] = {}
    ranges = set()
    for leg in found:
        zones = leg.value("timePerHrZone") or []
        seconds = _with_heart_rate(leg)
        if not zones or not seconds:
            continue
        ranges.add(tuple(tuple(zone["range_bpm"]) for zone in zones))
        for zone in zones:
            low, high = zone["range_bpm"]
            share = zone["percentage_hrmax"] / 100.0
            spent[low, high] = spent.get((low, high), 0.0) + share * seconds
    if len(ranges) != 1:
        why = "no leg has heart-rate zones" if not ranges else "the legs have different zones"
        return summary.absent(why)
    whole = sum(spent.values())
    return [
        {
            "range_bpm": list(zone),
            "duration": seconds,
            "ratio": seconds / whole if whole else 0.0,
        }
        for zone, seconds in spent.items()
    ]


def _with_heart_rate(leg: Leg) -> float:
    """Seconds of the leg with a heart rate, from the coverage that its quality tells."""
    first, last = leg.member.start, leg.value("last_timestamp")
    share = leg.value("quality", "channels", "hr")
    return 0.0 if last is None or share is None else share * (last - first) / 1000.0


def _metric(key: str, unit: str, title: str, definition: str, function: Any) -> Combined:
    return Combined(
        key=key,
        version=1,
        unit=unit,
        title=title,
        definition=definition,
        boundary="a leg is a time frame with one entry in its parameter legs",
        citation="Touchline design, section 3.7",
        grade="B",
        function=function,
    )


RACE_METRICS = ActivityMetrics(
    metrics=(
        _metric(
            "legs",
            "s, m",
            "Legs",
            "The legs in order of start, of all athletes: the recorder's elapsed time, the rest "
            "from the time frame's document. rank: the place among the legs of the sport, by "
            "average speed and by mean power.",
            legs,
        ),
        _metric(
            "transitions",
            "s",
            "Transitions",
            "Between the legs: as the recorder timed them, where it did; else, and with the "
            "parameter transitions `manual`, from the end of a leg to the start of the next.",
            lambda summary: _alone(summary, "transitions"),
        ),
        _metric(
            "elapsed",
            "s",
            "Elapsed time",
            "From the start of the first leg to the end of the last.",
            lambda summary: _alone(summary, "elapsed"),
        ),
        _metric(
            "moving_time",
            "s",
            "Moving time",
            "Sum over the legs.",
            lambda summary: _alone(summary, "moving_time"),
        ),
        _metric(
            "distance",
            "m",
            "Distance",
            "Sum over the legs of total_distance, or of the recorder's own distance where the leg "
            "has distance_source device; the ways between them do not count.",
            lambda summary: _alone(summary, "distance"),
        ),
        _metric(
            "training_stress_score",
            "1",
            "Training stress score",
            "Sum over the legs, each by the score of its sport; null where one has none.",
            lambda summary: _alone(summary, "training_stress_score"),
        ),
        _metric(
            "time_per_hr_zone",
            "s",
            "Time per heart-rate zone",
            "Over all legs: each leg's share of the zone times its time with a heart rate, which "
            "its quality tells. Null where the legs have different zones.",
            heart_zones,
        ),
        _metric(
            "athletes",
            "s, m",
            "Athletes",
            "The whole of each athlete with legs in this activity.",
            athletes,
        ),
    )
)
