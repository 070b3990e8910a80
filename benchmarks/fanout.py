"""Fan-out: one message to many sockets, ours beside a broadcast of websockets on uvloop.

Run ``python -m benchmarks.fanout``. Both servers live at once, each a process of its own on one
core; their readers are one process on the other core, with Redis and the publisher. A message goes
to Redis once, from there through either server to all of its readers; rounds alternate.

1. 1,000 readers, 1 kB a second: latency from publishing to parsed by the reader (p50, p99) and CPU
   of the server for each send. Goal: 0.9 of the anchor's or less.
2. 15 % of the readers stop reading: the others get every message.
3. 5,000 sockets open on one process of ours: memory of each, and a message reaches all.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import redis
import uvloop
from sqlalchemy.orm import Session

from benchmarks import readers
from benchmarks.readers import Reader
from core.auth import secrets, tokens
from core.channels import LIVE_ACTIVITY, Live
from core.clock import BEGINNING, FAR_FUTURE
from core.models import Activity, Device, JsonSchema, Permission, TimeFrame, User, migrate
from core.models.db import Database
from core.policy import Actor
from core.services import clients
from tests.platform import TOUCHLINE, environment, stop
from tests.postgres import free_port
from tests.redis_server import redis_server

GOAL = 0.9
PEOPLE = 5  # managers whose sockets they are: one account may have 2,000
KEY = "for benchmarks only"

ANCHOR = """
import asyncio, sys
import redis.asyncio
import uvloop
from websockets.asyncio.server import broadcast, serve

url, port, channel = sys.argv[1], int(sys.argv[2]), sys.argv[3]
readers = set()

async def serve_one(connection):
    await connection.send('{"message": "Authorization needed"}')
    await connection.recv()
    await connection.send('{"message": "Authorized"}')
    readers.add(connection)
    try:
        await connection.wait_closed()
    finally:
        readers.discard(connection)

async def main():
    pubsub = redis.asyncio.Redis.from_url(url).pubsub()
    await pubsub.subscribe(channel)
    async with serve(serve_one, "127.0.0.1", port, compression=None, ping_interval=25):
        print("ready", flush=True)
        async for message in pubsub.listen():
            if message["type"] == "message":
                broadcast(readers, message["data"].split(b" ", 2)[2].decode())

