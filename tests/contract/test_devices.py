"""Devices and ownerships over HTTP: codes, keys, filters, refusals."""

import pytest

from tests.contract.conftest import World
from tests.contract.scenes import YEAR, device, match, own, permit, pointers, problem

DEVICE = {
    "id",
    "device_name",
    "serial_number",
    "device_type",
    "firmware_version",
    "custom_name",
}
PAGE = {"count", "page", "next", "previous", "results"}
PAIR = {"serial_number": "S1", "device_name": "dev-1"}


def test_claiming_by_body_answers_the_device(world: World) -> None:
    made = device(world, device_type="Model X")
    response = world.post("/devices/take-ownership/", "ada", json=PAIR)
    assert response.status_code == 201
    assert response.get_json().keys() == DEVICE
    assert response.get_json()["id"] == made["id"]
    again = world.post("/devices/take-ownership/", "ada", json=PAIR)
    assert again.status_code == 201
    assert world.get("/device-ownerships/", "ada").get_json()["count"] == 1


def test_claiming_by_path_is_the_older_form(world: World) -> None:
    made = device(world)
    response = world.post(f"/devices/{made['id']}/take-ownership/", "ada")
    assert response.status_code == 201
    assert response.get_json().keys() == DEVICE
    problem(world.post("/devices/999/take-ownership/", "ada"), 404)


def test_a_claim_that_cannot_be(world: World) -> None:
    device(world)
    wrong = {**PAIR, "device_name": "other"}
    problem(world.post("/devices/take-ownership/", "ada", json=wrong), 404)
    missing = world.post("/devices/take-ownership/", "ada", json={"serial_number": "S1"})
    assert pointers(missing) == ["/device_name"]
    assert world.post("/devices/take-ownership/", "ada", json=PAIR).status_code == 201
    taken = problem(world.post("/devices/take-ownership/", "ben", json=PAIR), 400)
    assert taken["message"]
    for user in ("noe", "admin"):
        problem(world.post("/devices/take-ownership/", user, json=PAIR), 403)
    problem(world.post("/devices/take-ownership/", json=PAIR), 401)


def test_release_and_what_stays(world: World) -> None:
    made = device(world)
    path = f"/devices/{made['id']}"
    never = problem(world.post(f"{path}/release-ownership/", "ada"), 400)
    assert never["message"]
    world.post(f"{path}/take-ownership/", "ada")
    problem(world.post(f"{path}/release-ownership/", "ben"), 403)
    done = world.post(f"{path}/release-ownership/", "ada")
    assert (done.status_code, done.data) == (204, b"")
    assert problem(world.post(f"{path}/release-ownership/", "ada"), 400)["message"]
    problem(world.get(f"{path}/", "ada"), 403)
    assert world.get("/devices/", "ada").get_json()["count"] == 1
    assert world.get("/devices/?current=true", "ada").get_json()["count"] == 0
    assert world.get("/devices/?current=false", "ada").get_json()["count"] == 1


def test_who_reads_a_device(world: World) -> None:
    made = device(world)
    path = f"/devices/{made['id']}/"
    world.post(f"{path}take-ownership/", "ada")
    assert world.get(path, "ada").get_json().keys() == DEVICE
    assert world.get(path, "admin").status_code == 200
    for user in ("ben", "noe"):
        problem(world.get(path, user), 403)
    problem(world.get("/devices/999/", "ada"), 404)
    assert world.get(f"{path}?device_name=DEV", "ada").status_code == 200
    problem(world.get(f"{path}?device_name=nothing", "ada"), 404)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("device_name=LPHA", ["alpha"]),
        ("serial_number=s-2", ["beta"]),
        ("device_type=Model X", ["alpha"]),
        ("device_type=Model", []),
        ("search=bet", ["beta"]),
        ("search=model", ["alpha"]),
        ("search=50%", []),
        ("ordering=-device_name", ["beta", "alpha"]),
        ("ordering=serial_number", ["alpha", "beta"]),
        ("activation_time_to=2020-06-01T00:00:00Z", ["alpha"]),
        ("activation_time_from=2020-06-01T00:00:00%2B0100", ["beta"]),
        ("limit=1&page=2", ["beta"]),
        ("limit=100000", ["alpha", "beta"]),
    ],
)
def test_filters_of_the_list(world: World, query: str, found: list[str]) -> None:
    first = device(world, "S-1", "alpha", device_type="Model X")
    second = device(world, "S-2", "beta")
    own(world, first["id"], "ada", "2020-05-01T00:00:00Z")
    own(world, second["id"], "ada", "2020-07-01T00:00:00Z")
    body = world.get(f"/devices/?{query}", "ada").get_json()
    assert body.keys() == PAGE
    assert [row["device_name"] for row in body["results"]] == found


