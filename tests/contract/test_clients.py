"""OAuth clients, as administrators keep them."""

from typing import Any

import pytest

from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import pointers, problem

AMS = {"name": "AMS", "grants": ["password"]}


def make(world: World, **more: Any) -> dict[str, Any]:
    answer = world.post("/admin/clients/", "admin", json={**AMS, **more})
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def login(world: World, client: dict[str, Any], secret: str) -> int:
    form = {"grant_type": "password", "username": "ada", "password": PASSWORD}
    auth = (client["client_id"], secret)
    return world.client.post("/oauth2/token/", data=form, auth=auth).status_code


def test_a_client_and_its_secret(world: World) -> None:
    made = make(world)
    assert made.keys() == {
        "id", "client_id", "name", "owner", "grants", "redirect_uris", "scope", "cors_origins",
        "throttle_class", "created", "client_secret",
    }  # fmt: skip
    assert login(world, made, made["client_secret"]) == 200
    read = world.get(f"/admin/clients/{made['id']}/", "admin").get_json()
    assert "client_secret" not in read
    rotated = world.post(f"/admin/clients/{made['id']}/rotate-secret/", "admin").get_json()
    assert login(world, made, made["client_secret"]) == 401
    assert login(world, made, rotated["client_secret"]) == 200
    listed = world.get("/admin/clients/?search=ams", "admin").get_json()["results"]
    assert listed == [read]


def test_a_public_client_has_no_secret(world: World) -> None:
    made = make(
        world, public=True, grants=["authorization_code"], redirect_uris=["https://ams.example/cb"]
    )
    assert "client_secret" not in made
    problem(world.post(f"/admin/clients/{made['id']}/rotate-secret/", "admin"), 400)


def test_changes(world: World) -> None:
    path = f"/admin/clients/{make(world)['id']}/"
    wanted = {
        "name": "AMS 2",
        "cors_origins": ["https://ams.example", "http://localhost:3000"],
        "throttle_class": "high",
        "redirect_uris": ["https://ams.example/cb"],
    }
    changed = world.call("PATCH", path, "admin", json=wanted)
    assert changed.status_code == 200
    assert wanted.items() <= changed.get_json().items()
    problem(world.call("PATCH", "/admin/clients/999999/", "admin", json=wanted), 404)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"cors_origins": ["https://ams.example/"]}, "/cors_origins/0"),
        ({"cors_origins": ["https://AMS.example"]}, "/cors_origins/0"),
        ({"cors_origins": ["*"]}, "/cors_origins/0"),
        ({"cors_origins": ["null"]}, "/cors_origins/0"),
        ({"cors_origins": ["https://ok.example", "https://["]}, "/cors_origins/1"),
        ({"throttle_class": "endless"}, "/throttle_class"),
        ({"redirect_uris": ["/relative"]}, "/redirect_uris/0"),
        *(
            ({"redirect_uris": [uri]}, "/redirect_uris/0")
            for uri in (
                "javascript:alert(1)",
                "data:text/html,x",
                "http://ams.example/cb",
                "https:///cb",
                "https://*.example/cb",
                "app:/cb",
            )
        ),
        ({"redirect_uris": ["https://["]}, "/redirect_uris/0"),
        ({"redirect_uris": ["https://ams.example/#x"]}, "/redirect_uris/0"),
        ({"grants": ["implicit"]}, "/grants/0"),
    ],
)
def test_what_is_refused(world: World, body: dict[str, Any], pointer: str) -> None:
    assert pointers(world.post("/admin/clients/", "admin", json={**AMS, **body})) == [pointer]
    if "grants" not in body:
        path = f"/admin/clients/{make(world)['id']}/"
        assert pointers(world.call("PATCH", path, "admin", json=body)) == [pointer]
