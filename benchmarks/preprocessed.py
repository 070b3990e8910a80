"""A page of preprocessed data: 25,000 rows of 20 keys as JSON.

Run ``python -m benchmarks.preprocessed``. First the bytes: from the blocks in the database to the
JSON of the page, ours against dictionaries and the standard json module, both decoding the same
blocks; the median of ROUNDS interleaved rounds. Then the event loop: the web process serves the
page to a client in another process while a greenlet wakes each millisecond; the longest it had to
wait is the stall, beside that of a loop with nothing to do.
"""

from core import serve  # isort: skip -- gevent's patch comes before everything else

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import numpy as np
from gevent import pywsgi, subprocess
from sqlalchemy.orm import Session

from core.auth import tokens
from core.clock import BEGINNING, FAR_FUTURE
from core.config import Config
from core.models import Device, User, migrate
from core.models.db import Database
from core.pipeline import rows, store
from core.pipeline.columns import CHANNELS, Columns
from core.policy import Actor
from core.services import clients, ownerships
from tests.redis_server import redis_server

ROUNDS = 7
ROWS, KEYS = 25_000, 20
T0 = 1_590_868_800_000
GOAL, LEAST, MOST_STALL = 8.0, 5.0, 5.0

CLIENT = """
import http.client, sys, time
port, path, token = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port))
for _ in sys.stdin:
    start = time.perf_counter()
    connection.request("GET", path, headers={"Authorization": "Bearer " + token})
    answer = connection.getresponse()
    first = answer.read(1)
    at = time.perf_counter()
    body = first + answer.read()
    assert answer.status == 200, body
    ms = [1000 * (t - start) for t in (at, time.perf_counter())]
    print(*ms, len(body), flush=True)
"""


def session_of_a_player() -> Columns:
    """Decimals as devices send them; in every fourth column one value in ten is absent."""
    rng = np.random.default_rng(1)
    columns: Columns = {"t": T0 + np.arange(ROWS) * 100}
    names = [*CHANNELS, *(f"more.{k}" for k in range(KEYS))][: KEYS - 1]
    for k, name in enumerate(names):
        places = (7, 7, 2, 3, 0, 0)[k % 6]
        values = (
            np.cumsum(rng.normal(0, 3 * 10.0**-places, ROWS)) + (46.5, -6.6, 372, 4, 150, 80)[k % 6]
        )
        columns[name] = np.round(values, places)
        if k % 4 == 3:
            columns[name][rng.random(ROWS) < 0.1] = np.nan
    columns["ecg.timestamp"] = np.floor(columns["t"] / 1000) * 1000.0
    return columns


def fill(session: Session) -> tuple[int, str]:
    """A device with the session and its owner: the device's id, the owner's access token."""
    manager = User(username="ada", role="MANAGER", created=0)
    device = Device(device_name="vest", serial_number="1")
    session.add_all([manager, device])
    session.flush()
    ownerships.add(session, device, manager.id, BEGINNING, FAR_FUTURE)
    client, _ = clients.create(session, Actor.operator(), "benchmark", ["password"])
    session.flush()
    pair = tokens.new_pair()
    tokens.issue(session, pair, client_id=client.id, user_id=manager.id, scope="all", seconds=3600)
    blocks = store.seal({"samples": session_of_a_player()})
    store.append_blocks(session, device.id, 1, blocks)
    return device.id, pair.access


def opened(db: Database, device: int) -> Columns:
    """The page's columns, from the database."""

    def read(session: Session) -> store.Fetched:
        counts = list(store.counted(store.survey(session, device, T0, T0 + 172_800_000)))
        return store.page(session, device, counts, 0, ROWS)

    return db.read(read).open()


def ours(db: Database, device: int) -> bytes:
    return b"[" + b",".join(rows.chunks(opened(db, device))) + b"]"


