"""ETags of single resources and ``If-Match``."""

from typing import Any

import pytest

from tests.contract.conftest import World
from tests.contract.scenes import Match, match, problem, schema


@pytest.fixture
def activity(world: World) -> str:
    made = world.post("/activities/", "ada", json=body(world, "first"))
    return f"/activities/{made.get_json()['id']}/"


def body(world: World, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "json": {"sport": "tennis", "type": "match"},
        "json_schema": schema(world, "activity_tennis"),
        "owner": world.ids["ada"],
    }


def test_a_tag_changes_with_what_is_read(world: World, activity: str) -> None:
    first = world.get(activity, "ada")
    assert first.headers["ETag"] == world.get(activity, "ada").headers["ETag"]
    same = world.get(activity, "ada", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.get_data()) == (304, b"")
    assert world.put(activity, "ada", json=body(world, "second")).status_code == 200
    changed = world.get(activity, "ada", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert "ETag" not in world.get("/activities/", "ada").headers


def test_the_second_of_two_editors_is_told(world: World, activity: str) -> None:
    tag = {"If-Match": world.get(activity, "ada").headers["ETag"]}
    assert world.put(activity, "ada", json=body(world, "mine"), headers=tag).status_code == 200
    refused = world.put(activity, "ada", json=body(world, "theirs"), headers=tag)
    assert problem(refused, 412)["code"] == "precondition_failed"
    assert world.get(activity, "ada").get_json()["name"] == "mine"
    problem(world.delete(activity, "ada", headers=tag), 412)
    fresh = {"If-Match": world.get(activity, "ada").headers["ETag"]}
    assert world.delete(activity, "ada", headers=fresh).status_code == 204


@pytest.mark.parametrize(
    ("sent", "status"), [("*", 200), ('"x", {tag}', 200), ('"x"', 412), ("W/{tag}", 412), ("", 412)]
)
def test_forms_of_if_match(world: World, activity: str, sent: str, status: int) -> None:
    tag = world.get(activity, "ada").headers["ETag"]
    headers = {"If-Match": sent.format(tag=tag)}
    answer = world.put(activity, "ada", json=body(world, "new"), headers=headers)
    assert answer.status_code == status


def test_time_frames_and_people(world: World) -> None:
    scene: Match = match(world)
    path = f"/timeframes/{scene.frame()}/"
    tag = {"If-Match": world.get(path, "ada").headers["ETag"]}
    change = {"end_time": "2020-05-30T21:00:00.000Z"}
    assert world.call("PATCH", path, "ada", json=change, headers=tag).status_code == 200
    problem(world.call("PATCH", path, "ada", json=change, headers=tag), 412)
    mine = f"/athletes/{world.ids['noe']}/"
    tag = {"If-Match": world.get(mine, "noe").headers["ETag"]}
    noe = {"username": "noe", "email": "noe@club.example", "external_id": "n-2"}
    assert world.put(mine, "noe", json=noe, headers=tag).status_code == 201
    problem(world.put(mine, "noe", json=noe, headers=tag), 412)


def test_rights_and_unknown_things_come_first(world: World, activity: str) -> None:
    tag = {"If-Match": world.get(activity, "ada").headers["ETag"]}
    mine = {**body(world, "x"), "owner": world.ids["ben"]}
    problem(world.put(activity, "ben", json=mine, headers=tag), 403)
    problem(world.put("/activities/999999/", "ada", json=body(world, "x"), headers=tag), 404)
    problem(world.put(activity, json=body(world, "x"), headers=tag), 401)


def test_a_get_of_what_has_changed_since_is_refused_as_a_problem(
    world: World, activity: str
) -> None:
    tag = world.get(activity, "ada").headers["ETag"]
    assert world.get(activity, "ada", headers={"If-Match": tag}).status_code == 200
    problem(world.get(activity, "ada", headers={"If-Match": '"older"'}), 412)
