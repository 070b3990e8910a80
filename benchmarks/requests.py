"""An authenticated GET through the whole stack, against FastAPI with uvicorn doing the same.

Run ``python -m benchmarks.requests``. Ours is ``touchline web`` as production runs it: gevent's
server, request ids, access log, throttle in Redis, token memory of five seconds, policy, shapes.
Theirs is benchmarks/fastapi_anchor.py under uvicorn with uvloop and httptools, its own access log
on. Both answer GET /api/v1/account/ with the same JSON from the same database; both logs go to
files. One process each, asked in turn by benchmarks/load.py over 16 connections. The second row is
an answer that looks nothing up, which shows what the servers and frameworks take. Beside requests
a second stands the processor time of the server for one, which other work on the machine blurs
less.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from sqlalchemy.orm import Session

from benchmarks import load
from core.auth import tokens
from core.auth.secrets import use_key
from core.models import ManagerProfile, User, migrate
from core.models.db import Database
from core.policy import Actor
from core.services import clients
from tests.postgres import free_port
from tests.redis_server import redis_server

ROUNDS, SECONDS = 7, 2.0
GOAL = 0.8
PATHS = {"account": "/api/v1/account/", "nothing": "/healthz"}
KEY = "of no use elsewhere"


def fill(db: Database) -> str:
    """A manager; gives their access token."""

    def made(session: Session) -> str:
        manager = User(
            username="ada",
            email="ada@club.example",
            role="MANAGER",
            created=0,
            extra_permissions=[],
        )
        manager.manager_profile = ManagerProfile(first_name="Ada", last_name="Berg")
        session.add(manager)
        client, _ = clients.create(session, Actor.operator(), "benchmark", ["password"])
        session.flush()
        pair = tokens.new_pair()
        tokens.issue(
            session, pair, client_id=client.id, user_id=manager.id, scope="all", seconds=36000
        )
        return pair.access

    return db.write(made)


@dataclass
class Server:
    """A running server; ``measure`` is one round of one path."""

    port: int
    process: psutil.Process

    def measure(self, path: str, token: str) -> tuple[load.Found, float]:
        """What the client saw, and the server's processor time for one request in µs."""
        before = sum(self.process.cpu_times()[:2])
        found = load.measure(self.port, path, token, SECONDS)
        spent = sum(self.process.cpu_times()[:2]) - before
        return found, 1e6 * spent / found.requests


@contextmanager
def serving(words: list[str], env: dict[str, str], port: int, log: Path) -> Iterator[Server]:
    """A server as a process, once it answers; its log in a file."""
    with log.open("w") as lines:
        process = subprocess.Popen(words, env=env, stdout=lines, stderr=lines)
        try:
            for _ in range(600):
                with suppress(httpx.TransportError):
                    httpx.get(f"http://127.0.0.1:{port}/healthz")
                    break
                time.sleep(0.1)
            yield Server(port, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(15)


def compare(ours: Server, theirs: Server, token: str) -> float:
    """Prints both rows; returns the median ratio of the first."""
    headers = {"Authorization": f"Bearer {token}"}
    answers = [
        httpx.get(f"http://127.0.0.1:{server.port}{PATHS['account']}", headers=headers)
        for server in (ours, theirs)
    ]
    assert answers[0].raise_for_status().json() == answers[1].raise_for_status().json()
    result = {}
    for name, path in PATHS.items():
        rounds = [
            [server.measure(path, token) for server in (ours, theirs)] for _ in range(ROUNDS + 1)
        ][1:]  # the first warms up
        ratios = [a.per_second / b.per_second for (a, _), (b, _) in rounds]
        result[name] = statistics.median(ratios)
        for k, who in enumerate(("ours", "FastAPI")):
            found = [pair[k][0] for pair in rounds]
            print(
                f"{name}, {who}: {statistics.median(f.per_second for f in found):,.0f} requests/s,"
                f" p50 {statistics.median(f.p50 for f in found):.1f} ms,"
                f" p99 {statistics.median(f.p99 for f in found):.1f} ms,"
                f" {statistics.median(pair[k][1] for pair in rounds):,.0f} µs of processor each"
            )
        spent = statistics.median(b / a for (_, a), (_, b) in rounds)
        print(
            f"{name}: ratio {result[name]:.2f} ({min(ratios):.2f} to {max(ratios):.2f}),"
            f" by processor time {spent:.2f}" + f"; goal {GOAL}" * (name == "account"),
            flush=True,
        )
    return result["account"]


def main() -> int:
    print(f"medians of {ROUNDS} rounds in turn, {SECONDS:g} s each, {load.CONNECTIONS} connections")
    with tempfile.TemporaryDirectory() as name, redis_server() as redis_url:
        folder = Path(name)
        env = {
            **{key: value for key, value in os.environ.items() if "TOUCHLINE" not in key},
            "TOUCHLINE_DATA_DIR": name,
            "TOUCHLINE_DATABASE_URL": f"sqlite:///{folder / 'touchline.db'}",
            "TOUCHLINE_REDIS_URL": redis_url,
            "TOUCHLINE_SECRET_KEY": KEY,
            "TOUCHLINE_THROTTLE": "1000000",  # judged as ever, refused never
        }
        use_key(KEY)
        db = Database(env["TOUCHLINE_DATABASE_URL"])
        migrate.upgrade(db.engine)
        token = fill(db)
        db.close()
        first, second = free_port(), free_port()
        ours = [str(Path(sys.executable).parent / "touchline"), "web", "--port", str(first)]
        theirs = [sys.executable, "-m", "uvicorn", "benchmarks.fastapi_anchor:app"]
        theirs += ["--port", str(second), "--loop", "uvloop", "--http", "httptools"]
        with (
            serving(ours, env, first, folder / "ours.log") as here,
            serving(theirs, env, second, folder / "theirs.log") as there,
        ):
            ratio = compare(here, there, token)
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