uvloop.run(main())
"""


@dataclass
class Server:
    """A running server and its readers."""

    name: str
    port: int
    path: str
    channel: str
    process: psutil.Process
    tokens: Sequence[str]
    seq: int = 0
    readers: list["Timed"] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # us for each send, by round
    ms: list[list[float]] = field(default_factory=list)  # latencies, by round

    def busy(self) -> float:
        spent = self.process.cpu_times()
        return spent.user + spent.system

    @property
    def megabytes(self) -> float:
        return self.process.memory_info().rss / 1e6


class Timed(Reader):
    """Counts its messages and how late they are, ms."""

    def __init__(self, server: Server, number: int) -> None:
        super().__init__(server.path, server.tokens[number % len(server.tokens)])
        self.count = 0
        self.late: list[float] = []

    def hear(self, payload: bytes) -> None:
        self.count += 1
        self.late.append((time.time_ns() - orjson.loads(payload)["at"]) / 1e6)


async def connect(server: Server, count: int) -> None:
    """Open this many readers more."""
    first = len(server.readers)
    numbers = range(first, first + count)
    server.readers += await readers.connect(server.port, numbers, lambda n: Timed(server, n))


def hang_up(server: Server) -> None:
    for reader in server.readers:
        reader.transport.abort()
    server.readers.clear()


def publish(client: redis.Redis, server: Server, frame: int, size: int) -> None:
    server.seq += 1
    body = {"at": time.time_ns(), "total_distance": server.seq, "filler": ""}
    body["filler"] = "x" * (size - len(json.dumps(body)))
    client.publish(server.channel, Live(frame, server.seq, json.dumps(body).encode()).pack())


async def rounds(
    client: redis.Redis, server: Server, frame: int, messages: int, size: int, seconds: float
) -> None:
    """One round: its latencies and its CPU are kept with the server."""
    for reader in server.readers:
        reader.late.clear()
    expected = [reader.count + messages for reader in server.readers]
    before = server.busy()
    for _ in range(messages):
        publish(client, server, frame, size)
        await asyncio.sleep(seconds)
    async with asyncio.timeout(30):
        while any(r.count < n for r, n in zip(server.readers, expected, strict=True)):
            await asyncio.sleep(0.01)
    sends = messages * len(server.readers)
    server.cpu.append(1e6 * (server.busy() - before) / sends)
    server.ms.append(sorted(ms for reader in server.readers for ms in reader.late))


def quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def compare(client: redis.Redis, pair: Sequence[Server], frame: int, asked: Any) -> bool:
    """Part 1: prints both and the ratios of medians over the rounds."""
    for server in pair:
        await connect(server, asked.sockets)
    for number in range(asked.rounds + 1):
        for server in pair if number % 2 else reversed(pair):
            await rounds(client, server, frame, asked.messages, 1000, asked.seconds)
            if not number:  # the first only warms up
                server.cpu.clear(), server.ms.clear()
    for server in pair:
        p50, p99 = (
            statistics.median(quantile(ms, share) for ms in server.ms) for share in (0.5, 0.99)
        )
        print(
            f"{asked.sockets} sockets, 1 kB each {asked.seconds:g} s, {server.name}: p50 {p50:.1f}"
            f" ms, p99 {p99:.1f} ms, {statistics.median(server.cpu):.1f} us of CPU a send"
        )
    p99s = statistics.median(
        quantile(a, 0.99) / quantile(b, 0.99) for a, b in zip(pair[0].ms, pair[1].ms, strict=True)
    )
    cpu = statistics.median(a / b for a, b in zip(pair[0].cpu, pair[1].cpu, strict=True))
    print(f"ours / anchor: p99 {p99s:.2f}, CPU a send {cpu:.2f}; goal {GOAL:g} or less")
    return p99s <= GOAL and cpu <= GOAL


async def stalled(client: redis.Redis, pair: Sequence[Server], frame: int, asked: Any) -> bool:
    """Part 2: part of the readers stop reading; messages of 64 kB fill what the kernel keeps."""
    fine = True
    for server in pair:
        hang_up(server)
        await connect(server, asked.stall_sockets)
        lazy = server.readers[:: round(1 / 0.15)]
        healthy = [reader for reader in server.readers if reader not in lazy]
        for reader in lazy:
            reader.transport.pause_reading()
        memory = server.megabytes
        for _ in range(asked.stall_messages):
            publish(client, server, frame, 64_000)
            await asyncio.sleep(0.05)
        until = time.monotonic() + 15
        wanted = asked.stall_messages * len(healthy)
        while (got := sum(r.count for r in healthy)) < wanted and time.monotonic() < until:
            await asyncio.sleep(0.05)
        late = sorted(ms for reader in healthy for ms in reader.late)
        print(
            f"{len(lazy)} of {len(server.readers)} readers stalled, {asked.stall_messages} messages"
            f" of 64 kB, {server.name}: {100 * got / wanted:.1f} % reach the healthy, p99"
            f" {quantile(late, 0.99):.1f} ms; memory grew by {server.megabytes - memory:.0f} MB"
        )
        fine = fine and (got == wanted or server is not pair[0])
        hang_up(server)
    return fine


async def many(client: redis.Redis, pair: Sequence[Server], frame: int, asked: Any) -> bool:
    """Part 3: the anchor's memory is printed beside ours."""
    fine = True
    for server in pair:
        await asyncio.sleep(5)  # the sockets of before are gone
        memory, begun = server.megabytes, time.monotonic()
        await connect(server, asked.many)
        took = time.monotonic() - begun
        each = 1000 * (server.megabytes - memory) / asked.many
        publish(client, server, frame, 1000)
        until = time.monotonic() + 30
        while any(not r.count for r in server.readers) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        reached = sum(r.count > 0 for r in server.readers)
        print(
            f"{asked.many} sockets open, {server.name}: {server.megabytes:.0f} MB, {each:.0f} kB"
            f" each, opened in {took:.0f} s; a message reached {reached}"
        )
        fine = fine and reached == asked.many
        hang_up(server)
    return fine


