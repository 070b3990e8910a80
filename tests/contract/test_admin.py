"""What administrators do over HTTP."""

import pytest

from tests.contract.conftest import World
from tests.contract.scenes import YEAR, device, own, pointers, problem


def test_a_device_comes_with_its_token_once(world: World) -> None:
    made = device(world, device_type="Model X", firmware_version="1.0.0")
    assert made.keys() == {
        "id",
        "device_name",
        "serial_number",
        "device_type",
        "firmware_version",
        "custom_name",
        "uplink_token",
    }
    assert made["firmware_version"] == "1.0.0"
    read = world.get(f"/devices/{made['id']}/", "admin").get_json()
    assert "uplink_token" not in read
    same = {"device_name": "dev-1", "serial_number": "S1"}
    problem(world.post("/admin/devices/", "admin", json=same), 409)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"device_name": "a"}, "/serial_number"),
        ({"device_name": "", "serial_number": "1"}, "/device_name"),
        ({"device_name": "a", "serial_number": 1}, "/serial_number"),
        ({"device_name": "a", "serial_number": "x" * 256}, "/serial_number"),
        ({"device_name": "a", "serial_number": "1", "device_type": "file"}, "/device_type"),
        ({"device_name": "a", "serial_number": "1", "colour": "red"}, "/colour"),
    ],
)
def test_a_device_that_is_refused(world: World, body: dict, pointer: str) -> None:
    assert pointers(world.post("/admin/devices/", "admin", json=body)) == [pointer]


def test_rotation_ends_the_old_token_at_once(world: World) -> None:
    made = device(world)
    path = f"/devices/{made['id']}/samples/"
    batch = {"batch": "b", "columns": {"gnss.timestamp": [1_590_868_800_000]}}
    assert world.post(path, token=made["uplink_token"], json=batch).status_code == 200
    rotated = world.post(f"/admin/devices/{made['id']}/rotate-token/", "admin")
    assert rotated.status_code == 200
    assert rotated.get_json().keys() == made.keys()
    problem(world.post(path, token=made["uplink_token"], json=batch), 401)
    fresh = world.post(path, token=rotated.get_json()["uplink_token"], json=batch)
    assert fresh.get_json()["duplicate"] is True
    problem(world.post("/admin/devices/999/rotate-token/", "admin"), 404)


def test_ownerships_of_any_time(world: World) -> None:
    made = device(world)
    response = own(world, made["id"], "ada")
    assert response.status_code == 201
    assert response.get_json()["manager"] == world.ids["ada"]
    problem(own(world, made["id"], "ben", "2020-12-01T00:00:00Z", "2021-12-01T00:00:00Z"), 409)
    assert own(world, made["id"], "ben", YEAR[1], "2021-12-01T00:00:00Z").status_code == 201
    assert pointers(own(world, 999, "ada")) == ["/device"]
    assert pointers(own(world, made["id"], "noe")) == ["/manager"]
    assert pointers(own(world, made["id"], "ada", YEAR[1], YEAR[0])) == ["/end_time"]
    assert pointers(own(world, made["id"], "ada", "yesterday")) == ["/start_time"]


@pytest.mark.parametrize(
    "path", ["/admin/devices/", "/admin/devices/1/rotate-token/", "/admin/device-ownerships/"]
)
def test_only_for_administrators(world: World, path: str) -> None:
    for user in ("ada", "noe"):
        problem(world.post(path, user, json={}), 403)
    problem(world.post(path, json={}), 401)
