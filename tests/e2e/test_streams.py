"""Streams from real web processes: two of them, a reader that stops, a server that stops."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from sqlalchemy import delete
from websockets.sync.client import ClientConnection

from benchmarks.fanout import fill
from core.auth import secrets
from core.channels import LIVE_ACTIVITY, Live
from core.models import Permission, TimeFrame, migrate
from core.models.db import Database
from tests.platform import TOUCHLINE, environment, stop
from tests.postgres import free_port
from tests.redis_server import redis_server
from tests.sockets import closing, dial, receive

pytestmark = pytest.mark.e2e

KEY = "for-tests-only"
MEGABYTE = 2**20


@dataclass
class Pair:
    """Two web processes over one database and one Redis; five managers may read one frame."""

    db: Database
    redis: redis.Redis
    activity: int
    frame: int
    tokens: list[str]
    urls: list[str]
    processes: list[subprocess.Popen[bytes]]

    def follow(
        self, web: int, *, whole: bool = False, person: int = 0, **options: Any
    ) -> ClientConnection:
        path = f"/api/v1/ws/computed-data/{self.activity}/" + ("" if whole else f"{self.frame}/")
        socket = dial(self.urls[web] + path, {"token": self.tokens[person]}, **options)
        assert receive(socket) == {"message": "Authorized"}
        return socket

    def publish(self, seq: int, frame: int | None = None, **data: Any) -> None:
        packed = Live(frame or self.frame, seq, json.dumps(data).encode()).pack()
        self.redis.publish(f"{LIVE_ACTIVITY}{self.activity}", packed)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("streams")
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        env = environment(folder, redis_url=redis_url, secret_key=KEY, throttle="1000000")
        secrets.use_key(KEY)
        db = Database(f"sqlite:///{folder / 'touchline.db'}")
        stack.callback(db.close)
        migrate.upgrade(db.engine)
        activity, frame, tokens = db.write(fill)
        log = stack.enter_context((folder / "web.log").open("wb"))
        urls, processes = [], []
        for _ in range(2):
            port = free_port()
            argv = [TOUCHLINE, "web", "--port", str(port)]
            process = subprocess.Popen(argv, env=env, stderr=log)
            stack.callback(end, process)
            processes.append(process)
            urls.append(f"ws://127.0.0.1:{port}")
            wait_for(port, process)
        client = stack.enter_context(redis.Redis.from_url(redis_url))
        yield Pair(db, client, activity, frame, tokens, urls, processes)


def end(process: Any) -> None:
    if process.poll() is None:
        assert stop(process) == 0


def wait_for(port: int, process: Any) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if any(c.laddr.port == port for c in psutil.Process(process.pid).net_connections("tcp")):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


def test_both_processes_give_each_message_once(pair: Pair) -> None:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(pair.follow(web, whole=whole))
            for web in (0, 1)
            for whole in (False, True)
        ]
        for seq in range(1, 4):
            pair.publish(seq, n=seq)
        for number, socket in enumerate(sockets):
            seen = [receive(socket) for _ in range(3)]
            assert [message["seq"] for message in seen] == [1, 2, 3]
            assert ("timeframe" in seen[0]) == (number % 2 == 1)


def test_a_reader_that_stops_reading_delays_nobody_and_misses_no_key(pair: Pair) -> None:
    """What it did not take comes as one message: newer keys over older ones."""
    filler = "x" * MEGABYTE
    with pair.follow(0) as healthy, pair.follow(0, max_queue=1) as lazy:
        for seq in range(10, 40):
            pair.publish(seq, **{f"key{seq}": seq, "filler": filler})
            assert receive(healthy)["seq"] == seq
        seen = [receive(lazy)]
        while seen[-1]["seq"] < 39:
            seen.append(receive(lazy))
    numbers = [message["seq"] for message in seen]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 30
    assert {key for message in seen for key in message} >= {f"key{n}" for n in range(10, 40)}


def test_a_right_taken_by_another_process_ends_the_stream(pair: Pair) -> None:
    """No bell rings here: the keeper finds it."""
    with pair.follow(0, person=4) as socket, pair.follow(1, person=3) as other:
        pair.db.write(lambda session: session.execute(delete(Permission).where(Permission.id == 5)))
        begun = time.monotonic()
        assert closing(socket)[0] == 4403
        spent = time.monotonic() - begun
        pair.publish(50, n=50)
        assert receive(other)["seq"] == 50
        assert spent < 10  # 2 s; the machine may be busy


def test_a_frame_that_comes_later_and_a_server_that_stops(pair: Pair) -> None:
    with pair.follow(1, whole=True) as socket:

        def later(session: Any) -> int:
            frame = session.get(TimeFrame, pair.frame)
            columns = {c.name: getattr(frame, c.name) for c in TimeFrame.__table__.columns}
            added = TimeFrame(**{**columns, "id": None})
            session.add(added)
            session.flush()
            return added.id

        frame = pair.db.write(later)
        until = time.monotonic() + 20
        seen: dict[str, Any] = {}
        seq = 0
        while seen.get("timeframe") != frame and time.monotonic() < until:
            seq += 1
            pair.publish(seq, frame, n=seq)
            try:
                seen = receive(socket, timeout=0.3)
            except TimeoutError:
                continue
        assert seen["timeframe"] == frame
        pair.processes[1].terminate()
        assert closing(socket)[0] == 1001
        assert pair.processes[1].wait(15) == 0