def fill(session: Session) -> tuple[int, int, list[str]]:
    """An activity with a time frame that ``PEOPLE`` managers may read: ids, and their tokens."""
    people = [User(username=f"m{n}", role="MANAGER", created=0) for n in range(PEOPLE)]
    athlete = User(username="noe", role="ATHLETE", created=0)
    device = Device(device_name="vest", serial_number="1")
    schema = JsonSchema(name="activity_soccer", type="ACTIVITY", sport="soccer", schema={})
    session.add_all([*people, athlete, device, schema])
    session.flush()
    session.add_all(
        Permission(
            athlete_id=athlete.id,
            manager_id=manager.id,
            permission="READ",
            start_time=BEGINNING,
            expiration_time=FAR_FUTURE,
        )
        for manager in people
    )
    activity = Activity(name="match", json={}, json_schema=schema, owner_id=people[0].id, created=0)
    session.add(activity)
    session.flush()
    frame = TimeFrame(
        start_time=BEGINNING,
        end_time=FAR_FUTURE,
        params={},
        device_id=device.id,
        activity_id=activity.id,
        athlete_id=athlete.id,
        owner_id=people[0].id,
        json_schema_id=schema.id,
    )
    session.add(frame)
    client, _ = clients.create(session, Actor.operator(), "benchmark", ["password"])
    session.flush()
    given = []
    for manager in people:
        pair = tokens.new_pair()
        tokens.issue(
            session, pair, client_id=client.id, user_id=manager.id, scope="all", seconds=36_000
        )
        given.append(pair.access)
    return activity.id, frame.id, given


def on_core(number: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})


@contextmanager
def servers(folder: Path, redis_url: str) -> Iterator[tuple[list[Server], int]]:
    """Both servers on the first core, and the time frame that is published."""
    secrets.use_key(KEY)
    env = environment(
        folder, redis_url=redis_url, secret_key=KEY, throttle="1000000", log_level="warning"
    )
    db = Database(f"sqlite:///{folder / 'touchline.db'}")
    migrate.upgrade(db.engine)
    activity, frame, given = db.write(fill)
    db.close()
    channel = f"{LIVE_ACTIVITY}{activity}"
    with ExitStack() as stack:
        port, log = free_port(), stack.enter_context((folder / "web.log").open("w"))
        ours = subprocess.Popen(
            [TOUCHLINE, "web", "--port", str(port)],
            env=env,
            stderr=log,
            preexec_fn=lambda: on_core(0),
        )
        stack.callback(stop, ours)
        _wait(f"http://127.0.0.1:{port}/healthz")
        path = f"/api/v1/ws/computed-data/{activity}/{frame}/"
        us = Server("touchline web", port, path, channel, psutil.Process(ours.pid), given)
        port = free_port()
        anchor = subprocess.Popen(
            [sys.executable, "-c", ANCHOR, redis_url, str(port), f"{channel}:anchor"],
            stdout=subprocess.PIPE,
            preexec_fn=lambda: on_core(0),
        )
        stack.callback(anchor.wait)
        stack.callback(anchor.kill)
        assert anchor.stdout is not None
        assert anchor.stdout.readline() == b"ready\n"
        process = psutil.Process(anchor.pid)
        them = Server("websockets + uvloop", port, "/", f"{channel}:anchor", process, given)
        yield [us, them], frame


def _wait(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def descriptors(wanted: int) -> int:
    """Raise this process's limit as far as it goes; children inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(f"descriptors: {most} may be open" + ("" if most >= wanted else f", {wanted} are needed"))
    return most


async def measure(client: redis.Redis, pair: Sequence[Server], frame: int, asked: Any) -> bool:
    fine = await compare(client, pair, frame, asked)
    fine = await stalled(client, pair, frame, asked) and fine
    return await many(client, pair, frame, asked) and fine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=8, help="in a round")
    parser.add_argument("--seconds", type=float, default=1.0, help="between two messages")
    parser.add_argument("--stall-sockets", type=int, default=100)
    parser.add_argument("--stall-messages", type=int, default=150)
    parser.add_argument("--many", type=int, default=5000)
    asked = parser.parse_args()
    most = descriptors(2 * asked.many + 200)  # a socket takes two of pywsgi's
    asked.many = min(asked.many, (most - 200) // 2)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = stack.enter_context(redis_server())
        pair, frame = stack.enter_context(servers(Path(folder), url))
        client = stack.enter_context(redis.Redis.from_url(url))
        on_core(1)
        fine = uvloop.run(measure(client, pair, frame, asked))
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
