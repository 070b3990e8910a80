"""Teams: a manager's own, with groups, and members over time."""

from typing import Any

import pytest

from tests.contract.conftest import World
from tests.contract.scenes import permit, pointers, problem

NOW_ON = ("2020-01-01T00:00:00.000Z", "2199-12-31T00:00:00.000Z")
AUTUMN = {"start_time": "2020-08-01T00:00:00.000Z", "end_time": "2021-01-01T00:00:00.000Z"}
SPRING = {"start_time": "2021-01-01T00:00:00.000Z", "end_time": "2021-07-01T00:00:00.000Z"}


@pytest.fixture
def team(world: World) -> str:
    """Ada's team with two groups; she may read noe."""
    permit(world, "ada", "READ", span=NOW_ON)
    body = {"name": "First team", "groups": ["Defence", "Attack"]}
    made = world.post("/teams/", "ada", json=body)
    assert made.status_code == 201, made.text
    assert made.get_json().keys() == {"id", "name", "groups", "owner", "created"}
    return f"/teams/{made.get_json()['id']}/"


def add(world: World, team: str, **more: Any) -> Any:
    body = {"athlete": world.ids["noe"], "groups": ["Attack"], **AUTUMN, **more}
    return world.post(f"{team}members/", "ada", json=body)


def athletes(world: World, team: str, query: str) -> list[int]:
    found = world.get(f"{team}members/?{query}", "ada").get_json()["results"]
    return [row["athlete"] for row in found]


def test_members_over_time(world: World, team: str) -> None:
    first = add(world, team)
    assert first.status_code == 201
    assert first.get_json() == {
        "id": first.get_json()["id"],
        "athlete": world.ids["noe"],
        "groups": ["Attack"],
        **AUTUMN,
    }
    assert add(world, team, groups=["Defence"], **SPRING).status_code == 201
    noe = world.ids["noe"]
    assert athletes(world, team, "") == [noe, noe]
    assert athletes(world, team, "at=2020-08-01T00:00:00Z") == [noe]
    assert athletes(world, team, "at=2021-07-01T00:00:00Z") == []
    assert athletes(world, team, "at=2021-01-01T00:00:00Z&group=Attack") == []
    assert athletes(world, team, "at=2021-01-01T00:00:00Z&group=Defence") == [noe]
    assert athletes(world, team, "group=Bench") == []


def test_windows_of_one_athlete_never_overlap(world: World, team: str) -> None:
    first = add(world, team).get_json()["id"]
    assert pointers(add(world, team, end_time="2020-08-02T00:00:00Z")) == ["/start_time"]
    second = add(world, team, **SPRING).get_json()["id"]
    longer = {**AUTUMN, "end_time": "2021-02-01T00:00:00.000Z"}
    path = f"{team}members/{first}/"
    assert pointers(world.put(path, "ada", json=longer)) == ["/start_time"]
    assert world.delete(f"{team}members/{second}/", "ada").status_code == 204
    changed = world.put(path, "ada", json=longer)
    assert (changed.status_code, changed.get_json()["end_time"]) == (200, longer["end_time"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"athlete": 999_999}, "/athlete"),
        ({"groups": ["Bench"]}, "/groups"),
        ({"end_time": AUTUMN["start_time"]}, "/end_time"),
        ({"start_time": "yesterday"}, "/start_time"),
        ({"groups": "Attack"}, "/groups"),
    ],
)
def test_a_member_that_is_refused(
    world: World, team: str, body: dict[str, Any], pointer: str
) -> None:
    assert pointers(add(world, team, **body)) == [pointer]
    assert pointers(add(world, team, athlete=world.ids["ben"])) == ["/athlete"]


def test_only_athletes_whom_one_may_read(world: World, team: str) -> None:
    problem(add(world, team, athlete=world.ids["lea"]), 403)


def test_a_group_that_is_gone_leaves_its_members(world: World, team: str) -> None:
    add(world, team)
    changed = world.put(team, "ada", json={"name": "Second", "groups": ["Defence"]})
    assert (changed.status_code, changed.get_json()["name"]) == (200, "Second")
    assert world.get(f"{team}members/", "ada").get_json()["results"][0]["groups"] == []
    twice = world.put(team, "ada", json={"name": "Second", "groups": ["A", "A"]})
    assert pointers(twice) == ["/groups"]


def test_a_managers_own(world: World, team: str) -> None:
    member = add(world, team).get_json()["id"]
    assert world.get("/teams/?search=first", "ada").get_json()["count"] == 1
    assert world.get("/teams/", "admin").get_json()["count"] == 1
    assert world.get("/teams/", "ben").get_json()["count"] == 0
    for path in (team, f"{team}members/"):
        assert world.get(path, "admin").status_code == 200
        for user in ("ben", "noe"):
            problem(world.get(path, user), 403)
    body = {"name": "mine"}
    for user in ("ben", "admin", "noe"):
        problem(world.put(team, user, json=body), 403)
        problem(world.delete(team, user), 403)
        problem(world.delete(f"{team}members/{member}/", user), 403)
    problem(world.delete(f"{team}members/999999/", "ada"), 404)
    assert world.delete(team, "ada").status_code == 204
    problem(world.get(team, "ada"), 404)
    problem(world.delete(f"{team}members/{member}/", "ada"), 404)
