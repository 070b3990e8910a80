"""A whole platform as processes, for tests and proofs: `touchline up`, or one process per role."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psutil

from tests.postgres import free_port

TOUCHLINE = str(Path(sys.executable).parent / "touchline")
READY_SECONDS = 180  # the first one compiles the kernels
STOP_SECONDS = 15


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """This process's environment with no settings of Touchline but those given."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("TOUCHLINE_")}
    given = {f"TOUCHLINE_{name.upper()}": value for name, value in settings.items()}
    return {**kept, "TOUCHLINE_DATA_DIR": str(data_dir), **given}


@dataclass(frozen=True)
class Platform:
    """A running platform: its address, and its settings for further commands."""

    url: str
    environment: Mapping[str, str]
    process: subprocess.Popen[str]

    def cli(self, *words: str, stdin: str | None = None) -> Any:
        """Run a command with ``--json`` and return its answer."""
        done = subprocess.run(
            [TOUCHLINE, *words, "--json"],
            env=dict(self.environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"touchline {' '.join(words)}\n{done.stderr}"
        return json.loads(done.stdout)

    def children(self) -> list[psutil.Process]:
        """Every process of the platform but the first."""
        return psutil.Process(self.process.pid).children(recursive=True)


def start(argv: list[str], env: Mapping[str, str], log: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a command that prints ``ready ADDRESS``, and wait for that; its log goes to a file."""
    with log.open("a") as errors:
        process = subprocess.Popen(
            argv, env=dict(env), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("ready "):
        process.kill()
        raise AssertionError(f"{argv}: {line!r}\n{log.read_text()[-4000:]}")
    return process, line.split()[1]


def stop(process: subprocess.Popen[str]) -> int:
    """SIGTERM, and the exit status; killed with a complaint when that takes too long."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@contextmanager
def one_box(
    data_dir: Path, extra: Mapping[str, str] = MappingProxyType({}), **settings: str
) -> Iterator[Platform]:
    """`touchline up` on a data directory: SQLite, a private Redis. ``extra``: variables that are no
    settings.
    """
    env = {**environment(data_dir, **settings), **extra}
    argv = [TOUCHLINE, "up", "--port", "0"]
    process, url = start(argv, env, data_dir.parent / f"{data_dir.name}.log")
    try:
        yield Platform(url, env, process)
    finally:
        status = stop(process)
        assert status == 0, f"touchline up ended with {status}"


@contextmanager
def many_processes(data_dir: Path, database_url: str, redis_url: str) -> Iterator[Platform]:
    """One process per role on PostgreSQL and a Redis of its own, as production runs them."""
    env = environment(
        data_dir,
        database_url=database_url,
        redis_url=redis_url,
        secret_key="for-tests-only",
        net_allow="127.0.0.0/8",
    )
    data_dir.mkdir(exist_ok=True)
    log = data_dir.parent / f"{data_dir.name}.log"
    subprocess.run([TOUCHLINE, "db", "upgrade"], env=env, check=True, capture_output=True)
    with ExitStack() as stack, log.open("a") as errors:
        for role in (["relay"], ["worker", "--queues", "live"], ["worker"]):
            process = subprocess.Popen([TOUCHLINE, *role], env=env, stderr=errors, text=True)
            stack.callback(stop, process)
        port = free_port()
        process = subprocess.Popen(
            [TOUCHLINE, "web", "--port", str(port)], env=env, stderr=errors, text=True
        )
        stack.callback(stop, process)
        url = f"http://127.0.0.1:{port}"
        wait_ready(url, log)
        yield Platform(url, env, process)


def wait_ready(url: str, log: Path) -> None:
    """Until `/readyz` says that everything answers."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"not ready in {READY_SECONDS} s\n{log.read_text()[-4000:]}")
