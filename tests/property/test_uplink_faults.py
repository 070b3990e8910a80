"""Whatever happens to a device's connections, what is stored is what one sorted batch would be.

A device sends numbered batches through the real socket, in either form, several ahead of their
answers. Its line is cut, in mid-message too; commits fail, before or after they took effect; the
merge runs in between. It resumes from ``last``, as docs/api/uplink.md tells it.
"""

import json
import socket as sockets
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from core.app import create_app
from core.auth.secrets import hash_token
from core.config import Config
from core.models import Device, UplinkBatch, migrate
from core.models.db import Database
from core.pipeline import merge, store, uplink
from core.pipeline.objects import ObjectStore
from core.pipeline.writer import Writer
from core.sport import registry
from tests.redis_server import redis_server
from tests.sockets import dial, receive, served
from tests.unit.pipeline.arrow_batches import as_arrow
from tests.unit.pipeline.samples import T0, new_device, rows

BEFORE, AFTER = "before", "after"


@dataclass
class Server:
    """The application behind a real socket, whose next commits may be told to fail."""

    url: str
    db: Database
    faults: deque[str] = field(default_factory=deque)

    def run(self, work: Any) -> Any:
        ours = threading.current_thread().name == "writer"
        fault = self.faults.popleft() if ours and self.faults else None
        if fault == BEFORE:
            raise RuntimeError("refused by the test")
        result = work()
        if fault == AFTER:
            raise RuntimeError("committed, but the test hides it")
        return result


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("uplink")
    db = Database(f"sqlite:///{folder / 'touchline.db'}")
    migrate.upgrade(db.engine)
    with ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        config = Config.load(
            {}, data_dir=str(folder), secret_key="for tests", redis_url=redis_url, throttle="1000"
        )
        writer = Writer(db)
        stack.callback(db.close)
        stack.callback(writer.close)
        app = create_app(
            config,
            db=db,
            redis=redis.Redis.from_url(redis_url),
            registry=registry.registry(),
            writer=writer,
            objects=ObjectStore(folder),
        )
        made = Server(stack.enter_context(served(app)), db)
        db.run_writes = made.run
        yield made


class Tracker:
    """A device as the protocol wants it: it keeps what is not acknowledged."""

    def __init__(self, server: Server) -> None:
        self.id, self._server = new_device(server.db), server
        self._token = f"token of {self.id}"
        server.db.write(lambda s: s.get(Device, self.id).__setattr__(
            "uplink_token_hash", hash_token(self._token)))  # fmt: skip
        self.kept: dict[int, dict[str, Any]] = {}
        self._socket: ClientConnection | None = None

    def send(self, batch: dict[str, Any], arrow: bool) -> None:
        self.kept[batch["n"]] = batch
        self._say(batch, arrow)

    def repeat(self, arrow: bool) -> None:
        """Everything that is kept once more, on the same connection."""
        for batch in self.kept.values():
            self._say(batch, arrow)

    def cut(self, unfinished: bool) -> None:
        """The line breaks; with ``unfinished`` in the middle of a batch that was not sent yet."""
        if self._socket is None:
            return
        with suppress(OSError):
            if unfinished:
                self._socket.socket.sendall(b"\x81\xfe\x10\x00\0\0\0\0" + b'{"n": 999, "batch"')
            self._socket.socket.shutdown(sockets.SHUT_RDWR)
        self._socket.close()
        self._socket = None

    def finish(self) -> None:
        """Until everything is acknowledged."""
        while self.kept:
            connected = self._connected()
            if not self.kept:  # all of it was committed before the line broke
                break
            try:
                answer = receive(connected)
            except ConnectionClosed:
                self._socket = None
                continue
            if "ack" in answer:
                self.kept.pop(answer["ack"], None)
            else:
                assert answer["error"] == "unavailable", answer
        self._connected().close()

    def _say(self, batch: dict[str, Any], arrow: bool) -> None:
        try:
            self._connected().send(as_arrow(batch, rows=3) if arrow else json.dumps(batch))
        except ConnectionClosed:
            self._socket = None  # it is kept; the next connection resumes

    def _connected(self) -> ClientConnection:
        if self._socket is None:
            url = f"{self._server.url}/api/v1/ws/uplink/{self.id}/"
            self._socket = dial(url, {"token": self._token})
            last = receive(self._socket)["last"]
            self.kept = {n: batch for n, batch in self.kept.items() if n > last}
            for batch in list(self.kept.values()):
                self._say(batch, arrow=False)
        assert self._socket is not None
        return self._socket


@st.composite
def batches(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Numbered batches on a coarse clock, so that their times meet; numbers may be left out."""
    made, n = [], 0
    for number in range(draw(st.integers(2, 6))):
        n += draw(st.integers(1, 3))
        ticks = sorted(draw(st.sets(st.integers(0, 12), min_size=1, max_size=6)))
        speed = [draw(st.none() | st.just(number + k / 8)) for k in range(len(ticks))]
        columns = {"gnss.timestamp": [T0 + 1000 * tick for tick in ticks], "gnss.speed": speed}
        made.append({"batch": f"b{number}", "n": n, "columns": columns})
    return made


events = st.lists(
    st.sampled_from(["send", "send", "send", "repeat", "cut", "cut short", BEFORE, AFTER, "merge"]),
    max_size=14,
)


@settings(
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(batches(), events, st.lists(st.booleans(), min_size=30, max_size=30))
def test_faults_change_nothing(
    server: Server, made: list[dict[str, Any]], happens: list[str], forms: list[bool]
) -> None:
    server.faults.clear()
    tracker, waiting, form = Tracker(server), deque(made), iter(forms)
    for event in [*happens, *["send"] * len(made)]:
        if event == "send" and waiting:
            tracker.send(waiting.popleft(), next(form))
        elif event == "repeat":
            tracker.repeat(next(form))
        elif event.startswith("cut"):
            tracker.cut(unfinished=event == "cut short")
        elif event in (BEFORE, AFTER):
            server.faults.append(event)
        elif event == "merge":
            merge.merge_device(server.db, tracker.id, "samples", T0 + merge.QUIET)
    tracker.finish()

    ledger = select(UplinkBatch).where(UplinkBatch.device_id == tracker.id)
    found = server.db.read(lambda s: s.scalars(ledger.order_by(UplinkBatch.seq)).all())
    assert [(row.batch, row.number) for row in found] == [(b["batch"], b["n"]) for b in made]
    whole = one_sorted_batch(made)
    stored = server.db.read(lambda s: store.read(s, tracker.id, "samples", T0, T0 + 10**6))
    assert rows(stored) == rows(whole.streams["samples"])
    assert uplink.content_hash({"samples": stored}) == whole.content_hash


def one_sorted_batch(made: list[dict[str, Any]]) -> uplink.Batch:
    """Each time once, as the batch with the highest number has it."""
    last: dict[int, float | None] = {}
    for batch in made:
        columns = batch["columns"]
        last |= dict(zip(columns["gnss.timestamp"], columns["gnss.speed"], strict=True))
    times = sorted(last)
    columns = {"gnss.timestamp": times, "gnss.speed": [last[t] for t in times]}
    body = json.dumps({"batch": "whole", "columns": columns}).encode()
    return uplink.parse(body, int(np.max(times)))
