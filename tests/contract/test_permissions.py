"""Permissions over HTTP: the five paths, who may, and what SHARE allows."""

import pytest

from core.clock import now, to_iso
from tests.contract.conftest import World

KEYS = {"id", "manager", "athlete", "start_time", "expiration_time", "permission", "is_active"}
DAY = 86_400_000


def grant(world: World, by: str, athlete: int, manager: str, permission: str, **times: str):
    body = {
        "permission": permission,
        "start_time": to_iso(now() - DAY),
        "expiration_time": to_iso(now() + DAY),
        **times,
    }
    path = f"/athletes/{athlete}/managers/{world.ids[manager]}/permissions/"
    return world.post(path, by, json=body)


def test_the_life_of_a_permission(world: World) -> None:
    noe, ada = world.ids["noe"], world.ids["ada"]
    made = grant(world, "noe", noe, "ada", "READ")
    assert made.status_code == 200
    assert set(made.json) == KEYS
    assert (made.json["manager"], made.json["athlete"]) == (ada, noe)
    assert made.json["is_active"] is True
    past = grant(
        world, "noe", noe, "ada", "WRITE",
        start_time="2020-05-30T21:00:00+0100", expiration_time="2020-05-30T22:00:00Z",
    ).json  # fmt: skip
    assert past["start_time"] == "2020-05-30T20:00:00.000Z"
    assert past["is_active"] is False
    assert grant(world, "noe", noe, "ben", "READ").status_code == 200
    assert world.get(f"/athletes/{noe}/", "ada").status_code == 200

    everything = world.get(f"/athletes/{noe}/permissions/", "noe").json
    assert (everything["count"], set(everything["results"][0])) == (3, KEYS)
    pair = f"/athletes/{noe}/managers/{ada}/permissions/"
    assert world.get(pair, "noe").json["results"] == [made.json, past]
    assert world.get(pair + "?limit=1&page=2", "noe").json["results"] == [past]

    gone = world.delete(f"{pair}{made.json['id']}/", "noe")
    assert (gone.status_code, gone.data) == (204, b"")
    assert world.get(f"/athletes/{noe}/", "ada").status_code == 403
    assert world.delete(f"{pair}{made.json['id']}/", "noe").status_code == 404
    assert world.delete(pair, "noe").status_code == 204
    assert world.get(pair, "noe").json["count"] == 0
    assert world.get(f"/athletes/{noe}/permissions/", "noe").json["count"] == 1
    assert world.delete(pair, "noe").status_code == 204


def test_only_the_athlete_and_readers_of_everything(world: World) -> None:
    noe, ada = world.ids["noe"], world.ids["ada"]
    row = grant(world, "noe", noe, "ada", "READ").json["id"]
    pair = f"/athletes/{noe}/managers/{ada}/permissions/"
    for user in ("ada", "ben", "lea"):
        assert world.get(f"/athletes/{noe}/permissions/", user).status_code == 403
        assert world.get(pair, user).status_code == 403
        assert grant(world, user, noe, "ada", "READ").status_code == 403
        assert world.delete(pair, user).status_code == 403
        assert world.delete(f"{pair}{row}/", user).status_code == 403
    assert world.get(f"/athletes/{noe}/permissions/", "admin").json["count"] == 1
    assert grant(world, "admin", noe, "ada", "READ").status_code == 403
    assert world.delete(pair, "admin").status_code == 403


def test_unknown_ids(world: World) -> None:
    noe, lea = world.ids["noe"], world.ids["lea"]
    assert grant(world, "noe", 999, "ada", "READ").status_code == 404
    assert world.get("/athletes/999/permissions/", "noe").status_code == 404
    for nobody in (999, lea):  # a manager's path takes managers only
        path = f"/athletes/{noe}/managers/{nobody}/permissions/"
        assert world.get(path, "noe").status_code == 404
        assert world.delete(path, "noe").status_code == 404
    other = grant(world, "lea", lea, "ada", "READ").json["id"]
    mine = f"/athletes/{noe}/managers/{world.ids['ada']}/permissions/{other}/"
    assert world.delete(mine, "noe").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"permission": "OWN"}, "/permission"),
        ({"permission": None}, "/permission"),
        ({"start_time": "2026-01-01T00:00:00"}, "/start_time"),
        ({"start_time": 1590868800000}, "/start_time"),
        ({"expiration_time": "tomorrow"}, "/expiration_time"),
        ({"start_time": "2027-01-01T00:00:00Z"}, "/expiration_time"),
    ],
)
def test_a_bad_permission_names_the_field(world: World, body, pointer) -> None:
    good = {
        "permission": "READ",
        "start_time": "2026-01-01T00:00:00Z",
        "expiration_time": "2026-12-31T23:59:59.000Z",
    }
    path = f"/athletes/{world.ids['noe']}/managers/{world.ids['ada']}/permissions/"
    answer = world.post(path, "noe", json=good | body)
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == pointer


def test_the_managing_manager_acts_for_a_managed_athlete(world: World) -> None:
    made = world.post("/athletes/create-managed/", "ada", json={"managed_by": world.ids["ada"]})
    athlete = made.json["id"]
    assert grant(world, "ada", athlete, "ben", "WRITE").status_code == 200
    assert world.get(f"/athletes/{athlete}/permissions/", "ada").json["count"] == 4
    path = f"/athletes/{athlete}/managers/{world.ids['ben']}/permissions/"
    assert world.delete(path, "ben").status_code == 403
    assert world.delete(path, "ada").status_code == 204


def test_share_gives_read_inside_its_own_range_while_held(world: World) -> None:
    noe = world.ids["noe"]
    assert grant(world, "ada", noe, "ben", "READ").status_code == 403
    grant(world, "noe", noe, "ada", "SHARE")
    inside = {
        "start_time": to_iso(now() - DAY // 2),
        "expiration_time": to_iso(now() + DAY // 2),
    }
    assert grant(world, "ada", noe, "ben", "READ", **inside).status_code == 200
    assert world.get(f"/athletes/{noe}/", "ben").status_code == 200
    assert world.get(f"/athletes/{noe}/", "ada").status_code == 403  # SHARE implies no READ
    for right in ("WRITE", "SHARE"):
        assert grant(world, "ada", noe, "ben", right, **inside).status_code == 403
    beyond = inside | {"expiration_time": to_iso(now() + 2 * DAY)}
    assert grant(world, "ada", noe, "ben", "READ", **beyond).status_code == 403


def test_a_share_that_has_lapsed_gives_nothing(world: World) -> None:
    noe = world.ids["noe"]
    past = {"start_time": to_iso(now() - 9 * DAY), "expiration_time": to_iso(now() - DAY)}
    assert grant(world, "noe", noe, "ada", "SHARE", **past).status_code == 200
    inside = {"start_time": to_iso(now() - 8 * DAY), "expiration_time": to_iso(now() - 2 * DAY)}
    assert grant(world, "ada", noe, "ben", "READ", **inside).status_code == 403
