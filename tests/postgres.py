"""A PostgreSQL server for the tests: the local binaries, started in a temporary directory."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def postgres_binaries() -> Path | None:
    """The directory that holds ``initdb`` and ``pg_ctl``, newest version first; None without."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def _run(command: str) -> None:
    # initdb refuses to run as root, so root goes through the system's own postgres user.
    argv = ["bash", "-c", command]
    if os.geteuid() == 0:
        argv = ["su", "postgres", "-s", "/bin/bash", "-c", command]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{command}\n{done.stdout}{done.stderr}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield ``postgresql+psycopg://…/postgres`` of a fresh server; it is gone afterwards."""
    binaries = postgres_binaries()
    if binaries is None:
        raise RuntimeError("no PostgreSQL server binaries here")
    base = Path(tempfile.mkdtemp(prefix="touchline-pg-"))
    data, port = base / "data", free_port()
    if os.geteuid() == 0:
        shutil.chown(base, "postgres")
    _run(f"{binaries}/initdb -D {data} -U postgres -A trust --no-sync -E UTF8 >/dev/null")
    options = f"-p {port} -k {base} -c listen_addresses=127.0.0.1 -c max_connections=200"
    # The server is thrown away: nothing it holds need survive a power cut.
    options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    _run(f"{binaries}/pg_ctl -D {data} -w -o '{options}' -l {base}/log start >/dev/null")
    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    finally:
        _run(f"{binaries}/pg_ctl -D {data} -m immediate -w stop >/dev/null")
        shutil.rmtree(base, ignore_errors=True)
