"""Pools and legs over HTTP: what is refused, and where; one leg before its first fold."""

from typing import Any

import pytest

from core.sport.registry import registry
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, permit, pointers, schema


def activity(world: World, sport: str, **more: Any) -> Any:
    return world.post(
        "/activities/",
        "ada",
        json={
            "name": sport,
            "json": {"sport": sport, **more},
            "json_schema": schema(world, f"activity_{sport}"),
            "owner": world.ids["ada"],
        },
    )


@pytest.mark.parametrize("length", [0, -25, 9.9, 100.1, "25"])
@pytest.mark.parametrize("sport", ["swimming", "triathlon"])
def test_what_is_no_length_of_a_pool_is_refused(world: World, sport: str, length: Any) -> None:
    assert pointers(activity(world, sport, pool_length=length)) == ["/json/pool_length"]


@pytest.fixture
def race(world: World) -> Match:
    scene = match(world)
    permit(world, "ada", "READ")
    made = activity(world, "triathlon", pool_length=50)
    assert made.status_code == 201, made.get_data(as_text=True)
    scene.activity = made.get_json()["id"]
    scene.schema = schema(world, "timeframe_triathlon")
    return scene


def leg(sport: str, start: str, end: str) -> dict[str, str]:
    day = "2020-05-30T"
    return {"sport": sport, "start_time": f"{day}{start}:00Z", "end_time": f"{day}{end}:00Z"}


@pytest.mark.parametrize(
    ("legs", "pointer"),
    [
        (
            [leg("swimming", "20:00", "20:30"), leg("running", "20:29", "21:00")],
            "/params/legs/1/start_time",
        ),
        ([leg("running", "20:30", "20:00")], "/params/legs/0/end_time"),
        ([leg("chess", "20:00", "20:30")], "/params/legs/0/sport"),
        (
            [{**leg("running", "20:00", "20:30"), "end_time": "2020-05-30T20:30:00"}],
            "/params/legs/0/end_time",
        ),
    ],
)
def test_legs_out_of_order_are_refused(
    race: Match, legs: list[dict[str, str]], pointer: str
) -> None:
    body = race.body(params={"legs": legs})
    assert pointers(race.world.post("/timeframes/", "ada", json=body)) == [pointer]


@pytest.mark.parametrize(
    ("legs", "sport"),
    [
        ([], "triathlon"),
        ([leg("swimming", "20:00", "20:30")], "swimming"),
        ([leg("running", "20:00", "20:30")], "running"),
        ([leg("swimming", "20:00", "20:30"), leg("running", "20:30", "21:00")], "triathlon"),
    ],
)
def test_a_frame_has_the_metrics_of_its_leg(
    race: Match, legs: list[dict[str, str]], sport: str
) -> None:
    frame = race.frame(params={"legs": legs})
    document = race.world.get(f"/timeframes/{frame}/computed/", "ada").get_json()
    assert document["edition"] == 0
    assert set(document["metrics"]) == {m.key for m in registry().sport(sport).metrics}
