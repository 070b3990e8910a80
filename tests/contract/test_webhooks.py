"""Webhook registrations: exact keys, the hidden secret, what is refused, who may."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from core.api.platform import KEY
from core.auth.secrets import unseal
from core.clock import now
from core.models import Webhook
from core.net import Caller, networks
from core.services.signing import key_of
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, pointers, problem

# Ours, beside the vendor's.
OURS = {
    "events": None,
    "secret_header": "X-Secret-Token",
    "verify": False,
    "state": "active",
    "reason": None,
}
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
    assert hook == {**BODY, **OURS, "id": hook["id"], "secret_token": "12*******"}
    assert world.get(f"{path}{hook['id']}/", "ada").get_json() == hook
    other = made(scene, secret_token="x")
    assert other["secret_token"] == "x"
    page = world.get(f"{path}?limit=1", "ada").get_json()
    assert page == {"count": 2, "page": 1, "next": 2, "previous": None, "results": [hook]}
    changed = world.put(
        f"{path}{hook['id']}/",
        "ada",
        json={**hook, "webhook_url": "https://ams.example/in", "timeframes_events": True},
    )
    assert changed.status_code == 200
    assert changed.get_json() == {
        **hook,
        "webhook_url": "https://ams.example/in",
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
        # Where we would not go, whoever asks: core.net judges, tests/unit/test_net.py has them all.
        ({"webhook_url": "https://127.0.0.1/"}, "/webhook_url"),
        ({"webhook_url": "https://localhost/"}, "/webhook_url"),
        ({"webhook_url": "https://2130706433/"}, "/webhook_url"),
        ({"webhook_url": "https://10.1.2.3:8443/"}, "/webhook_url"),
        ({"webhook_url": "https://[fe80::1]/"}, "/webhook_url"),
        ({"webhook_url": "https://[fe80::1%25eth0]/"}, "/webhook_url"),
        ({"webhook_url": "http://nowhere.invalid/"}, "/webhook_url"),
        ({"webhook_url": "https://nowhere.invalid:25/"}, "/webhook_url"),
        ({"webhook_url": "https://a..example/"}, "/webhook_url"),
        ({"webhook_url": f"https://{'a' * 64}.example/"}, "/webhook_url"),
        ({"secret_token": "whsec_no base64!"}, "/secret_token"),
        ({"webhook_url": "http://169.254.169.254/latest/meta-data/"}, "/webhook_url"),
        ({"webhook_url": "http://1.1.1.1/"}, "/webhook_url"),
        ({"webhook_url": "https://1.1.1.1:25/"}, "/webhook_url"),
        ({"secret_token": ""}, "/secret_token"),
        ({"secret_token": "x" * 101}, "/secret_token"),
        ({"secret_token": "a\r\nX-Admin: 1"}, "/secret_token"),
        ({"secret_token": " a"}, "/secret_token"),
        ({"events": []}, "/events"),
        ({"events": ["user.created"]}, "/events/0"),
        ({"events": "activity.updated"}, "/events"),
        ({"secret_header": "X Secret"}, "/secret_header"),
        ({"secret_header": "Content-Length"}, "/secret_header"),
        ({"secret_header": "webhook-id"}, "/secret_header"),
        ({"secret_header": "host"}, "/secret_header"),
        ({"secret_header": "X" * 65}, "/secret_header"),
        ({"verify": "yes"}, "/verify"),
        ({"activity_events": 1}, "/activity_events"),
        ({"timeframes_events": "true"}, "/timeframes_events"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_what_is_refused_names_the_field(scene: Match, changes: Any, pointer: str) -> None:
    world, path = scene.world, f"/activities/{scene.activity}/webhooks/"
    assert pointers(world.post(path, "ada", json={**BODY, **changes})) == [pointer]
    assert world.db.read(lambda s: s.query(Webhook).count()) == 0


def test_the_operator_may_allow_an_address(scene: Match, app: Flask) -> None:
    parts = app.extensions[KEY]
    app.extensions[KEY] = replace(parts, caller=Caller(networks("10.1.0.0/16")))
    assert made(scene, webhook_url="http://10.1.2.3:25/in")["webhook_url"].startswith("http:")
    path = f"/activities/{scene.activity}/webhooks/"
    changed = {**BODY, "webhook_url": "http://10.2.2.3/in"}
    assert pointers(scene.world.post(path, "ada", json=changed)) == ["/webhook_url"]


def test_secrets_rotate(scene: Match) -> None:
    world, hook = scene.world, made(scene)
    path = f"/activities/{scene.activity}/webhooks/{hook['id']}/"

    def secrets() -> tuple[str, str | None]:
        row = world.db.read(lambda s: s.get_one(Webhook, hook["id"]))
        before = row.previous_sealed
        assert before is None or (row.previous_until or 0) - now() > 23 * 3_600_000
        return unseal(row.secret_sealed), None if before is None else unseal(before)

    answer = world.post(f"{path}rotate-secret/", "ada", json={"secret_token": "the second"})
    shown = {**hook, "secret_token": "th********"}
    assert answer.get_json() == {"secret": "the second", "webhook": shown}
    assert secrets() == ("the second", BODY["secret_token"])
    again = world.post(f"{path}rotate-secret/", "ada", json={"secret_token": "the second"})
    assert again.status_code == 200
    assert secrets() == ("the second", BODY["secret_token"])  # a repeat changes nothing
    random = world.post(f"{path}rotate-secret/", "ada").get_json()["secret"]
    assert len(key_of(random)) == 24
    assert secrets() == (random, "the second")
    world.put(path, "ada", json={**BODY, "secret_token": "by PUT"})
    assert secrets() == ("by PUT", random)
    for bad in ("", "x" * 101, "a\nb"):
        answer = world.post(f"{path}rotate-secret/", "ada", json={"secret_token": bad})
        assert pointers(answer) == ["/secret_token"]
    problem(world.post(f"{path}rotate-secret/", "ben"), 403)


def test_a_webhook_that_asks_to_be_verified_waits(scene: Match) -> None:
    world = scene.world
    hook = made(scene, verify=True, events=["timeframe.computed", "activity.updated"])
    assert (hook["state"], hook["verify"]) == ("pending", True)
    assert "challenge" in hook["reason"]
    assert hook["events"] == ["timeframe.computed", "activity.updated"]
    (delivery,) = world.get(f"/webhooks/{hook['id']}/deliveries/", "ada").get_json()["results"]
    assert (delivery["kind"], delivery["state"]) == ("verification", "pending")
    problem(world.post(f"/webhooks/{hook['id']}/enable/", "ada"), 409)
    path = f"/activities/{scene.activity}/webhooks/{hook['id']}/"
    changed = world.put(path, "ada", json={**hook, "verify": False}).get_json()
    assert (changed["state"], changed["reason"]) == ("active", None)


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
    problem(world.get(path, "ada"), 404)
