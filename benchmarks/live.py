"""Live: from a simulated squad's acknowledged batch to the computed frame on a thousand sockets.

Method. `touchline up` on one box. Squads of 30 play in real time, 10 Hz in batches of a second
through the real uplink (POST), each squad from a process of its own. Readers are sockets of one
other process: 100 on the first squad's activity and 900 on single frames of it, some 3,900 messages
a second. A message holds the time of the newest sample in it; latency is from the moment at which
the device had the acknowledgement of the batch with that sample to the moment at which a reader had
the message. All clocks are the machine's one monotonic clock. Then, without those sockets, squads
are added, each followed by one socket on its activity, until the 95th percentile passes a second:
first squads that send by POST, then squads that send by socket.

CPU is of the platform's processes, in shares of one core. Memory per socket is what the web process
grew by while the sockets were opened.
"""

import argparse
import asyncio
import multiprocessing
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import psutil
import uvloop

from benchmarks import readers
from benchmarks.readers import Reader
from core import simulate
from core.clock import now, to_iso
from core.commands import accounts
from core.config import Config
from core.squad import POST, SOCKET, Plan, Squad
from tests.platform import Platform, one_box

PLAYERS = 30
SECONDS, SETTLE = 30.0, 8.0  # measured; not measured before it
ON_ACTIVITY, ON_FRAMES = 100, 900
STEPS = (1, 2, 3, 4, 6, 8, 10, 12, 15, 20)  # squads
LIMIT = 1000.0  # ms at the 95th percentile
DAY = 86_400_000
FILES = 8_192
MARK = b'"last_timestamp":'
FRAME = b'"timeframe":'

SPAWN = multiprocessing.get_context("spawn")


class Team(NamedTuple):
    """One squad on the platform: its activity, its devices, and its frames in the same order."""

    activity: int
    devices: list[dict[str, Any]]
    frames: list[int]


class Following(NamedTuple):
    """One socket: its path, and whose frame's messages it gets (0: those of a whole activity)."""

    path: str
    frame: int


# The platform


class Club:
    """A manager on the platform, and what a squad needs there."""

    def __init__(self, platform: Platform) -> None:
        self.config = Config.load(dict(platform.environment))
        self.http = httpx.Client(base_url=platform.url, timeout=30)
        self.login = login = {"username": "coach", "password": secrets.token_urlsafe(12)}
        self.call("POST", "managers/", {**login, "email": "coach@club.example"})
        accounts.permit_user(self.config, "coach", "can_create_managed_athletes")
        client = accounts.create_client(self.config, "Bench", ("password",), (), False)
        answer = self.http.post(
            "/oauth2/token/",
            data={"grant_type": "password", **login},
            auth=(client["client_id"], client["client_secret"]),
        ).raise_for_status()
        self.token = answer.json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        found = self.call("GET", "json-schemas/?search=soccer")["results"]
        self.schemas = {schema["name"]: schema["id"] for schema in found}
        self.manager = self.call("GET", "account/")["id"]
        self.made = 0

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.http.request(method, f"/api/v1/{path}", json=body).raise_for_status().json()

    def team(self) -> Team:
        """Frames of an hour that begin now."""
        activity = self.call(
            "POST",
            "activities/",
            {
                "name": "Match",
                "json": {"sport": "soccer", "type": "match", "field_corners": simulate.corners()},
                "json_schema": self.schemas["activity_soccer"],
                "owner": self.manager,
            },
        )["id"]
        start = now() + 1000
        made = [self._player(activity, start) for _ in range(PLAYERS)]
        return Team(activity, [device for device, _ in made], [frame for _, frame in made])

    def _player(self, activity: int, start: int) -> tuple[dict[str, Any], int]:
        self.made += 1
        device = accounts.create_device(self.config, f"d{self.made}", str(self.made), "vest")
        own = (device["id"], self.manager, start - DAY, start + DAY)
        accounts.own_device(self.config, *own)
        athlete = self.call("POST", "athletes/create-managed/", {"managed_by": self.manager})
        frame = self.call(
            "POST",
            "timeframes/",
            {
                "start_time": to_iso(start),
                "end_time": to_iso(start + 3_600_000),
                "params": {"max_hr": 200, "rest_hr": 60},
                "device": device["id"],
                "activity": activity,
                "athlete": athlete["id"],
                "owner": self.manager,
                "json_schema": self.schemas["timeframe_soccer"],
            },
        )
        return device, frame["id"]


