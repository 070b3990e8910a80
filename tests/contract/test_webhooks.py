"""Webhook registrations: exact keys, the hidden secret, what is refused, who may."""

from typing import Any

import pytest

from core.auth.secrets import unseal
from core.models import Webhook
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, pointers, problem

KEYS = {"id", "webhook_url", "secret_token", "activity_events", "timeframes_events"}
BODY = {
    "webhook_url": "https://ams.example:8443/hooks/touchline?team=1",
    "secret_token": "123456789",
    "activity_events": True,
    "timeframes_events": False,
}


@pytest.fixture
def scene(world: World) -> Match:
    return match(world)


def made(scene: Match, **changes: Any) -> dict[str, Any]:
    response = scene.world.post(
        f"/activities/{scene.activity}/webhooks/", "ada", json={**BODY, **changes}
    )
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def test_a_registration_lives(scene: Match) -> None:
    world, path = scene.world, f"/activities/{scene.activity}/webhooks/"
    hook = made(scene)
    assert hook == {**BODY, "id": hook["id"], "secret_token": "12*******"}
    assert world.get(f"{path}{hook['id']}/", "ada").get_json() == hook
    other = made(scene, secret_token="x")
    assert other["secret_token"] == "x"
    page = world.get(f"{path}?limit=1", "ada").get_json()
    assert page == {"count": 2, "page": 1, "next": 2, "previous": None, "results": [hook]}
    changed = world.put(
        f"{path}{hook['id']}/",
        "ada",
        json={**hook, "webhook_url": "http://10.0.0.7/in", "timeframes_events": True},
    )
    assert changed.status_code == 200
    assert changed.get_json() == {
        **hook,
        "webhook_url": "http://10.0.0.7/in",
        "timeframes_events": True,
    }

    def secret() -> str:
        return world.db.read(lambda s: unseal(s.get_one(Webhook, hook["id"]).secret_sealed))

    assert secret() == BODY["secret_token"]  # what was shown came back, and changed nothing
    world.put(f"{path}{hook['id']}/", "ada", json={**BODY, "secret_token": "another"})
    assert secret() == "another"
    gone = world.delete(f"{path}{hook['id']}/", "ada")
    assert (gone.status_code, gone.data) == (204, b"")
    problem(world.get(f"{path}{hook['id']}/", "ada"), 404)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"webhook_url": "ftp://ams.example/"}, "/webhook_url"),
        ({"webhook_url": "ams.example/hook"}, "/webhook_url"),
        ({"webhook_url": "https:///hook"}, "/webhook_url"),
        ({"webhook_url": "https://ams.example:99999/"}, "/webhook_url"),
        ({"webhook_url": "https://[::1/"}, "/webhook_url"),
        ({"webhook_url": "https://me:pw@ams.example/"}, "/webhook_url"),
        ({"webhook_url": "https://ams.example/#part"}, "/webhook_url"),
        ({"webhook_url": "https://ams.example/a\r\nHost: x"}, "/webhook_url"),
        ({"webhook_url": "https://ams.example/" + "x" * 181}, "/webhook_url"),
        ({"webhook_url": 7}, "/webhook_url"),
        ({"secret_token": ""}, "/secret_token"),
        ({"secret_token": "x" * 101}, "/secret_token"),
        ({"activity_events": 1}, "/activity_events"),
        ({"timeframes_events": "true"}, "/timeframes_events"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_is_refused_names_the_field(scene: Match, changes: Any, pointer: str) -> None:
    world, path = scene.world, f"/activities/{scene.activity}/webhooks/"
    assert pointers(world.post(path, "ada", json={**BODY, **changes})) == [pointer]
    assert world.db.read(lambda s: s.query(Webhook).count()) == 0


def test_every_field_is_needed(scene: Match) -> None:
    path = f"/activities/{scene.activity}/webhooks/"
    for name in BODY:
        body = {key: value for key, value in BODY.items() if key != name}
        assert pointers(scene.world.post(path, "ada", json=body)) == [f"/{name}"]


def test_who_may(scene: Match) -> None:
    world, path = scene.world, f"/activities/{scene.activity}/webhooks/"
    hook = made(scene)
    one = f"{path}{hook['id']}/"
    for user in ("ben", "noe"):
        for way in (path, one):
            problem(world.get(way, user), 403)
        problem(world.post(path, user, json=BODY), 403)
        problem(world.put(one, user, json=BODY), 403)
        problem(world.delete(one, user), 403)
    assert world.get(one, "admin").get_json() == hook
    problem(world.put(one, "admin", json=BODY), 403)
    problem(world.get("/activities/999/webhooks/", "ada"), 404)
    problem(world.post("/activities/999/webhooks/", "ada", json=BODY), 404)
    other = world.post(
        "/activities/",
        "ada",
        json={
            "name": "Other",
            "json": {"sport": "tennis", "type": "match"},
            "json_schema": world.get(f"/activities/{scene.activity}/", "ada").json["json_schema"],
            "owner": world.ids["ada"],
        },
    ).get_json()["id"]
    problem(world.get(f"/activities/{other}/webhooks/{hook['id']}/", "ada"), 404)
    assert world.delete(f"/activities/{scene.activity}/", "ada").status_code == 204
    assert world.db.read(lambda s: s.query(Webhook).count()) == 0
