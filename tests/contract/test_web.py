"""What belongs to no resource: health, aliases, slashes, the OpenAPI document."""

import pytest
import redis

from core.api.contract import canonical
from core.api.platform import KEY
from core.doorbell import ALIVE_WORKER
from tests.contract.conftest import World


def test_health(world: World) -> None:
    assert world.get("//healthz").status_code == 200
    connection: redis.Redis = world.client.application.extensions[KEY].redis
    for key in connection.scan_iter(f"{ALIVE_WORKER}*"):
        connection.delete(key)
    answer = world.get("//readyz")
    assert (answer.status_code, answer.json["missing"]) == (503, ["worker"])
    connection.set(f"{ALIVE_WORKER}test", "1", ex=5)
    assert world.get("//readyz").status_code == 200
    connection.delete(f"{ALIVE_WORKER}test")


def test_not_ready_without_redis_or_database(world: World, monkeypatch) -> None:
    parts = world.client.application.extensions[KEY]

    def away(*_: object, **__: object) -> None:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(parts.redis, "ping", away)
    answer = world.get("//readyz")
    assert (answer.status_code, answer.json["missing"]) == (503, ["redis", "worker"])
    assert world.get("//healthz").status_code == 200


@pytest.mark.parametrize(
    "path", ["//api/v1/account/", "//api/v1/account", "//v1/account/", "//v1/account"]
)
def test_every_spelling_of_a_path_answers(world: World, path) -> None:
    assert world.get(path, "ada").status_code == 200


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("/v1/devices/", "/api/v1/devices/"),
        ("/v1/ws/computed-data/1/", "/api/v1/ws/computed-data/1/"),
        ("/ws/v1/computed-data/1/", "/api/v1/ws/computed-data/1/"),
        ("/api/ws/computed-data/1/", "/api/v1/ws/computed-data/1/"),
        ("/api/v1/devices/", "/api/v1/devices/"),
        ("/v1", "/v1"),
        ("/v10/devices/", "/v10/devices/"),
        ("/oauth2/token/", "/oauth2/token/"),
    ],
)
def test_aliases(asked, served) -> None:
    assert canonical(asked) == served


def test_the_document_describes_the_paths(world: World) -> None:
    document = world.get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert not [path for path in document["paths"] if not path.startswith(("/api/v1/", "/oauth2/"))]
    account = document["paths"]["/api/v1/account/"]["get"]
    assert account["security"] == [{"bearer": []}]
    assert document["paths"]["/api/v1/managers/"]["post"]["security"] == []
    listed = document["paths"]["/api/v1/athletes/"]["get"]["parameters"]
    assert {"page", "limit", "ordering", "search", "birthdate_from"} <= {
        parameter["name"] for parameter in listed
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("{", ""),
        ("[]", ""),
        ("null", ""),
        ('{"name": NaN}', ""),
        ('{"name": 1e999}', ""),
        ("[" * 10_000 + "]" * 10_000, ""),
        ('{"json": ' + '{"a":' * 32 + "1" + "}" * 33, ""),
        ('{"name": "\\ud800"}', ""),
        ('{"name": "\\u0000"}', "/name"),
        ('{"json": {"a/b": [1, "x\\u0000"]}}', "/json/a~1b/1"),
        ('{"json": {"\\u0000": 1}}', "/json"),
    ],
)
def test_every_bad_body_says_where(world: World, body: str, pointer: str) -> None:
    answer = world.post("/activities/", "ada", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("path", ["/activities/", "//oauth2/token/"])
def test_a_compressed_body_is_refused_as_such(world: World, path: str) -> None:
    answer = world.post(path, "ada", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.mimetype) == (415, "application/problem+json")
    assert "Content-Encoding" in answer.json["detail"]


def test_an_id_in_a_path_is_in_ascii_digits(world: World) -> None:
    assert world.get(f"/managers/{world.ids['ada']}/", "ada").status_code == 200
    for digits in ("\N{ARABIC-INDIC DIGIT ONE}", "\N{FULLWIDTH DIGIT ONE}", "+1", "1_0"):
        assert world.get(f"/managers/{digits}/", "ada").status_code == 404


@pytest.mark.parametrize("query", ["name=%ff", "name=x&name%C3=1", "name=%ED%A0%80"])
def test_a_query_that_is_no_utf8_is_refused(world: World, query: str) -> None:
    assert world.get("/activities/?name=Zo%C3%AB", "ada").status_code == 200
    answer = world.get(f"/activities/?{query}", "ada")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["pointer"].startswith("/name")
