"""The three streams over real Redis: what is given first, what follows, who is let in and out."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from flask import Flask
from sqlalchemy import delete, update
from websockets.sync.client import ClientConnection

from core import clock
from core.api import streams
from core.api.platform import KEY
from core.channels import LIVE_ACTIVITY, RIGHTS, Live
from core.doorbell import bell
from core.models import ComputedData, ComputeState, OAuthToken, Permission
from core.pipeline import merge
from core.pipeline.increments import Announcer
from core.sport.registry import registry
from core.sport.versions import stamp
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, own, permit
from tests.sockets import closing, dial, receive, served

AGES = ("2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z")


VERSIONS = stamp(registry().sport("soccer"))

# What does not ask the database anything of its own.
any_engine = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


@dataclass
class Stage:
    """Ada's match, whom ``ben`` may follow, on a served platform."""

    world: World
    match: Match
    url: str
    redis: redis.Redis

    def dial(self, path: str, user: str = "ben", **first: Any) -> ClientConnection:
        """A socket that was let in."""
        socket = self.ask(path, user, **first)
        assert receive(socket) == {"message": "Authorized"}
        return socket

    def ask(self, path: str, user: str = "ben", **first: Any) -> ClientConnection:
        token = self.world.tokens.setdefault(user, "") or self.world.login(user)
        self.world.tokens[user] = token
        return dial(f"{self.url}/api/v1/ws/{path}", {"token": token, **first})

    def frames(self, frame: int | None = None) -> str:
        activity = f"computed-data/{self.match.activity}/"
        return activity if frame is None else f"{activity}{frame}/"

    def publish(self, key: int, seq: int, **data: Any) -> int:
        packed = Live(key, seq, json.dumps(data).encode()).pack()
        return self.redis.publish(f"{LIVE_ACTIVITY}{self.match.activity}", packed)

    def store(self, frame: int, revision: int, **document: Any) -> None:
        """What a compute job commits, without its metrics."""

        def work(session: Any) -> None:
            session.execute(delete(ComputedData).where(ComputedData.timeframe_id == frame))
            session.add(
                ComputedData(
                    timeframe_id=frame,
                    edition=1,
                    document=document,
                    digest="",
                    fingerprint="",
                    created=clock.now(),
                )
            )
            state = ComputeState(
                timeframe_id=frame, edition=1, revision=revision, versions=VERSIONS
            )
            session.merge(state)

        self.world.db.write(work)


@pytest.fixture
def stage(app: Flask, world: World) -> Iterator[Stage]:
    parts = app.extensions[KEY]
    announcer = Announcer(parts.redis)
    parts.writer._tell = announcer.tell
    world.db.rights_changed = bell(parts.redis, RIGHTS)
    scene = match(world)
    permit(world, "ben", "READ", span=AGES)
    with ExitStack() as stack:
        url = stack.enter_context(served(app))
        stack.callback(announcer.close)
        stack.callback(app.extensions[streams.KEY].close)
        yield Stage(world, scene, url, parts.redis)


@any_engine
def test_a_time_frame(stage: Stage) -> None:
    frame = stage.match.frame()
    stage.store(frame, 7, total_distance=5.5, heat_map={"cell": 1}, hr_plot=[[1, 2]])
    with stage.dial(stage.frames(frame)) as socket, stage.dial(stage.frames(frame)) as second:
        first = receive(socket)
        assert first == {"seq": 7, "total_distance": 5.5}
        assert receive(second) == first
        stage.publish(frame, 7, total_distance=0)  # given already
        stage.publish(frame, 5, total_distance=0)
        stage.publish(frame + 1, 9, total_distance=0)  # another's
        assert stage.publish(frame, 8, total_distance=6.5) == 1  # one subscription for both
        for each in (socket, second):
            assert receive(each) == {"seq": 8, "total_distance": 6.5}
        stage.publish(frame, 9)
        assert receive(socket) == {"seq": 9}


