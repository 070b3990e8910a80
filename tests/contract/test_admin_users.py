"""Accounts, JSON schemas and the audit log, as administrators keep them."""

import json
from typing import Any

import pytest
from flask import Flask

from core.services import json_schemas
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import device, own, pointers, problem


def changes(world: World, query: str = "") -> list[dict[str, Any]]:
    """What the administrator changed, oldest first."""
    path = f"/admin/audit-log/?actor={world.ids['admin']}{query}"
    return world.get(path, "admin").get_json()["results"][::-1]


def make(world: World, role: str = "MANAGER", name: str = "eva", **more: Any) -> dict[str, Any]:
    body = {"role": role, "username": name, "email": f"{name}@club.example", **more}
    answer = world.post("/admin/users/", "admin", json=body)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def patch(world: World, path: str, user: str = "admin", **body: Any) -> Any:
    return world.call("PATCH", path, user, json=body)


@pytest.mark.parametrize("role", ["MANAGER", "ATHLETE", "ADMINISTRATOR"])
def test_accounts_of_every_role(world: World, role: str) -> None:
    made = make(world, role, password=PASSWORD, external_id="x")
    assert made.keys() == {
        "id", "username", "email", "external_id", "role", "extra_permissions", "disabled", "created"
    }  # fmt: skip
    assert (made["role"], made["external_id"], made["disabled"]) == (role, "x", False)
    assert world.get(f"/admin/users/{made['id']}/", "admin").get_json() == made
    token = world.token_request(grant_type="password", username="eva", password=PASSWORD)
    assert token.status_code == 200
    assert world.get("/account/", token=token.get_json()["access_token"]).json["role"] == role


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"role": "BOSS"}, "/role"),
        ({"role": "ADMINISTRATOR"}, "/password"),
        ({"role": "MANAGER", "username": "ada"}, "/username"),
        ({"role": "MANAGER", "password": "short"}, "/password"),
        ({"role": "MANAGER", "email": "nobody"}, "/email"),
        ({"role": "MANAGER", "extra": 1}, "/extra"),
    ],
)
def test_an_account_that_is_refused(world: World, body: dict[str, Any], pointer: str) -> None:
    whole = {"username": "eva", "email": "eva@club.example", **body}
    assert pointers(world.post("/admin/users/", "admin", json=whole)) == [pointer]
    assert changes(world) == []


def test_the_list_of_accounts(world: World) -> None:
    assert world.get("/admin/users/", "admin").get_json()["count"] == 5
    found = world.get("/admin/users/?role=manager&ordering=-username", "admin").get_json()
    assert [row["username"] for row in found["results"]] == ["ben", "ada"]
    patch(world, f"/admin/users/{world.ids['lea']}/", disabled=True)
    off = world.get("/admin/users/?disabled=true", "admin").get_json()["results"]
    assert [row["username"] for row in off] == ["lea"]
    # Who lists athletes reads their data.
    log = world.get(f"/athletes/{world.ids['noe']}/access-log/", "noe").get_json()["results"]
    assert [(row["username"], row["kind"]) for row in log] == [("admin", "profile")]


def test_extra_permissions(world: World) -> None:
    path = f"/admin/users/{world.ids['ben']}/"
    made = patch(world, path, extra_permissions=["can_create_managed_athletes"])
    assert made.status_code == 200
    athlete = world.post("/athletes/create-managed/", "ben", json={"managed_by": world.ids["ben"]})
    assert athlete.status_code == 201
    assert patch(world, path, extra_permissions=[]).get_json()["extra_permissions"] == []
    assert [row["after"] for row in changes(world)] == [
        {"extra_permissions": ["can_create_managed_athletes"]},
        {"extra_permissions": []},
    ]
    assert pointers(patch(world, path, extra_permissions=["fly"])) == ["/extra_permissions/0"]
    noe = f"/admin/users/{world.ids['noe']}/"
    given = patch(world, noe, extra_permissions=["can_create_managed_athletes"])
    assert pointers(given) == ["/extra_permissions"]