# Other processes: a squad, and the readers


@contextmanager
def process(work: Any, *given: Any) -> Iterator[Connection]:
    """A process that says one thing when it is ready, and another when it is asked to end."""
    ours, theirs = SPAWN.Pipe()
    child = SPAWN.Process(target=work, args=(theirs, *given), daemon=True)
    child.start()
    try:
        ours.recv()
        yield ours
    finally:
        child.kill()
        child.join()


def send(pipe: Connection, url: str, team: Team, seed: int, by: str) -> None:
    """A squad. Told in the end: (frame, newest sample, moment) of each acknowledged batch."""
    heard: list[tuple[int, int, float]] = []

    def acknowledged(player: int, newest: int, _began: float) -> None:
        heard.append((team.frames[player], newest, time.monotonic()))

    squad = Squad(url, team.devices, Plan(seed, now(), 3_600.0), acknowledged, (by,))
    squad.start()
    pipe.send("ready")
    pipe.recv()
    squad.stop()
    if squad.error is not None:
        raise squad.error
    pipe.send(heard)


def read(pipe: Connection, url: str, token: str, following: Sequence[Following]) -> None:
    """Sockets. Told in the end: (frame, newest sample, moment, bytes) of each message."""
    uvloop.run(_read(pipe, url, token, following))


async def _read(pipe: Connection, url: str, token: str, following: Sequence[Following]) -> None:
    heard: list[tuple[int, int, float, int]] = []

    class Follower(Reader):
        def __init__(self, number: int) -> None:
            self._frame = following[number].frame
            super().__init__(following[number].path, token)

        def hear(self, payload: bytes) -> None:
            at = time.monotonic()
            mark = payload.find(MARK)
            if mark >= 0:  # else a message without news of the samples
                frame = self._frame or _number(payload, payload.find(FRAME) + len(FRAME))
                heard.append((frame, _number(payload, mark + len(MARK)), at, len(payload)))

    port = int(url.rsplit(":", 1)[1])
    followers = await readers.connect(port, range(len(following)), Follower)
    pipe.send("ready")
    await asyncio.to_thread(pipe.recv)
    pipe.send((heard, [follower.closed for follower in followers if follower.closed]))
    await asyncio.to_thread(pipe.recv)


def _number(message: bytes, at: int) -> int:
    end = at
    while message[end : end + 1].isdigit():
        end += 1
    return int(message[at:end])


# Measuring


class Found(NamedTuple):
    """Latencies in ms, sizes in bytes, messages a second, and sockets that ended early."""

    ms: np.ndarray
    sizes: np.ndarray
    rate: float
    ended: list[str]

    def share(self, percent: float) -> float:
        return float(np.percentile(self.ms, percent)) if len(self.ms) else float("inf")


def measure(reader: Connection, squads: Sequence[Connection], seconds: float) -> Found:
    """What the readers heard within ``seconds`` from now on."""
    time.sleep(SETTLE)
    began = time.monotonic()
    time.sleep(seconds)
    until = time.monotonic()
    for pipe in (*squads, reader):
        pipe.send("end")
    acknowledged: dict[tuple[int, int], float] = {}
    for squad in squads:
        acknowledged |= {(frame, newest): at for frame, newest, at in squad.recv()}
    heard, ended = reader.recv()
    within = [row for row in heard if began <= row[2] < until]
    known = [row for row in within if (row[0], row[1]) in acknowledged]
    ms = np.array([1000 * (at - acknowledged[frame, newest]) for frame, newest, at, _ in known])
    sizes = np.array([size for *_, size in within])
    return Found(ms, sizes, len(within) / seconds, ended)


