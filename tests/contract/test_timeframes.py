"""Time frames over HTTP: the guide's scenario and its refusals."""

from typing import Any

import pytest

from tests.contract.conftest import World
from tests.contract.scenes import START, STOP, YEAR, Match, match, permit, pointers, problem

KEYS = {
    "id",
    "start_time",
    "end_time",
    "params",
    "device",
    "activity",
    "athlete",
    "owner",
    "json_schema",
}


@pytest.fixture
def scene(world: World) -> Match:
    return match(world)


def test_create_read_list_replace_patch_delete(scene: Match) -> None:
    world = scene.world
    made = world.post("/timeframes/", "ada", json=scene.body())
    assert made.status_code == 201
    one = made.get_json()
    assert one == {"id": one["id"], **scene.body()}
    path = f"/timeframes/{one['id']}/"
    for user in ("ada", "noe", "admin"):
        assert world.get(path, user).get_json() == one
        assert world.get("/timeframes/", user).get_json()["results"] == [one]
    put = world.put(path, "ada", json=scene.body(params={"max_hr": 190}))
    assert (put.status_code, put.get_json()["params"]) == (200, {"max_hr": 190})
    patched = world.call("PATCH", path, "ada", json={"end_time": "2020-05-30T23:00:00+0200"})
    assert patched.status_code == 200
    assert patched.get_json() == {
        **put.get_json(),
        "end_time": "2020-05-30T21:00:00.000Z",
    }
    replaced = world.put(path, "ada", json=scene.body())
    assert replaced.get_json()["params"] == {}
    gone = world.delete(path, "ada")
    assert (gone.status_code, gone.data) == (204, b"")
    problem(world.get(path, "ada"), 404)


def test_a_parameter_that_is_null_is_unset(scene: Match) -> None:
    """contract/touchline.md section 6; kept as it was given."""
    given = scene.body(params={"max_hr": None, "rest_hr": None, "speed_ranges": None})
    made = scene.world.post("/timeframes/", "ada", json=given)
    assert (made.status_code, made.get_json()["params"]) == (201, given["params"])


def test_owner_and_params_may_be_left_out(scene: Match) -> None:
    given = scene.body()
    del given["owner"], given["params"]
    made = scene.world.post("/timeframes/", "ada", json=given)
    assert made.get_json() == {"id": made.get_json()["id"], **scene.body()}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"end_time": START}, "/end_time"),
        ({"start_time": "2020-05-30T20:00:00"}, "/start_time"),
        ({"start_time": 1590868800000}, "/start_time"),
        ({"start_time": None}, "/start_time"),
        ({"params": {"max_hr": "fast"}}, "/params/max_hr"),
        ({"params": {"colour": 1}}, "/params/colour"),
        ({"params": {"colour": None}}, "/params/colour"),
        ({"params": None}, "/params"),
        ({"owner": 999}, "/owner"),
        ({"device": 999}, "/device"),
        ({"device": True}, "/device"),
        ({"athlete": 999}, "/athlete"),
        ({"activity": 999}, "/activity"),
        ({"json_schema": 999}, "/json_schema"),
    ],
)
def test_what_is_refused_is_pointed_at(scene: Match, changes: dict[str, Any], pointer: str) -> None:
    response = scene.world.post("/timeframes/", "ada", json=scene.body(**changes))
    assert pointers(response) == [pointer]
    frame = scene.frame()
    response = scene.world.call("PATCH", f"/timeframes/{frame}/", "ada", json=changes)
    assert pointers(response) == [pointer]


def test_a_schema_of_another_sport(scene: Match) -> None:
    soccer = scene.world.get("/json-schemas/?search=timeframe_soccer", "ada").get_json()
    wrong = scene.body(json_schema=soccer["results"][0]["id"])
    assert pointers(scene.world.post("/timeframes/", "ada", json=wrong)) == ["/json_schema"]


def test_rights_must_cover_the_interval(scene: Match) -> None:
    world = scene.world
    missing = problem(
        world.post("/timeframes/", "ada", json=scene.body(end_time="2021-01-02T00:00:00Z")), 403
    )
    assert "WRITE" in missing["detail"]
    permit(world, "ada", "WRITE", span=(YEAR[1], "2022-01-01T00:00:00Z"))
    missing = problem(
        world.post("/timeframes/", "ada", json=scene.body(end_time="2021-01-02T00:00:00Z")), 403
    )
    assert "device" in missing["detail"]
    missing = problem(
        world.post("/timeframes/", "ada", json=scene.body(athlete=world.ids["lea"])), 403
    )
    assert "WRITE" in missing["detail"]


def test_who_may_not(scene: Match) -> None:
    world, frame = scene.world, scene.frame()
    path = f"/timeframes/{frame}/"
    for user in ("ben", "lea"):
        problem(world.get(path, user), 403)
    for user in ("ben", "noe", "admin"):
        problem(world.delete(path, user), 403)
        problem(world.call("PATCH", path, user, json={}), 403)
    problem(world.post("/timeframes/", "ben", json=scene.body(owner=world.ids["ben"])), 403)
    for user in ("ben", "lea"):
        assert world.get("/timeframes/", user).get_json()["count"] == 0
    problem(world.get("/timeframes/"), 401)
    problem(world.get(path, token=scene.token), 403)


def test_filters(scene: Match) -> None:
    world = scene.world
    first = scene.frame()
    second = scene.frame(start_time="2020-05-31T20:00:00Z", end_time="2020-05-31T22:00:00Z")
    for query, found in (
        (f"device={scene.device}", [first, second]),
        ("device=999", []),
        (f"athlete={world.ids['noe']}&activity={scene.activity}", [first, second]),
        (f"owner={world.ids['ben']}", []),
        ("start_time_from=2020-05-31T00:00:00Z", [second]),
        (f"start_time_to={START}", [first]),
        (f"end_time_from={STOP}", [first, second]),
        (f"end_time_to={STOP}", [first]),
        ("ordering=-start_time", [second, first]),
        ("ordering=end_time&limit=1&page=2", [second]),
    ):
        rows = world.get(f"/timeframes/?{query}", "ada").get_json()["results"]
        assert [row["id"] for row in rows] == found, query
    assert pointers(world.get("/timeframes/?ordering=owner", "ada")) == ["/ordering"]
    problem(world.get(f"/timeframes/{first}/?device=999", "ada"), 404)


def test_details_are_embedded_as_far_as_the_caller_may_see_them(scene: Match) -> None:
    world, frame = scene.world, scene.frame()
    every = "with_device=true&with_activity=true&with_athlete=true"
    for path in (f"/timeframes/{frame}/?{every}", f"/timeframes/?{every}"):
        body = world.get(path, "ada").get_json()
        row = body["results"][0] if "results" in body else body
        assert row.keys() == KEYS | {"device_details", "activity_details", "athlete_details"}
        assert row["device_details"]["id"] == scene.device
        assert row["activity_details"]["id"] == scene.activity
        assert row["athlete_details"] is None  # no READ now
    permit(world, "ada", "READ", span=("2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z"))
    row = world.get(f"/timeframes/{frame}/?with_athlete=true", "ada").get_json()
    assert row.keys() == KEYS | {"athlete_details"}
    assert row["athlete_details"] == world.get(f"/athletes/{row['athlete']}/", "ada").get_json()
    own = world.get(f"/timeframes/{frame}/?{every}", "noe").get_json()
    assert own["athlete_details"]["id"] == world.ids["noe"]
    assert own["activity_details"] is own["device_details"] is None
