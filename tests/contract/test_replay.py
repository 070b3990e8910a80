"""Replays by REST and socket: asked for, played by the worker's code over real Redis, followed."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.api.platform import KEY
from core.clock import now
from core.models import ComputedData, Replay, TimeFrame
from core.pipeline import replay
from core.pipeline.publish import Publisher
from core.services.replays import AT_ONCE
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, permit, problem
from tests.contract.test_computed import fold, run_at_3_m_per_s
from tests.sockets import closing, dial, receive, served

AGES = ("2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z")


# What does not ask the database anything of its own.
pytestmark = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


@pytest.fixture
def scene(world: World) -> Match:
    scene = match(world)
    permit(world, "ben", "READ", span=AGES)
    return scene


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    with served(app) as url:
        yield url


def ask(world: World, frame: int, user: str = "ben", **body: Any) -> Any:
    return world.post(f"/timeframes/{frame}/replay/", user, json=body)


def test_a_finished_frame_is_told_again(
    app: Flask, world: World, scene: Match, url: str, registry: Any
) -> None:
    run_at_3_m_per_s(scene)
    frame = scene.frame()
    fold(scene, registry, frame)
    given = ask(world, frame, speed=100).get_json()
    assert (given["timeframe"], given["speed"]) == (frame, 100.0)
    publisher = Publisher(app.extensions[KEY].redis)
    first = {"token": world.tokens["ben"]}
    with dial(url + given["path"], first) as socket:
        assert receive(socket) == {"message": "Authorized"}
        deadline = time.monotonic() + 20
        while not publisher.listeners(given["replay"]) and time.monotonic() < deadline:
            time.sleep(0.02)
        replay_id = world.db.read(lambda s: s.scalar(select(Replay.id)))
        while replay.step(world.db, registry, publisher.listeners, publisher.tell, replay_id):
            time.sleep(0.1)
        has: dict[str, Any] = {}
        while not has.get("replay", {}).get("final"):
            message = receive(socket)
            assert message["seq"] > has.get("seq", 0)
            has |= message
        assert closing(socket) == (1000, "the replay has ended")
    stored = world.db.read(lambda s: s.scalar(select(ComputedData.document)))
    assert has["digest"] == stored["digest"]
    assert has["input"] == stored["input"]
    with dial(url + given["path"], first) as socket:
        assert closing(socket)[0] == 4404  # it is over


def test_who_may_and_how_many(world: World, scene: Match, url: str) -> None:
    frame = scene.frame()
    assert ask(world, frame, "noe").status_code == 201  # the athlete's own
    for _ in range(AT_ONCE):
        given = ask(world, frame)
        assert given.status_code == 201
    assert problem(ask(world, frame), 429)["detail"].startswith("4 replays are open")
    permit(world, "ada", "READ", span=AGES)
    assert ask(world, frame, "ada").status_code == 201  # of each user
    with dial(url + given.get_json()["path"], {"token": world.tokens["ada"]}) as socket:
        assert closing(socket)[0] == 4403


@pytest.mark.parametrize("speed", [0.05, 101, "fast", "1", True, None, 1e400])
def test_speeds_out_of_bounds(world: World, scene: Match, speed: Any) -> None:
    assert ask(world, scene.frame(), speed=speed).status_code == 400


def test_a_frame_that_has_not_ended(world: World, scene: Match) -> None:
    frame = scene.frame()
    world.db.write(lambda s: setattr(s.get_one(TimeFrame, frame), "end_time", now() + 60_000))
    assert "not ended" in problem(ask(world, frame), 409)["detail"]
    assert ask(world, 999_999).status_code == 404
