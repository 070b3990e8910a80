"""Activities and JSON schemas over HTTP."""

from typing import Any

import pytest

from core.sport.registry import registry
from tests.contract.conftest import World
from tests.contract.scenes import match, pointers, problem, schema

KEYS = {"id", "name", "json", "json_schema", "owner"}


def body(world: World, **changes: Any) -> dict[str, Any]:
    return {
        "name": "final",
        "json": {"sport": "tennis", "type": "match"},
        "json_schema": schema(world, "activity_tennis"),
        "owner": world.ids["ada"],
        **changes,
    }


def test_create_read_list_replace_delete(world: World) -> None:
    made = world.post("/activities/", "ada", json=body(world))
    assert made.status_code == 201
    one = made.get_json()
    assert one == {"id": one["id"], **body(world)}
    path = f"/activities/{one['id']}/"
    assert world.get(path, "ada").get_json() == one
    assert world.get(path, "admin").get_json() == one
    page = world.get("/activities/", "ada").get_json()
    assert (page["count"], page["results"]) == (1, [one])
    put = world.put(path, "ada", json=body(world, name="semi-final"))
    assert (put.status_code, put.get_json()["name"]) == (200, "semi-final")
    gone = world.delete(path, "ada")
    assert (gone.status_code, gone.data) == (204, b"")
    problem(world.get(path, "ada"), 404)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"owner": 999}, "/owner"),
        ({"owner": "1"}, "/owner"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 256}, "/name"),
        ({"json": []}, "/json"),
        ({"json": {"sport": "soccer"}}, "/json/sport"),
        ({"json": {"sport": "tennis", "gpx": 1}}, "/json/gpx"),
        ({"json_schema": 999}, "/json_schema"),
        ({"json_schema": 2**70}, "/json_schema"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_is_refused_is_pointed_at(world: World, changes: dict, pointer: str) -> None:
    assert pointers(world.post("/activities/", "ada", json=body(world, **changes))) == [pointer]


@pytest.mark.parametrize("missing", ["name", "json", "json_schema", "owner"])
def test_all_four_fields_are_needed(world: World, missing: str) -> None:
    given = body(world)
    del given[missing]
    assert pointers(world.post("/activities/", "ada", json=given)) == [f"/{missing}"]


def test_who_may_not(world: World) -> None:
    one = world.post("/activities/", "ada", json=body(world)).get_json()
    path = f"/activities/{one['id']}/"
    for user in ("ben", "noe"):
        problem(world.get(path, user), 403)
        problem(world.delete(path, user), 403)
    problem(world.put(path, "ben", json=body(world, owner=world.ids["ben"])), 403)
    for user in ("noe", "admin"):
        problem(world.post("/activities/", user, json=body(world)), 403)
    problem(world.delete(path, "admin"), 403)
    assert world.get("/activities/", "ben").get_json()["count"] == 0
    problem(world.get("/activities/", "noe"), 403)
    problem(world.put("/activities/999/", "ada", json=body(world)), 404)


def test_filters(world: World) -> None:
    for name in ("Alpha", "beta"):
        world.post("/activities/", "ada", json=body(world, name=name))
    for query, names in (
        ("name=ALP", ["Alpha"]),
        ("search=ET", ["beta"]),
        ("ordering=-name", ["beta", "Alpha"]),
        (f"owner={world.ids['ben']}", []),
        ("limit=1", ["Alpha"]),
    ):
        found = world.get(f"/activities/?{query}", "ada").get_json()["results"]
        assert [row["name"] for row in found] == names, query
    assert pointers(world.get("/activities/?ordering=owner", "ada")) == ["/ordering"]


def test_deleting_takes_the_frames_along(world: World) -> None:
    scene = match(world)
    frame = scene.frame()
    assert world.delete(f"/activities/{scene.activity}/", "ada").status_code == 204
    problem(world.get(f"/timeframes/{frame}/", "ada"), 404)


def test_json_schemas(world: World) -> None:
    page = world.get("/json-schemas/", "ada").get_json()
    sports = sorted(registry().sports)
    assert page["count"] == 2 * len(sports)
    assert all(row.keys() == {"id", "name", "type", "parent", "schema"} for row in page["results"])
    activity = schema(world, "activity_tennis")
    one = world.get(f"/json-schemas/{schema(world, 'timeframe_tennis')}/", "ada").get_json()
    assert (one["type"], one["parent"]) == ("TIMEFRAME", activity)
    assert one["schema"]["additionalProperties"] is False
    for query, names in (
        ("type=ACTIVITY&ordering=-name", [f"activity_{sport}" for sport in reversed(sports)]),
        (f"parent={activity}", ["timeframe_tennis"]),
        ("search=SOCCER&ordering=type", ["activity_soccer", "timeframe_soccer"]),
    ):
        found = world.get(f"/json-schemas/?{query}", "ada").get_json()["results"]
        assert [row["name"] for row in found] == names, query
    assert pointers(world.get("/json-schemas/?type=1", "ada")) == ["/type"]
    problem(world.get("/json-schemas/", "noe"), 403)
    problem(world.get("/json-schemas/999/", "ada"), 404)
    assert world.get("/json-schemas/", "admin").status_code == 200
