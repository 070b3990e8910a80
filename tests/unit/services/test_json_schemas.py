"""Schemas of sports as rows."""

import pytest
from sqlalchemy import select

from core.errors import BadInput, Forbidden, NotFound
from core.models import JsonSchema
from core.services import json_schemas
from core.sport.registry import Registry

from .conftest import World


def test_each_sport_has_two_and_the_frame_s_parent_is_the_activity_s(
    world: World, sports: Registry
) -> None:
    rows = world.read(lambda s: s.scalars(select(JsonSchema).order_by(JsonSchema.id)).all())
    by_name = {row.name: row for row in rows}
    assert set(by_name) == {
        f"{kind}_{sport}" for sport in sports.sports for kind in ("activity", "timeframe")
    }
    for sport, declared in sports.sports.items():
        activity, timeframe = by_name[f"activity_{sport}"], by_name[f"timeframe_{sport}"]
        assert (activity.type, activity.parent_id) == ("ACTIVITY", None)
        assert (timeframe.type, timeframe.parent_id) == ("TIMEFRAME", activity.id)
        assert timeframe.schema == declared.timeframe_schema


def test_a_second_sync_makes_nothing(world: World, sports: Registry) -> None:
    assert world.write(json_schemas.sync, sports) == []


def test_a_changed_schema_is_a_new_row_and_the_current_one(world: World, sports: Registry) -> None:
    before = world.schema("timeframe_soccer")

    def age(session) -> None:
        row = session.get(JsonSchema, before)
        row.schema = {**row.schema, "title": "as it was a year ago"}

    world.write(age)
    [made] = world.write(json_schemas.sync, sports)
    assert made.name == "timeframe_soccer"
    assert made.id == world.schema("timeframe_soccer") > before
    current = world.read(json_schemas.latest, "soccer", "TIMEFRAME")
    assert current is not None
    assert current.id == made.id


def test_managers_and_administrators_read_athletes_do_not(world: World, sports: Registry) -> None:
    schema_id = world.schema("activity_tennis")
    for actor in (world.anna, world.admin):
        assert world.read(json_schemas.get, actor, schema_id).name == "activity_tennis"
    with pytest.raises(Forbidden):
        world.read(json_schemas.get, world.cleo, schema_id)
    with pytest.raises(Forbidden):
        json_schemas.listing(world.cleo)
    with pytest.raises(NotFound):
        world.read(json_schemas.get, world.anna, 999)


def test_faults_are_pointed_at_under_the_member(world: World, sports: Registry) -> None:
    row = world.read(json_schemas.latest, "tennis", "TIMEFRAME")
    assert row is not None
    with pytest.raises(BadInput) as refusal:
        json_schemas.check(row, {"max_hr": "high", "nonsense": 1}, "/params")
    pointers = {fault["pointer"] for fault in refusal.value.errors}
    assert pointers == {"/params/max_hr", "/params/nonsense"}