def test_a_disabled_account_is_out_at_once(world: World) -> None:
    token = world.login("ben")
    form = {"grant_type": "password", "username": "ben", "password": PASSWORD}
    refresh = world.token_request(**form).get_json()["refresh_token"]
    assert world.get("/account/", token=token).status_code == 200
    path = f"/admin/users/{world.ids['ben']}/"
    assert patch(world, path, disabled=True).get_json()["disabled"] is True
    problem(world.get("/account/", token=token), 401)
    assert world.token_request(**form).status_code == 400
    renewed = world.token_request(grant_type="refresh_token", refresh_token=refresh)
    assert renewed.status_code == 400
    assert patch(world, path, disabled=False).status_code == 200
    assert world.token_request(**form).status_code == 200
    own = f"/admin/users/{world.ids['admin']}/"
    assert pointers(patch(world, own, disabled=True)) == ["/disabled"]


def test_devices_listed_changed_and_in_bulk(world: World) -> None:
    made = device(world)
    path = f"/admin/devices/{made['id']}/"
    changed = patch(world, path, firmware_version="2.1", device_type="vest")
    assert (changed.json["firmware_version"], changed.json["device_type"]) == ("2.1", "vest")
    assert pointers(patch(world, path, device_type="file")) == ["/device_type"]
    assert pointers(patch(world, path, serial_number="9")) == ["/serial_number"]
    text = "device_name,serial_number,device_type\nv-1,A1,vest\nv-2,A2,\n"
    many = world.post("/admin/devices/bulk/", "admin", data=text, content_type="text/csv")
    assert many.status_code == 201
    assert [row["device_type"] for row in many.json] == ["vest", None]
    batch = {"batch": "b", "columns": {"gnss.timestamp": [1_590_868_800_000]}}
    for row in many.json:
        sent = world.post(f"/devices/{row['id']}/samples/", token=row["uplink_token"], json=batch)
        assert sent.status_code == 200
    listed = world.get("/admin/devices/?device_type=vest", "admin").get_json()
    assert [row["device_name"] for row in listed["results"]] == ["dev-1", "v-1"]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", None),
        ("device_name,serial_number\n", None),
        ("device_name\nv-1\n", None),
        ("device_name,serial_number,colour\nv,1,red\n", None),
        ("device_name,serial_number\nv-1,A1\nv-2\n", "/1"),
        ("device_name,serial_number\nv-1,A1\nv-2,\n", "/1/serial_number"),
        ("device_name,serial_number\nv-1,A1,x\n", "/0"),
        ("device_name,serial_number\nv-1,A1\nv-1,A1\n", "/1"),
        ("device_name,serial_number,device_type\nv-1,A1,file\n", "/0"),
        ('device_name,serial_number\n"v-1,A1\n', None),
        (b"device_name,serial_number\nv-\xff,A1\n", None),
        ("device_name,serial_number\n" + "x" * 300 + ",A1\n", "/0/device_name"),
    ],
)
def test_bulk_is_all_or_nothing(world: World, text: Any, pointer: str | None) -> None:
    answer = world.post("/admin/devices/bulk/", "admin", data=text, content_type="text/csv")
    body = problem(answer, 400)
    assert [row["pointer"] for row in body.get("errors", [])] == ([pointer] if pointer else [])
    assert world.get("/admin/devices/", "admin").get_json()["count"] == 0
    problem(world.post("/admin/devices/bulk/", "admin", json=[]), 415)


