"""Activities: whose they are, what they must look like, what hangs on them."""

from typing import Any

import pytest
from sqlalchemy import func, select

from core.errors import BadInput, Forbidden, NotFound
from core.models import Activity, ComputedData, ComputeState, TimeFrame
from core.services import activities

from .conftest import Match, World


def body(match: Match, **changes: Any) -> dict[str, Any]:
    return {
        "name": "final",
        "json": {"sport": "tennis", "type": "match"},
        "json_schema": match.world.schema("activity_tennis"),
        "owner": match.world.anna.user_id,
        **changes,
    }


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"owner": 999}, "/owner"),
        ({"json_schema": 999}, "/json_schema"),
        ({"json": {"sport": "soccer"}}, "/json/sport"),
        ({"json": {"sport": "tennis", "unheard_of": 1}}, "/json/unheard_of"),
    ],
)
def test_what_is_wrong_is_pointed_at(match: Match, change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadInput) as refusal:
        match.world.write(activities.create, match.world.anna, **body(match, **change))
    assert [fault["pointer"] for fault in refusal.value.errors] == [pointer]


def test_a_time_frame_schema_is_no_activity_schema(match: Match) -> None:
    wrong = body(match, json_schema=match.schema)
    with pytest.raises(BadInput) as refusal:
        match.world.write(activities.create, match.world.anna, **wrong)
    assert refusal.value.errors[0]["pointer"] == "/json_schema"


def test_athletes_and_administrators_make_none(match: Match) -> None:
    for actor in (match.world.cleo, match.world.admin):
        with pytest.raises(Forbidden):
            match.world.write(activities.create, actor, **body(match, owner=actor.user_id))


def test_only_the_owner_reads_and_changes_administrators_read(match: Match) -> None:
    world: World = match.world
    assert world.read(activities.get, world.admin, match.activity).id == match.activity
    for actor in (world.ben, world.cleo):
        with pytest.raises(Forbidden):
            world.read(activities.get, actor, match.activity)
    for actor in (world.ben, world.cleo, world.admin):
        with pytest.raises(Forbidden):
            world.write(activities.remove, actor, match.activity)
    with pytest.raises(NotFound):
        world.read(activities.get, world.anna, 999)
    listed = [
        world.read(lambda s, a=actor: [row.id for row in s.scalars(activities.listing(a))])
        for actor in (world.anna, world.ben, world.cleo, world.admin)
    ]
    assert listed == [[match.activity], [], [], [match.activity]]


def test_an_update_owes_every_frame_its_fold_anew(match: Match) -> None:
    world = match.world
    frames = [match.frame(), match.frame()]
    before = world.read(lambda s: list(s.scalars(select(ComputeState.revision))))
    changed = world.write(
        activities.update, world.anna, match.activity, **body(match, name="semi-final")
    )
    assert changed.name == "semi-final"
    assert world.owed("refold") == [str(frame) for frame in frames]
    after = world.read(lambda s: list(s.scalars(select(ComputeState.revision))))
    assert after == [revision + 1 for revision in before]


def test_an_activity_with_frames_keeps_its_sport(match: Match) -> None:
    world = match.world
    match.frame()
    soccer = body(match, json={"sport": "soccer"}, json_schema=world.schema("activity_soccer"))
    with pytest.raises(BadInput) as refusal:
        world.write(activities.update, world.anna, match.activity, **soccer)
    assert refusal.value.errors[0]["pointer"] == "/json_schema"


def test_deleting_takes_frames_and_results_along(match: Match) -> None:
    world = match.world
    frame = match.frame()
    world.write(
        lambda s: s.add(
            ComputedData(
                timeframe_id=frame, edition=1, document={}, digest="", fingerprint="", created=1
            )
        )
    )
    world.write(activities.remove, world.anna, match.activity)
    for model in (Activity, TimeFrame, ComputeState, ComputedData):
        assert world.read(lambda s, m=model: s.scalar(select(func.count()).select_from(m))) == 0