@any_engine
def test_resume(stage: Stage) -> None:
    frame = stage.match.frame()
    stage.store(frame, 7, total_distance=5.5)
    with stage.dial(stage.frames(frame), after=7) as socket:
        stage.publish(frame, 8, a=1)
        assert receive(socket) == {"seq": 8, "a": 1}
    with stage.dial(stage.frames(frame), after=6) as socket:
        assert receive(socket) == {"seq": 7, "total_distance": 5.5}
    with stage.dial(stage.frames(), after={str(frame): 7}) as socket:
        stage.publish(frame, 8, a=1)
        assert receive(socket) == {"timeframe": frame, "seq": 8, "data": {"a": 1}}
    with stage.dial(stage.frames(), after={str(frame): 3}) as socket:
        data = {"total_distance": 5.5}
        assert receive(socket) == {"timeframe": frame, "seq": 7, "data": data}


def test_an_activity_and_a_frame_that_comes_later(stage: Stage) -> None:
    with stage.ask(stage.frames()) as socket:
        assert closing(socket)[0] == 4403  # without a frame it is its owner's
    with stage.dial(stage.frames(), "ada") as socket:
        permit(stage.world, "ada", "READ", span=AGES)
        frame = stage.match.frame()
        stage.publish(frame, 1, n=1)
        stage.store(frame, 2, n=2)
        seen = receive(socket)
        assert (seen["timeframe"], seen["seq"]) in ((frame, 1), (frame, 2))
        stage.publish(frame, 3, n=3)
        while seen["seq"] < 3:
            seen = receive(socket)
        assert seen == {"timeframe": frame, "seq": 3, "data": {"n": 3}}


@any_engine
def test_the_activitys_own_messages(stage: Stage) -> None:
    frame = stage.match.frame()
    with (
        stage.dial(stage.frames(), summary=True) as socket,
        stage.dial(stage.frames()) as plain,
    ):
        stage.publish(0, 4, players=2)
        stage.publish(frame, 1, n=1)
        whole = {"activity": stage.match.activity, "seq": 4, "data": {"players": 2}}
        assert receive(socket) == whole
        assert receive(socket)["timeframe"] == frame
        assert receive(plain)["timeframe"] == frame


@any_engine
def test_a_later_frame_that_is_not_permitted_is_dropped(stage: Stage) -> None:
    frame = stage.match.frame()
    with stage.dial(stage.frames(), summary=True) as socket:
        permit(stage.world, "ada", "WRITE", athlete="lea")
        hidden = stage.match.frame(athlete=stage.world.ids["lea"])
        wait_for_round(stage)
        stage.publish(hidden, 1, n=1)
        stage.publish(0, 1, of="everybody")
        stage.publish(frame, 1, n=1)
        assert receive(socket) == {"timeframe": frame, "seq": 1, "data": {"n": 1}}


def wait_for_round(stage: Stage) -> None:
    """Until the keeper has asked the database once more."""
    hub = stage.world.client.application.extensions[streams.KEY]
    before = hub._before
    hub._look.set()
    until = time.monotonic() + 10
    while hub._before is before and time.monotonic() < until:
        time.sleep(0.01)
    assert hub._before is not before


@any_engine
def test_what_redis_did_not_bring_comes_from_the_database(stage: Stage) -> None:
    frame = stage.match.frame()
    with stage.dial(stage.frames(frame)) as socket:
        stage.store(frame, 3, total_distance=1.5)
        assert receive(socket) == {"seq": 3, "total_distance": 1.5}
        stage.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        stage.store(frame, 4, total_distance=2.5)
        assert receive(socket) == {"seq": 4, "total_distance": 2.5}


def samples(t0: int, rows: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "gnss.timestamp": [t0 + 100 * i for i in range(rows)],
        "gnss.latitude": [46.5] * rows,
        "gnss.longitude": [6.6001] * rows,
        "gnss.speed": [0.5 * i for i in range(rows)],
        **more,
    }


