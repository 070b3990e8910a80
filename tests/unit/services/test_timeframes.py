"""Time frames: every condition of creating and changing one, by itself."""

from typing import Any

import pytest
from sqlalchemy import func, select

from core.clock import now
from core.errors import BadInput, Forbidden, NotFound
from core.models import ComputeState, TimeFrame
from core.services import activities, timeframes

from .conftest import DAY, START, STOP, Match


def state(match: Match, frame: int) -> ComputeState:
    return match.world.read(lambda s: s.get(ComputeState, frame))


def count(match: Match) -> int:
    return match.world.read(lambda s: s.scalar(select(func.count(TimeFrame.id))))


def test_a_frame_comes_with_its_state_and_its_debt(match: Match) -> None:
    frame = match.frame(params={"max_hr": 190})
    assert (state(match, frame).edition, state(match, frame).revision) == (0, 0)
    assert match.world.owed("refold") == [str(frame)]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"owner": 999}, "/owner"),
        ({"end_time": START}, "/end_time"),
        ({"device": 999}, "/device"),
        ({"athlete": 999}, "/athlete"),
        ({"activity": 999}, "/activity"),
        ({"json_schema": 999}, "/json_schema"),
        ({"params": {"max_hr": "high"}}, "/params/max_hr"),
        ({"params": {"unheard_of": 1}}, "/params/unheard_of"),
    ],
)
def test_what_is_wrong_is_pointed_at(match: Match, change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadInput) as refusal:
        match.frame(**change)
    assert [fault["pointer"] for fault in refusal.value.errors] == [pointer]
    assert count(match) == 0
    assert match.world.owed("refold") == []


@pytest.mark.parametrize("name", ["timeframe_soccer", "activity_tennis"])
def test_the_schema_must_be_of_the_activity_s_sport(match: Match, name: str) -> None:
    with pytest.raises(BadInput) as refusal:
        match.frame(json_schema=match.world.schema(name))
    assert refusal.value.errors[0]["pointer"] == "/json_schema"


def test_an_athlete_must_be_one(match: Match) -> None:
    with pytest.raises(BadInput) as refusal:
        match.frame(athlete=match.world.ben.user_id)
    assert refusal.value.errors[0]["pointer"] == "/athlete"


@pytest.mark.parametrize(
    "interval",
    [(START - 2 * DAY, STOP), (START, STOP + DAY + 1), (STOP + DAY, STOP + 2 * DAY)],
)
def test_write_must_cover_the_interval(match: Match, interval: tuple[int, int]) -> None:
    match.world.own(match.world.anna, match.device, START - 9 * DAY, START - DAY)
    match.world.own(match.world.anna, match.device, STOP + DAY, STOP + 9 * DAY)
    with pytest.raises(Forbidden, match="WRITE on athlete"):
        match.frame(start_time=interval[0], end_time=interval[1])


@pytest.mark.parametrize("interval", [(START - 2 * DAY, STOP), (START, STOP + DAY + 1)])
def test_ownership_must_cover_the_interval(match: Match, interval: tuple[int, int]) -> None:
    match.world.permit(match.world.anna, "WRITE", 0, now())
    with pytest.raises(Forbidden, match="ownership of device"):
        match.frame(start_time=interval[0], end_time=interval[1])


def test_adjoining_rows_cover_together(match: Match) -> None:
    world = match.world
    world.permit(world.anna, "WRITE", STOP + DAY, STOP + 3 * DAY)
    world.own(world.anna, match.device, STOP + DAY, STOP + 3 * DAY)
    assert match.frame(start_time=START, end_time=STOP + 2 * DAY)


def test_read_and_share_are_no_write(match: Match) -> None:
    world = match.world
    device = world.device("S2", "dev-2")
    world.own(world.ben, device, START - DAY, STOP + DAY)
    for right in ("READ", "SHARE"):
        world.permit(world.ben, right, START - DAY, STOP + DAY)
    activity = world.write(
        activities.create,
        world.ben,
        name="other",
        json={"sport": "tennis"},
        json_schema=world.schema("activity_tennis"),
        owner=world.ben.user_id,
    )
    draft = match.draft(owner=world.ben.user_id, activity=activity.id, device=device)
    with pytest.raises(Forbidden, match="WRITE on athlete"):
        world.write(timeframes.create, world.ben, draft)
    with pytest.raises(Forbidden, match="owner"):
        world.write(
            timeframes.create, world.ben, match.draft(owner=world.ben.user_id, device=device)
        )


def test_others_cannot_create_or_change(match: Match) -> None:
    world, frame = match.world, match.frame()
    for actor in (world.cleo, world.admin):
        with pytest.raises(Forbidden):
            world.write(timeframes.create, actor, match.draft(owner=actor.user_id))
    for actor in (world.ben, world.cleo, world.admin):
        with pytest.raises(Forbidden):
            world.write(timeframes.update, actor, frame, {"params": {}})
        with pytest.raises(Forbidden):
            world.write(timeframes.remove, actor, frame)


def test_owner_athlete_and_administrators_read(match: Match) -> None:
    world, frame = match.world, match.frame()
    for actor in (world.anna, world.cleo, world.admin):
        assert world.read(timeframes.get, actor, frame).id == frame
        assert [
            row.id for row in world.read(lambda s, a=actor: s.scalars(timeframes.listing(a)).all())
        ] == [frame]
    with pytest.raises(Forbidden):
        world.read(timeframes.get, world.ben, frame)
    assert world.read(lambda s: s.scalars(timeframes.listing(world.ben)).all()) == []
    with pytest.raises(NotFound):
        world.read(timeframes.get, world.anna, 999)


def test_a_change_is_judged_on_the_resulting_frame(match: Match) -> None:
    world, frame = match.world, match.frame()
    with pytest.raises(BadInput) as refusal:
        world.write(timeframes.update, world.anna, frame, {"start_time": STOP})
    assert refusal.value.errors[0]["pointer"] == "/end_time"
    with pytest.raises(Forbidden):
        world.write(timeframes.update, world.anna, frame, {"end_time": STOP + 2 * DAY})
    assert world.read(timeframes.get, world.anna, frame).end_time == STOP
    changed = world.write(
        timeframes.update, world.anna, frame, {"params": {"max_hr": 190}, "end_time": STOP - 1}
    )
    assert (changed.params, changed.end_time) == ({"max_hr": 190}, STOP - 1)
    assert state(match, frame).revision == 1
    assert world.owed("refold") == [str(frame)]


def test_a_frame_that_reaches_into_the_future_again_is_open_again(match: Match) -> None:
    world, frame = match.world, match.frame()
    later = now() + DAY
    world.own(world.anna, match.device, STOP + DAY, later)
    world.permit(world.anna, "WRITE", STOP + DAY, later)

    def close(session) -> None:
        session.get(ComputeState, frame).closed = True

    world.write(close)
    world.write(timeframes.update, world.anna, frame, {"params": {}})
    assert state(match, frame).closed
    world.write(timeframes.update, world.anna, frame, {"end_time": later})
    assert not state(match, frame).closed


def test_deleting_takes_the_state_along(match: Match) -> None:
    frame = match.frame()
    match.world.write(timeframes.remove, match.world.anna, frame)
    assert count(match) == 0
    assert state(match, frame) is None
