"""``GET /metrics``: who may look, and that what is counted is what happened."""

import time
from typing import Any

import pytest
import redis
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from core.api import throttle
from core.api.platform import KEY
from core.config import Config, ConfigError
from core.doorbell import ALIVE_WORKER, connect
from core.models.db import Database
from core.models.outbox import TICK, owe
from tests.contract.conftest import SECRET_KEY, World
from tests.contract.scenes import device, problem

Numbers = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def numbers(world: World, **kw: Any) -> Numbers:
    answer = world.client.get("/metrics", **kw)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/plain"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: Numbers, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0)


def test_what_is_counted(world: World, db: Database, config: Config) -> None:
    made = device(world)
    with redis.Redis.from_url(config.redis_url) as connection:
        connection.set(f"{ALIVE_WORKER}one", "", ex=15)
    before = numbers(world)
    for _ in range(3):
        world.get("/devices/999/", "ada")
    world.client.open("/nowhere", method="BREW")
    batch = {"batch": "b", "columns": {"gnss.timestamp": [1_590_868_800_000, 1_590_868_801_000]}}
    for _ in range(2):
        sent = world.post(f"/devices/{made['id']}/samples/", token=made["uplink_token"], json=batch)
        assert sent.status_code == 200
    db.write(lambda session: owe(session, TICK, 1))
    db.write(lambda session: owe(session, TICK, 2, due=int(time.time() * 1000) - 60_000))
    after = numbers(world)

    def more(name: str, **labels: str) -> float:
        return of(after, name, **labels) - of(before, name, **labels)

    route = "/api/v1/devices/<int:device>/"
    assert more("touchline_requests_total", route=route, method="GET", status="404") == 3
    assert more("touchline_request_seconds_count", route=route, method="GET") == 3
    assert more("touchline_requests_total", route="unknown", method="other", status="404") == 1
    assert more("touchline_samples_accepted_total") == 2  # the repeat is none
    assert more("touchline_outbox_owed", topic="tick") == 2
    assert more("touchline_outbox_overdue", topic="tick") == 1
    assert of(after, "touchline_workers_alive") >= 1
    for part in ("database", "redis"):
        assert of(after, "touchline_up", part=part) == 1
    assert of(after, "process_resident_memory_bytes") > 0


def test_without_redis(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    away = connect("unix:///nonexistent/redis.sock")
    parts = app.extensions[KEY]
    monkeypatch.setitem(app.extensions, KEY, type(parts)(**{**vars(parts), "redis": away}))
    made = throttle.Throttle(away, world.db, 1.0)
    monkeypatch.setitem(app.extensions, throttle.KEY, made)
    before = numbers(world)
    world.get("/account/", "ada")
    after = numbers(world)
    assert of(after, "touchline_up", part="redis") == 0
    assert of(after, "touchline_up", part="database") == 1
    gained = of(after, "touchline_unjudged_total") - of(before, "touchline_unjudged_total")
    assert gained == made.unjudged > 0


@pytest.mark.parametrize(
    ("address", "headers", "allowed"),
    [
        ("127.0.0.1", {}, True),
        ("127.8.8.8", {}, True),
        ("::1", {}, True),
        ("192.0.2.7", {}, False),
        ("", {}, False),
        # Somebody behind a proxy on this machine.
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, False),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, False),
    ],
)
def test_who_may_look(world: World, address: str, headers: dict[str, str], allowed: bool) -> None:
    elsewhere = {"REMOTE_ADDR": address}
    if allowed:
        assert numbers(world, environ_base=elsewhere, headers=headers)
    else:
        problem(world.client.get("/metrics", environ_base=elsewhere, headers=headers), 403)


def test_429s_are_counted(world: World, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = app.extensions[KEY]
    tight = throttle.Throttle(parts.redis, world.db, 0.001)
    monkeypatch.setitem(app.extensions, throttle.KEY, tight)
    before = of(numbers(world), "touchline_throttled_total", counted_for="address")
    answers = [world.get("/account/", token="unknown").status_code for _ in range(4)]
    assert 429 in answers
    after = of(numbers(world), "touchline_throttled_total", counted_for="address")
    assert after - before == answers.count(429)


def test_the_setting() -> None:
    allowed = Config.load({"TOUCHLINE_METRICS_ALLOW": "10.0.0.0/8, 192.0.2.7"}).metrics_allow
    assert allowed == "10.0.0.0/8,192.0.2.7/32"
    with pytest.raises(ConfigError, match="METRICS_ALLOW"):
        Config.load({"TOUCHLINE_METRICS_ALLOW": "10.0.0.1/8", "TOUCHLINE_SECRET_KEY": SECRET_KEY})