def test_a_new_version_of_a_schema(world: World, registry: Any) -> None:
    schema = {"type": "object", "required": ["surface"]}
    body = {"sport": "tennis", "type": "ACTIVITY", "schema": schema}
    made = world.post("/admin/json-schemas/", "admin", json=body)
    assert made.status_code == 201, made.text
    assert made.json["name"] == "activity_tennis"
    activity = {
        "name": "m",
        "json": {"sport": "tennis", "type": "match"},
        "json_schema": made.json["id"],
        "owner": world.ids["ada"],
    }
    assert pointers(world.post("/activities/", "ada", json=activity)) == ["/json/surface"]
    # The sport's own version of before does not come back at the next start.
    assert world.db.write(lambda session: json_schemas.sync(session, registry)) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"sport": "curling"}, "/sport"),
        ({"type": "PERSON"}, "/type"),
        ({"schema": {"type": "objekt"}}, "/schema"),
        ({"schema": {"properties": {"a": {"$ref": "https://club.example/x"}}}}, "/schema"),
        ({"schema": []}, "/schema"),
    ],
)
def test_a_schema_that_is_refused(world: World, body: dict[str, Any], pointer: str) -> None:
    whole = {"sport": "tennis", "type": "ACTIVITY", "schema": {}, **body}
    assert pointers(world.post("/admin/json-schemas/", "admin", json=whole)) == [pointer]


def test_every_change_is_in_the_audit_log(app: Flask, world: World) -> None:
    tracker = device(world)
    own(world, tracker["id"], "ada")
    user = make(world)["id"]
    client = world.post(
        "/admin/clients/", "admin", json={"name": "AMS", "grants": ["password"]}
    ).get_json()
    world.post(
        "/admin/json-schemas/", "admin", json={"sport": "tennis", "type": "ACTIVITY", "schema": {}}
    )
    world.post(
        "/admin/devices/bulk/",
        "admin",
        data="device_name,serial_number\nv-1,A1\n",
        content_type="text/csv",
    )
    patch(world, f"/admin/devices/{tracker['id']}/", firmware_version="9")
    patch(world, f"/admin/users/{user}/", disabled=True)
    patch(world, f"/admin/clients/{client['id']}/", throttle_class="low")
    world.post(f"/admin/devices/{tracker['id']}/rotate-token/", "admin")
    world.post(f"/admin/clients/{client['id']}/rotate-secret/", "admin")
    patch(world, f"/admin/users/{user}/", disabled=False)
    assert world.post(f"/admin/users/{user}/password-link/", "admin").status_code == 204
    log = changes(world)
    assert [row["action"] for row in log] == [
        "device.create",
        "ownership.create",
        "user.create",
        "client.create",
        "json_schema.create",
        "device.create",
        "device.change",
        "user.change",
        "client.change",
        "device.rotate_token",
        "client.rotate_secret",
        "user.change",
        "user.mail_link",
    ]
    # Each way of changing something stands in the list above.
    ways = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/admin/") and (rule.methods or set()) & {"POST", "PATCH"}
    }
    assert len(ways) == len(log) - 1, sorted(ways)  # one of them was asked twice
    assert log[6]["before"] == {"firmware_version": None}
    assert log[6]["after"] == {"firmware_version": "9"}
    assert {(row["username"], row["actor"]) for row in log} == {("admin", world.ids["admin"])}
    said = json.dumps(log)
    assert "_hash" not in said
    assert client["client_secret"] not in said
    assert changes(world, "&kind=client&action=client.change") == [log[8]]
    patch(world, f"/admin/devices/{tracker['id']}/", firmware_version="9")
    assert len(changes(world)) == len(log)
    first = world.get("/admin/audit-log/", "admin").get_json()["results"][-1]
    assert (first["username"], first["actor"], first["before"]) == ("command line", None, None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/users/"),
        ("GET", "/admin/users/1/"),
        ("GET", "/admin/clients/"),
        ("GET", "/admin/clients/1/usage/"),
        ("GET", "/admin/devices/"),
        ("GET", "/admin/audit-log/"),
        ("POST", "/admin/json-schemas/"),
    ],
)
def test_for_administrators_only(world: World, method: str, path: str) -> None:
    for user in ("ada", "noe"):
        problem(world.call(method, path, user, json={}), 403)
    problem(world.call(method, path), 401)
    narrow = world.login("admin", scope="read")
    if method == "GET":
        assert world.get(path, token=narrow).status_code == 200
    patched = world.call("PATCH", "/admin/users/1/", token=narrow, json={"disabled": True})
    problem(patched, 403)