def send(stage: Stage, batch: str, columns: dict[str, Any]) -> None:
    done = stage.world.post(
        f"/devices/{stage.match.device}/samples/",
        token=stage.match.token,
        json={"batch": batch, "columns": columns},
    )
    assert done.status_code == 200, done.text


def test_a_device(stage: Stage) -> None:
    world, tracker = stage.world, stage.match.device
    assert own(world, tracker, "ben", *AGES).status_code == 409
    assert own(world, tracker, "ben", "2021-01-01T00:00:00Z", AGES[1]).status_code == 201
    now = clock.now()
    send(stage, "b1", samples(now))
    path = f"preprocessed-data/{tracker}/"
    with stage.ask(path, "ada") as socket:
        assert closing(socket)[0] == 4403
    with stage.dial(path) as socket:
        send(stage, "b2", samples(now + 300, **{"ecg.hr": [None, 140, None]}))
        message = receive(socket)
        assert message == {
            "seq": 2,
            "gnss": {
                "timestamp": [now + 300, now + 400, now + 500],
                "latitude": [46.5] * 3,
                "longitude": [6.6001] * 3,
                "speed": [0.0, 0.5, 1.0],
            },
            "ecg": {"timestamp": now + 400, "hr": 140},
        }
        send(stage, "b2", samples(now + 300, **{"ecg.hr": [None, 140, None]}))  # a duplicate
        send(stage, "b3", {"gnss.timestamp": [now + 600], "device.Bat_lvl": [87.5]})
        assert receive(socket) == {"seq": 3, "device": {"timestamp": now + 600, "Bat_lvl": 87.5}}
    with stage.dial(path, after=1) as socket:
        assert receive(socket) == message
        assert receive(socket)["seq"] == 3
        send(stage, "b4", samples(now + 700))
        assert receive(socket)["seq"] == 4
        send(stage, "b5", samples(clock.from_iso("2020-12-31T23:00:00Z")))
        assert receive(socket) == {"seq": 5}  # measured when it was another's


WRONG: list[tuple[str, dict[str, Any], int]] = [
    ("computed-data/{activity}/{frame}/", {"after": "1"}, 1008),
    ("computed-data/{activity}/{frame}/", {"after": -1}, 1008),
    ("computed-data/{activity}/{frame}/", {"after": True}, 1008),
    ("computed-data/{activity}/", {"after": 1}, 1008),
    ("computed-data/{activity}/", {"after": {"x": 1}}, 1008),
    ("computed-data/{activity}/", {"summary": 1}, 1008),
    ("computed-data/{activity}/999/", {}, 4404),
    ("computed-data/999/{frame}/", {}, 4404),
    ("computed-data/999/", {}, 4404),
    ("preprocessed-data/999/", {}, 4404),
]


@any_engine
def test_increments_that_redis_did_not_bring_come_in_their_order(stage: Stage) -> None:
    tracker, now = stage.match.device, clock.now()
    assert own(stage.world, tracker, "ben", "2021-01-01T00:00:00Z", AGES[1]).status_code == 201
    writer = stage.world.client.application.extensions[KEY].writer
    tell = writer._tell
    with stage.dial(f"preprocessed-data/{tracker}/") as socket:
        writer._tell = lambda _: None
        send(stage, "b1", samples(now))
        send(stage, "b2", samples(now + 300))
        writer._tell = tell
        send(stage, "b3", samples(now + 600))
        seen = [receive(socket) for _ in range(3)]
        assert [message["seq"] for message in seen] == [1, 2, 3]
        assert [m["gnss"]["timestamp"][0] for m in seen] == [now, now + 300, now + 600]
    # What was merged away is read at its time.
    assert merge.merge_device(stage.world.db, tracker, "samples", clock.now() + 10**9) >= 3
    with stage.dial(f"preprocessed-data/{tracker}/", after=1) as socket:
        assert receive(socket) == seen[1]
        assert receive(socket) == seen[2]


@any_engine
def test_wrong_words(stage: Stage) -> None:
    ids = {"activity": stage.match.activity, "frame": stage.match.frame()}
    for path, first, code in WRONG:
        with stage.ask(path.format(**ids), "admin", **first) as socket:
            assert closing(socket)[0] == code, (path, first)