class Usage:
    """CPU time of each role of the platform."""

    def __init__(self, platform: Platform) -> None:
        self.processes = psutil.Process(platform.process.pid).children()
        self.began, self.before = time.monotonic(), self._times()

    def _times(self) -> dict[str, float]:
        times: dict[str, float] = {}
        for child in self.processes:
            spent = child.cpu_times()
            words = [Path(word).name for word in child.cmdline()]
            roles = ("web", "relay", "live", "redis-server", "valkey-server")
            name = next((role for role in roles if role in words), "other workers")
            whole = spent.user + spent.system + spent.children_user + spent.children_system
            times[name] = times.get(name, 0.0) + whole
        return times

    def shares(self) -> str:
        passed = time.monotonic() - self.began
        after = self._times()
        parts = [f"{name} {(after[name] - self.before[name]) / passed:.2f}" for name in after]
        return ", ".join(parts)

    def web_memory(self) -> int:
        web = next(child for child in self.processes if "web" in child.cmdline())
        return int(web.memory_info().rss)


def thousand(platform: Platform, club: Club, options: argparse.Namespace) -> None:
    """One squad before all sockets."""
    team = club.team()
    activity = f"/api/v1/ws/computed-data/{team.activity}/"
    wide = round(options.sockets * ON_ACTIVITY / (ON_ACTIVITY + ON_FRAMES))
    frames = [team.frames[i % PLAYERS] for i in range(options.sockets - wide)]
    following = [Following(activity, 0)] * wide
    following += [Following(f"{activity}{frame}/", frame) for frame in frames]
    with process(send, platform.url, team, 1, POST) as squad:
        time.sleep(3)
        before = Usage(platform).web_memory()
        with process(read, platform.url, club.token, following) as reader:
            usage = Usage(platform)
            grown = usage.web_memory() - before
            found = measure(reader, [squad], options.seconds)
            cpu = usage.shares()
            reader.send("end")
    print(
        f"1 squad of {PLAYERS}, {len(following)} sockets ({wide} on the activity): "
        f"{found.rate:.0f} messages/s\n"
        f"  acknowledged to received: p50 {found.share(50):.0f} ms, p95 {found.share(95):.0f} ms "
        f"(goal 250), p99 {found.share(99):.0f} ms (goal 500), {len(found.ms)} messages\n"
        f"  bytes a message: median {np.median(found.sizes):.0f} (goal 4,096), "
        f"mean {found.sizes.mean():.0f}, 99 % {np.percentile(found.sizes, 99):.0f}\n"
        f"  cores: {cpu}; web memory {grown / len(following) / 1000:.0f} kB a socket; "
        f"sockets that ended early: {len(found.ended)} {found.ended[:1]}",
        flush=True,
    )


def squads(platform: Platform, club: Club, options: argparse.Namespace, by: str) -> None:
    """More and more squads who send by POST or by socket, one socket on each activity."""
    teams: list[Team] = []
    held = 0
    for count in [step for step in STEPS if step <= options.squads]:
        teams += [club.team() for _ in range(count - len(teams))]
        following = [Following(f"/api/v1/ws/computed-data/{t.activity}/", 0) for t in teams]
        with ExitStack() as stack:
            running = [
                stack.enter_context(process(send, platform.url, team, 10 + seed, by))
                for seed, team in enumerate(teams)
            ]
            reader = stack.enter_context(process(read, platform.url, club.token, following))
            usage = Usage(platform)
            found = measure(reader, running, options.seconds)
            cpu = usage.shares()
            reader.send("end")
        print(
            f"{count} squads by {by}: p50 {found.share(50):.0f} ms, p95 {found.share(95):.0f} ms, "
            f"{found.rate:.0f} of {count * PLAYERS} messages/s; cores: {cpu}",
            flush=True,
        )
        if found.share(95) > LIMIT or found.rate < 0.8 * count * PLAYERS:
            break
        held = count
    print(f"one box holds {held} squads by {by} with p95 within a second (goal 10)", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    parser.add_argument("--sockets", type=int, default=ON_ACTIVITY + ON_FRAMES)
    parser.add_argument("--squads", type=int, default=STEPS[-1], help="at most")
    options = parser.parse_args(argv)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))  # the platform inherits it
    with (
        tempfile.TemporaryDirectory(prefix="touchline-bench-") as name,
        one_box(Path(name) / "box", throttle="10000") as platform,
    ):
        club = Club(platform)
        if options.sockets:
            thousand(platform, club, options)
        for by in (POST, SOCKET) if options.squads else ():
            squads(platform, club, options, by)


if __name__ == "__main__":
    sys.exit(main())
