"""Too many requests: per client, per device, per address; and what happens without Redis."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from flask import Flask
from structlog.testing import capture_logs

from core.api import throttle
from core.api.platform import KEY as PLATFORM
from core.config import Config, ConfigError
from core.doorbell import connect
from core.models.db import Database
from tests.contract.conftest import SECRET_KEY, World
from tests.contract.scenes import device, problem


@pytest.fixture
def db(db_sqlite: Database) -> Database:
    return db_sqlite


@pytest.fixture
def config(tmp_path: Any, redis_url: str) -> Iterator[Config]:
    """A hundredth of every limit: standard clients get 10 at once and 1 a second."""
    connection = redis.Redis.from_url(redis_url)
    connection.flushall()
    yield Config.load(
        {}, data_dir=str(tmp_path), secret_key=SECRET_KEY, redis_url=redis_url, throttle="0.01"
    )
    connection.flushall()
    connection.close()


def test_a_client_is_held_to_its_class(world: World) -> None:
    token, other = world.login("ada"), world.login("ben")
    answers = [world.get("/account/", token=token) for _ in range(9)]
    answers += [world.get("/account/", token=other) for _ in range(3)]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert answers[0].headers["RateLimit-Limit"] == "10"
    left = [int(answer.headers["RateLimit-Remaining"]) for answer in answers[:10]]
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    body = problem(answers[10], 429)
    assert body["code"] == "too_many_requests"
    assert answers[10].headers["Retry-After"] == "1"
    assert answers[10].headers["RateLimit-Remaining"] == "0"
    time.sleep(1.1)
    assert world.get("/account/", token=token).status_code == 200


Counted = tuple[throttle.Throttle, list[int]]


@pytest.fixture
def counted(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """A throttle with the limits as they are, and how many tokens each of its trips took."""
    made = throttle.Throttle(app.extensions[PLATFORM].redis, world.db, 1.0)
    taken: list[int] = []
    take = made._take

    def counting(keys: list[str], args: list[float]) -> Any:
        answer = take(keys, args)
        taken.append(int(answer[0]))
        return answer

    monkeypatch.setattr(made, "_take", counting)
    return made, taken


def test_a_busy_caller_takes_tokens_by_the_handful(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every token counts once, in far fewer trips; an idle while makes it one token again."""
    made, taken = counted
    moments = iter(range(10**6))
    monkeypatch.setattr(throttle.time, "monotonic", lambda: next(moments) / 1e5)
    verdicts = [made.of_address("192.0.2.1") for _ in range(200)]
    assert all(verdict is not None and verdict.taken for verdict in verdicts)
    most = throttle.ADDRESS[0] * throttle.LARGEST_HANDFUL_SECONDS
    assert taken[:3] == [1, 2, 4]
    assert max(taken) == most
    assert 200 <= sum(taken) < 200 + most
    assert len(taken) < 200 / most + 5
    monkeypatch.setattr(throttle.time, "monotonic", lambda: 10**6)
    before = len(taken)
    made.of_address("192.0.2.1")
    assert taken[before:] in ([0], [1])


def test_an_unhurried_caller_pays_later(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a second, a twentieth of the flow and no more: one trip in six, and no token is lost.
    Where the bucket is not half full, each pays at once."""
    made, taken = counted
    seconds = iter(range(10**6))
    monkeypatch.setattr(throttle.time, "monotonic", lambda: next(seconds) / 2)
    verdicts = [made.of_address("192.0.2.2") for _ in range(3 * 6)]
    assert taken == [1, 6, 6]
    assert all(verdict is not None and verdict.taken for verdict in verdicts)
    assert all(980 < verdict.left < 1000 for verdict in verdicts if verdict)
    monkeypatch.setattr(throttle, "ADDRESS", (100.0, 30.0))
    for _ in range(20):
        made.of_address("192.0.2.3")
    taken.clear()
    for _ in range(3):
        made.of_address("192.0.2.3")
    assert taken == [1, 1, 1]


def test_another_class_another_limit(world: World) -> None:
    path = f"/admin/clients/{world.oauth.id}/"
    assert world.call("PATCH", path, "admin", json={"throttle_class": "high"}).status_code == 200
    world.client.application.extensions[throttle.KEY]._classes.clear()
    answers = [world.get("/account/", "ada") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].headers["RateLimit-Limit"] == "100"


def test_addresses_and_those_who_guess_tokens(world: World) -> None:
    answers = [world.get("/account/", token=f"guess-{n}") for n in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    body = {"username": "eva", "email": "eva@club.example"}
    problem(world.post("/managers/", json=body), 429)
    assert world.client.get("/healthz").status_code == 200
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert world.post("/managers/", json=body, environ_base=elsewhere).status_code == 201


def test_a_device_has_a_bucket_of_its_own(world: World) -> None:
    made = device(world)
    path = f"/devices/{made['id']}/samples/"
    batch = {"batch": "b", "columns": {"gnss.timestamp": [1_590_868_800_000]}}
    answers = [world.post(path, token=made["uplink_token"], json=batch) for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].headers["RateLimit-Limit"] == "40"


def test_usage_is_counted(app: Flask, world: World) -> None:
    token = world.login("ada")
    answers = [world.get("/account/", token=token).status_code for _ in range(15)]
    refused = answers.count(429)
    assert refused
    time.sleep(1.1)
    world.call("PATCH", "/admin/clients/999/", "admin", json={})
    time.sleep(1.1)
    usage = world.get(f"/admin/clients/{world.oauth.id}/usage/", "admin").get_json()["results"]
    (day,) = usage
    served = len(answers) - refused + 2  # and the two that ask
    assert (day["requests"], day["refused"]) == (served, refused)


def test_without_redis_requests_are_served_logged_and_counted(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = connect("unix:///nonexistent/redis.sock")
    made = throttle.Throttle(away, world.db, 0.01)
    monkeypatch.setitem(app.extensions, throttle.KEY, made)
    with capture_logs() as logged:
        answers = [world.get("/account/", "ada") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit-Limit" not in answers[0].headers
    assert made.unjudged >= 20
    said = [line for line in logged if "Redis does not answer" in line["event"]]
    assert len(said) == 1
    assert said[0]["log_level"] == "warning"


@pytest.mark.parametrize("text", ["off", "0", "-1", "nan", "inf"])
def test_the_setting(text: str) -> None:
    assert Config.load({"TOUCHLINE_THROTTLE": "on"}).throttle == 1
    assert Config.load({"TOUCHLINE_THROTTLE": "2.5"}).throttle == 2.5
    with pytest.raises(ConfigError, match="THROTTLE"):
        Config.load({"TOUCHLINE_THROTTLE": text})