def test_who_is_let_in(stage: Stage) -> None:
    frame = stage.match.frame()
    expected = {
        "ben": "Authorized",  # READ now
        "admin": "Authorized",
        "ada": 4403,  # owns the frame, but may not read the athlete
        "noe": 4403,  # the athlete: the stream is for managers
    }
    for path in (stage.frames(frame), stage.frames()):
        for user, outcome in expected.items():
            with stage.ask(path, user) as socket:
                if outcome == "Authorized":
                    assert receive(socket)["message"] == outcome
                else:
                    assert closing(socket)[0] == outcome
    stage.world.tokens["ben"] = stage.world.login("ben", scope="read")
    with stage.dial(stage.frames(frame)):
        pass
    lapsed = update(Permission).values(expiration_time=clock.now() - 1000)
    stage.world.db.write(lambda session: session.execute(lapsed))
    with stage.ask(stage.frames(frame)) as socket:
        assert closing(socket)[0] == 4403


def test_rights_that_end_in_mid_stream(stage: Stage) -> None:
    world, ids, frame = stage.world, stage.world.ids, stage.match.frame()
    tracker = stage.match.device
    assert own(world, tracker, "ben", "2021-01-01T00:00:00Z", AGES[1]).status_code == 201
    paths = (stage.frames(frame), stage.frames(), f"preprocessed-data/{tracker}/")
    one, whole, samples_too = (stage.dial(path) for path in paths)
    with stage.dial(stage.frames(frame), "admin") as admin:
        stage.publish(frame, 1, n=1)
        assert [receive(each)["seq"] for each in (one, whole, admin)] == [1, 1, 1]
        path = f"/athletes/{ids['noe']}/managers/{ids['ben']}/permissions/"
        assert world.delete(path, "noe").status_code == 204
        assert closing(one)[0] == closing(whole)[0] == 4403
        assert world.post(f"/devices/{tracker}/release-ownership/", "ben").status_code == 204
        assert closing(samples_too) == (4403, "the ownership of this device has ended")
        stage.publish(frame, 2, n=2)
        assert receive(admin)["seq"] == 2
        assert world.delete(f"/timeframes/{frame}/", "ada").status_code == 204
        assert closing(admin)[0] == 4404


def test_a_right_that_ends_by_the_clock(stage: Stage) -> None:
    frame = stage.match.frame()
    soon = update(Permission).values(expiration_time=clock.now() + 1500)
    stage.world.db.write(
        lambda session: session.execute(soon.where(Permission.permission == "READ"))
    )
    with stage.dial(stage.frames(frame)) as socket:
        assert closing(socket) == (4403, "the right to follow this time frame has ended")


def test_a_token_that_ends(stage: Stage) -> None:
    frame = stage.match.frame()
    with stage.dial(stage.frames(frame)) as socket:
        stage.world.db.write(lambda s: s.execute(update(OAuthToken).values(expires=1)))
        assert closing(socket) == (4401, "the token has expired or was revoked")


@any_engine
def test_what_is_read_stands_in_the_access_log(stage: Stage) -> None:
    frame = stage.match.frame()
    path = f"/athletes/{stage.world.ids['noe']}/access-log/"
    assert stage.world.get(path, "noe").json["results"] == []
    with stage.dial(stage.frames(frame)):
        rows = stage.world.get(path, "noe").json["results"]
        assert [(row["username"], row["kind"]) for row in rows] == [("ben", "computed")]


@any_engine
def test_chatter_is_forgotten_but_not_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHATTER", 3)
    frame = stage.match.frame()
    with stage.dial(stage.frames(frame)) as socket:
        for word in ("{}", "garbage", b"\0"):
            socket.send(word)
        stage.publish(frame, 1, n=1)
        assert receive(socket) == {"seq": 1, "n": 1}
        socket.send("once more")
        assert closing(socket)[0] == 1008
