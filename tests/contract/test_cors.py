"""Calls from browsers: each OAuth client's allow-list of origins."""

from tests.contract.conftest import World

ORIGIN = "https://ams.example"
ALLOWED = "Access-Control-Allow-Origin"


def allow(world: World, client: int) -> None:
    path = f"/admin/clients/{client}/"
    answer = world.call("PATCH", path, "admin", json={"cors_origins": [ORIGIN]})
    assert answer.status_code == 200


def preflight(world: World, origin: str = ORIGIN) -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    answer = world.client.options("/api/v1/account/", headers=asked)
    assert answer.status_code == 204
    return dict(answer.headers)


def test_an_origin_that_the_client_lists(world: World) -> None:
    allow(world, world.oauth.id)
    said = preflight(world)
    assert said[ALLOWED] == ORIGIN
    assert "PUT" in said["Access-Control-Allow-Methods"]
    assert "Authorization" in said["Access-Control-Allow-Headers"]
    answer = world.get("/account/", "ada", headers={"Origin": ORIGIN})
    assert answer.headers[ALLOWED] == ORIGIN
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    # A refusal can be read too.
    refused = world.get("/account/", token="unknown", headers={"Origin": ORIGIN})
    assert refused.headers[ALLOWED] == ORIGIN


def test_other_origins_and_other_clients(world: World) -> None:
    other = world.post("/admin/clients/", "admin", json={"name": "x", "grants": ["password"]})
    allow(world, other.get_json()["id"])
    assert ALLOWED in preflight(world)
    assert ALLOWED not in preflight(world, "https://evil.example")
    assert ALLOWED not in world.get("/account/", "ada", headers={"Origin": ORIGIN}).headers
    assert ALLOWED not in world.get("/account/", "ada").headers