@pytest.mark.parametrize(
    "query",
    ["ordering=colour", "current=maybe", "activation_time_from=2020-01-01T00:00:00", "page=0"],
)
def test_a_query_that_is_refused_names_its_parameter(world: World, query: str) -> None:
    assert pointers(world.get(f"/devices/?{query}", "ada")) == [f"/{query.partition('=')[0]}"]


def test_devices_of_an_activity(world: World) -> None:
    scene = match(world)
    other = device(world, "S2", "dev-2")
    own(world, other["id"], "ada")
    scene.frame()
    path = f"/devices/?activity={scene.activity}"
    assert [row["id"] for row in world.get(path, "ada").get_json()["results"]] == [scene.device]
    own(world, scene.device, "ben", "2019-01-01T00:00:00Z", "2019-02-01T00:00:00Z")
    assert len(world.get("/devices/", "ben").get_json()["results"]) == 1
    assert world.get(path, "ben").get_json()["results"] == [], "whose frames are others'"


def test_custom_names(world: World) -> None:
    made = device(world)
    path = f"/devices/{made['id']}/set-custom-name/"
    problem(world.post(path, "ada", json={"custom_name": "Bib 5"}), 403)
    world.post(f"/devices/{made['id']}/take-ownership/", "ada")
    named = world.post(path, "ada", json={"custom_name": "Bib 5"})
    assert (named.status_code, named.get_json()["custom_name"]) == (200, "Bib 5")
    assert pointers(world.post(path, "ada", json={"custom_name": "a/b"})) == ["/custom_name"]
    assert pointers(world.post(path, "ada", json={})) == ["/custom_name"]
    cleared = world.post(path, "ada", json={"custom_name": None})
    assert cleared.get_json()["custom_name"] is None


def test_ownerships(world: World) -> None:
    made, other = device(world), device(world, "S2", "dev-2")
    row = own(world, made["id"], "ada").get_json()
    own(world, other["id"], "ada", "2021-01-01T00:00:00Z", "2021-02-01T00:00:00Z")
    own(world, other["id"], "ben", "2022-01-01T00:00:00Z", "2022-02-01T00:00:00Z")
    one = world.get(f"/device-ownerships/{row['id']}/", "ada").get_json()
    assert one == row
    assert one.keys() == {"id", "start_time", "end_time", "device", "manager", "device_details"}
    assert one["device_details"].keys() == DEVICE
    assert (one["start_time"], one["end_time"]) == YEAR
    body = world.get("/device-ownerships/", "ada").get_json()
    assert body.keys() == PAGE
    assert body["count"] == 2
    for query, count in (
        (f"device={other['id']}", 1),
        ("device_name=dev-1", 1),
        ("device_name=dev", 0),
        ("start_time_from=2021-01-01T00:00:00Z", 1),
        ("start_time_to=2020-12-31T00:00:00Z", 1),
        ("end_time_to=2019-01-01T00:00:00Z", 0),
        ("end_time_from=2021-02-01T00:00:00Z", 1),
    ):
        assert world.get(f"/device-ownerships/?{query}", "ada").get_json()["count"] == count, query
    problem(world.get(f"/device-ownerships/{row['id']}/", "ben"), 403)
    problem(world.get("/device-ownerships/999/", "ada"), 404)
    problem(world.get(f"/device-ownerships/{row['id']}/?device=999", "ada"), 404)
    assert world.get("/device-ownerships/", "admin").get_json()["count"] == 3
    problem(world.get("/device-ownerships/", "noe"), 403)


def test_permissions_have_no_part_in_devices(world: World) -> None:
    scene = match(world)
    permit(world, "ben", "READ")
    problem(world.get(f"/devices/{scene.device}/", "ben"), 403)
