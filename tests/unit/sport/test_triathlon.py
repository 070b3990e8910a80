"""A triathlon as a whole, from its legs' documents."""

from typing import Any

from core.clock import to_iso
from core.sport.contract import Member
from core.sport.registry import registry
from core.sport.summary import assemble

START = 1_780_000_000_000
RACE = registry().activity_metrics("triathlon")


def iso(seconds: float) -> str:
    return to_iso(START + round(1000 * seconds))


def leg(
    frame: int,
    sport: str,
    start: float,
    elapsed: float,
    document: Any,
    athlete: int = 1,
    **more: Any,
) -> Member:
    given = {"sport": sport, "start_time": iso(start), "end_time": iso(start + elapsed)}
    first = START + round(1000 * start)
    params: dict[str, Any] = {"legs": [given], **more}
    return Member(frame, first, first + 1000, {}, document, athlete, params)


def document(distance: float, speed: float, stress: float | None, **more: Any) -> dict[str, Any]:
    return {
        "total_distance": distance,
        "average_speed": speed,
        "moving_time": distance / speed,
        "training_stress_score": stress,
        **more,
    }


def zones(*shares: float) -> list[dict[str, Any]]:
    edges = [0.0, 120.0, 190.0]
    return [
        {"percentage_hrmax": share, "range_bpm": edges[at : at + 2]}
        for at, share in enumerate(shares)
    ]


def heart(seconds: float, covered: float, start: float, *shares: float) -> dict[str, Any]:
    return {
        "timePerHrZone": zones(*shares),
        "last_timestamp": START + round(1000 * (start + seconds)),
        "quality": {"channels": {"hr": covered}},
    }


# FIT's starts are whole seconds, its durations are not: the ride goes on 0.7 s into the change.
SWIM = leg(1, "swimming", 0, 599.871, document(750, 1.25, 20.0, **heart(600, 0.5, 0, 25, 75)))
RIDE = leg(
    2,
    "biking",
    660,
    900.7,
    {**document(8000, 8.8, None), "power": {"average": 210.0, "training_stress_score": 30.0}},
)
RUN = leg(3, "running", 1600, 299.9, document(1000, 3.4, 10.5, **heart(300, 1.0, 1600, 0, 100)))
TIMED = {"sport": "triathlon", "transitions": [{"duration": 59.25}, {"duration": 39.6}]}


def summary(members: list[Member], activity: dict[str, Any] = TIMED) -> dict[str, Any]:
    assert RACE is not None
    return assemble(RACE, activity, members, None, final=True)


def test_the_whole_of_three_legs() -> None:
    found = summary([RUN, SWIM, RIDE])
    assert [row["sport"] for row in found["legs"]] == ["swimming", "biking", "running"]
    assert found["legs"][1] == {
        "sport": "biking",
        "timeframe": 2,
        "athlete": 1,
        "start_time": START + 660_000,
        "elapsed": 900.7,
        "moving_time": round(8000 / 8.8, 4),
        "distance": 8000,
        "average_speed": 8.8,
        "training_stress_score": 30.0,
        "rank": {"speed": 1, "power": 1},
    }
    assert found["transitions"] == [{"duration": 59.25}, {"duration": 39.6}]
    assert (found["elapsed"], found["distance"]) == (1899.9, 9750.0)
    assert found["training_stress_score"] == 60.5
    low, high = found["time_per_hr_zone"]
    assert (low["duration"], high["duration"]) == (75.0, 225.0 + 300.0)
    assert low["ratio"] == 0.125


def test_transitions_that_nobody_timed_are_the_time_between() -> None:
    between = [{"duration": 60.129}, {"duration": 39.3}]
    assert summary([SWIM, RIDE, RUN], {"sport": "triathlon"})["transitions"] == between
    manual = leg(3, "running", 1600, 299.9, RUN.document, transitions="manual")
    assert summary([SWIM, RIDE, manual])["transitions"] == between
    # What was timed was another race's, or a leg is missing.
    assert summary([SWIM, RIDE])["transitions"] == between[:1]


def test_a_leg_without_its_value_makes_the_sum_null_with_the_reason() -> None:
    running = leg(3, "running", 1600, 299.9, document(1000, 3.4, None))
    found = summary([SWIM, RIDE, running])
    assert found["training_stress_score"] is None
    assert found["distance"] == 9750.0
    reasons = {note["key"]: note["reason"] for note in found["notes"]}
    assert reasons["training_stress_score"] == "not every leg has a training_stress_score"
    before = leg(4, "running", 1600, 299.9, None)
    assert summary([SWIM, RIDE, before])["legs"][2]["distance"] is None


def test_several_athletes_are_told_apart() -> None:
    slower = leg(5, "running", 1590, 320.0, document(1000, 3.1, 9.0), athlete=2)
    found = summary([SWIM, RIDE, RUN, slower])
    assert found["elapsed"] is found["transitions"] is None
    first, second = found["athletes"]
    assert (first["athlete"], first["elapsed"], first["distance"]) == (1, 1899.9, 9750.0)
    assert (second["athlete"], second["elapsed"], second["transitions"]) == (2, 320.0, [])
    ranks = {row["timeframe"]: row["rank"]["speed"] for row in found["legs"]}
    assert (ranks[3], ranks[5]) == (1, 2)


def test_the_recorders_own_metres_count_whole() -> None:
    """The last sample came 40 m before the end of the swim."""
    swim = document(453.55, 0.7, None, distance_source="device")
    told = {**SWIM.params["legs"][0], "distance": 494.48}
    sparse = leg(1, "swimming", 0, 599.871, swim, legs=[told])
    assert summary([sparse])["distance"] == 494.48
    placed = leg(1, "swimming", 0, 599.871, document(750, 1.25, 20.0), legs=[told])
    assert summary([placed])["distance"] == 750


def test_without_legs_there_is_nothing_to_say() -> None:
    whole = Member(1, START, START + 1000, {}, document(100, 2, None), 1, {})
    found = summary([whole])
    keys = ("legs", "transitions", "elapsed", "distance", "athletes", "time_per_hr_zone")
    assert [found[key] for key in keys] == [None] * 6
    assert {"key": "legs", "reason": "no time frame is of one leg"} in found["notes"]