def dictionaries(db: Database, device: int) -> bytes:
    columns = opened(db, device)
    names = ["gnss.timestamp", *list(columns)[1:]]
    values = [
        column.tolist()
        if name == "t"
        else [None if value != value else value for value in column.tolist()]
        for name, column in columns.items()
    ]
    return json.dumps(
        [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
    ).encode()


def bytes_of_a_page(db: Database, device: int) -> float:
    """Prints both times; returns the median ratio."""
    assert json.loads(ours(db, device)) == json.loads(dictionaries(db, device))
    spent: dict[Callable[..., bytes], list[float]] = {ours: [], dictionaries: []}
    for _ in range(ROUNDS):
        for way, times in spent.items():
            start = time.perf_counter()
            way(db, device)
            times.append(1000 * (time.perf_counter() - start))
    ratios = [b / a for a, b in zip(spent[ours], spent[dictionaries], strict=True)]
    ratio = statistics.median(ratios)
    print(
        f"bytes of a page: ours {statistics.median(spent[ours]):.1f} ms, dictionaries and json"
        f" {statistics.median(spent[dictionaries]):.1f} ms: {ratio:.1f} times"
        f" ({min(ratios):.1f} to {max(ratios):.1f}), goal {GOAL:g}, at least {LEAST:g}"
    )
    return ratio


class Ticker:
    """A greenlet that wants to run each millisecond; ``worst``: by how many ms it was late."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._loop = gevent.spawn(self._run)

    def _run(self) -> None:
        last = time.perf_counter()
        while True:
            gevent.sleep(0.001)
            now = time.perf_counter()
            self.worst = max(self.worst, 1000 * (now - last) - 1)
            last = now

    def during(self, work: Callable[[], Any]) -> tuple[float, Any]:
        self.worst = 0.0
        result = work()
        return self.worst, result

    def stop(self) -> None:
        self._loop.kill()


@contextmanager
def served(web: serve.Web) -> Iterator[int]:
    listener = serve.listen("127.0.0.1", 0)
    server = pywsgi.WSGIServer(listener, web.app, log=None)
    server.start()
    yield listener.getsockname()[1]
    server.stop(timeout=0)


def stall(web: serve.Web, device: int, token: str) -> float:
    """Prints what the client sees; returns the median over the rounds of the worst stall, ms."""
    path = f"/api/v1/devices/{device}/preprocessed/?start={T0}&stop={T0 + 172_800_000}&limit={ROWS}"
    with served(web) as port:
        words = [sys.executable, "-c", CLIENT, str(port), path, token]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, bufsize=1) as client:

            def ask() -> list[float]:
                client.stdin.write("\n")
                client.stdin.flush()
                return [float(part) for part in client.stdout.readline().split()]

            ask()  # connections, caches
            ticker = Ticker()
            idle = [ticker.during(lambda: gevent.sleep(0.1))[0] for _ in range(ROUNDS)]
            busy = [ticker.during(ask) for _ in range(ROUNDS)]
            ticker.stop()
            client.stdin.close()
    worst = [stalled for stalled, _ in busy]
    first, whole, size = (
        statistics.median(column) for column in zip(*(a for _, a in busy), strict=True)
    )
    middle = statistics.median(worst)
    print(
        f"served under gevent: first byte {first:.1f} ms, whole {whole:.1f} ms,"
        f" {size / 1e6:.1f} MB; worst stall of the loop {middle:.1f} ms"
        f" ({min(worst):.1f} to {max(worst):.1f}), idle {statistics.median(idle):.1f} ms,"
        f" goal {MOST_STALL:g} or less"
    )
    return middle


def main() -> int:
    print(f"{ROWS} rows of {KEYS} keys, medians of {ROUNDS} rounds in turn")
    with tempfile.TemporaryDirectory() as folder, redis_server() as redis_url:
        config = Config.load(
            {}, data_dir=folder, secret_key="of no use elsewhere", redis_url=redis_url
        )
        database = Database(config.database_url)
        migrate.upgrade(database.engine)
        database.close()
        Path(config.objects_url).mkdir(parents=True, exist_ok=True)
        web = serve.build(config)
        device, token = web.db.write(fill)
        ratio = bytes_of_a_page(web.db, device)
        stalled = stall(web, device, token)
        web.close()
    return 0 if ratio >= LEAST and stalled <= MOST_STALL else 1


if __name__ == "__main__":
    sys.exit(main())
