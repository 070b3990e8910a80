"""Bluetooth: the owner changes the target, the device says what it runs."""

from typing import Any

import pytest

from tests.contract.conftest import World
from tests.contract.scenes import Match, device, match, own, pointers, problem

STRAP = {"mac_address": "02:32:f8:26:fa:ae", "name": "My heart rate strap"}
METER = {"mac_address": "AA:32:F8:26:FA:00", "name": "Left crank"}


@pytest.fixture
def scene(world: World) -> Match:
    """Ada owns the device now, as well as in 2020."""
    made = match(world)
    own(world, made.device, "ada", "2021-01-01T00:00:00Z", "2999-12-31T23:59:59Z")
    return made


def envelope(current: Any, target: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"current": current, "target": target}}


def test_from_target_to_current(scene: Match) -> None:
    world, path = scene.world, f"/devices/{scene.device}/bluetooth-config/"
    uplink = f"/devices/{scene.device}/uplink/config/"
    assert world.get(path, "ada").get_json() == envelope({}, {})
    answer = world.call("PATCH", path, "ada", json={"pairing_1": STRAP})
    assert (answer.status_code, answer.get_json()) == (200, envelope({}, {"pairing_1": STRAP}))
    both = {"pairing_1": STRAP, "pairing_2": METER}
    answer = world.call("PATCH", f"{path}?immediate_sending=true", "ada", json={"pairing_2": METER})
    assert answer.get_json() == envelope({}, both)
    told = world.get(uplink, token=scene.token)
    assert told.get_json() == {"bluetooth": {"target": both, "immediate": True}}
    report = world.post(uplink, token=scene.token, json={"bluetooth": {"current": both}})
    assert report.status_code == 200
    assert report.get_json() == {"bluetooth": {"target": both, "immediate": False}}
    assert world.get(path, "ada").get_json() == envelope(both, both)
    answer = world.call("PATCH", path, "ada", json={"pairing_1": None})
    assert answer.get_json() == envelope(both, {"pairing_2": METER})
    other = {"pairing_1": {"mac_address": "00:00:00:00:00:01", "name": "found by itself"}}
    world.post(uplink, token=scene.token, json={"bluetooth": {"current": other}})
    assert world.get(path, "ada").get_json() == envelope(other, {"pairing_2": METER})


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"pairing_1": {**STRAP, "mac_address": "02:32:f8:26:fa"}}, ["/pairing_1/mac_address"]),
        ({"pairing_1": {**STRAP, "mac_address": "02-32-f8-26-fa-ae"}}, ["/pairing_1/mac_address"]),
        ({"pairing_2": {"mac_address": STRAP["mac_address"]}}, ["/pairing_2/name"]),
        ({"pairing_2": {**STRAP, "name": "x" * 101}}, ["/pairing_2/name"]),
        ({"pairing_1": "strap"}, ["/pairing_1"]),
        ({"pairing_3": STRAP}, ["/pairing_3"]),
        ({"current": {}}, ["/current"]),
    ],
)
def test_what_is_refused(scene: Match, body: Any, named: list[str]) -> None:
    path = f"/devices/{scene.device}/bluetooth-config/"
    assert pointers(scene.world.call("PATCH", path, "ada", json=body)) == named
    problem(scene.world.call("PATCH", path, "ada", json={}), 400)
    query = f"{path}?immediate_sending=soon"
    answer = scene.world.call("PATCH", query, "ada", json={"pairing_1": STRAP})
    assert pointers(answer) == ["/immediate_sending"]
    assert scene.world.get(path, "ada").get_json() == envelope({}, {})


def test_who_may(scene: Match) -> None:
    world, path = scene.world, f"/devices/{scene.device}/bluetooth-config/"
    uplink = f"/devices/{scene.device}/uplink/config/"
    for user in ("ben", "noe"):
        problem(world.get(path, user), 403)
        problem(world.call("PATCH", path, user, json={"pairing_1": STRAP}), 403)
        problem(world.get(uplink, user), 403)
    assert world.get(path, "admin").status_code == 200
    problem(world.call("PATCH", path, "admin", json={"pairing_1": STRAP}), 403)
    problem(world.get(uplink, "admin"), 403)
    problem(world.get(path, token=scene.token), 403)
    problem(world.call("PATCH", path, token=scene.token, json={"pairing_1": STRAP}), 403)
    other = device(world, "S2", "dev-2")
    applied = {"bluetooth": {"current": {"pairing_1": STRAP}}}
    problem(world.get(uplink, token=other["uplink_token"]), 403)
    problem(world.post(uplink, token=other["uplink_token"], json=applied), 403)
    assert pointers(world.post(uplink, token=scene.token, json={"bluetooth": {}})) == [
        "/bluetooth/current"
    ]
    for missing in ("bluetooth-config", "uplink/config"):
        problem(world.get(f"/devices/999/{missing}/", "ada"), 404)
    world.post(f"/devices/{scene.device}/release-ownership/", "ada")
    problem(world.get(path, "ada"), 403)
    assert world.get(uplink, token=scene.token).status_code == 200
