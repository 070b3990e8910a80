"""`touchline up` as an operator meets it: what it needs, what it survives, how it ends."""

import json
import sqlite3
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from core.clock import now
from core.squad import POST, SOCKET, Plan, Squad
from tests.platform import TOUCHLINE, Platform, environment, one_box, start, stop
from tests.sockets import dial, receive

pytestmark = pytest.mark.e2e

MOST_MEMORY = 600 * 2**20


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that nobody else uses, started with empty caches."""
    with one_box(tmp_path_factory.mktemp("own") / "data", log_format="json") as running:
        yield running


def data_dir(platform: Platform) -> Path:
    return Path(platform.environment["TOUCHLINE_DATA_DIR"])


def role(platform: Platform, word: str) -> psutil.Process:
    """The child that runs one role."""
    return next(child for child in platform.children() if word in child.cmdline())


def wait_for_another(platform: Platform, word: str, dead: int) -> psutil.Process:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = [c for c in platform.children() if c.pid != dead and word in c.cmdline()]
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"{word} was not started again")


def test_the_idle_platform_fits_in_600_mb(own: Platform) -> None:
    processes = [psutil.Process(own.process.pid), *own.children()]
    assert len(processes) == 7  # supervisor, Redis, web, relay, three workers
    sizes = {" ".join(p.cmdline()[1:4]): p.memory_full_info().pss for p in processes}
    assert sum(sizes.values()) < MOST_MEMORY, sizes


def test_the_web_process_has_no_compiler_in_memory(own: Platform) -> None:
    maps = Path(f"/proc/{role(own, 'web').pid}/maps").read_text()
    assert "libpython" in maps or "python" in maps
    assert "llvmlite" not in maps


def test_answers_on_a_kept_connection_do_not_wait_for_acknowledgements(own: Platform) -> None:
    with httpx.Client(base_url=own.url) as client:
        times = []
        for _ in range(12):
            began = time.perf_counter()
            assert client.get("/healthz").status_code == 200
            times.append(time.perf_counter() - began)
    assert statistics.median(times[2:]) < 0.020


def test_secrets_and_data_are_closed_to_other_users(own: Platform) -> None:
    folder = data_dir(own)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_second_platform_on_the_same_data_is_refused(own: Platform) -> None:
    done = subprocess.run(
        [TOUCHLINE, "up", "--port", "0"], env=dict(own.environment), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "another touchline runs" in done.stderr


def test_a_port_in_use_is_refused(own: Platform, tmp_path: Path) -> None:
    port = str(urlsplit(own.url).port)
    done = subprocess.run(
        [TOUCHLINE, "up", "--port", port],
        env=environment(tmp_path / "data"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert port in done.stderr


def test_doctor_sees_the_running_parts(own: Platform) -> None:
    found = {check["name"]: check["detail"] for check in own.cli("doctor")["checks"]}
    assert "2 workers and a relay alive; 1 delivering webhooks" in found["redis"]


@pytest.mark.parametrize("word", ["web", "relay"])
def test_no_acknowledged_sample_is_lost_when_a_process_is_killed(own: Platform, word: str) -> None:
    devices = [
        own.cli("device", "create", "--device-name", f"{word} {k}", "--serial-number", f"{k}")
        for k in range(3)
    ]
    plan = Plan(seed=3, start=now() - 3_600_000, seconds=600, speed=120)
    squad = Squad(own.url, devices, plan, by=(POST, SOCKET))
    squad.start()
    for _ in range(2):
        time.sleep(1.2)
        victim = role(own, word)
        victim.kill()
        wait_for_another(own, word, victim.pid)
    tally = squad.join()
    assert tally["acknowledged"] == tally["batches"] == 3 * 30
    assert tally["samples"] == 3 * 6_000
    ids = [device["id"] for device in devices]
    with sqlite3.connect(data_dir(own) / "touchline.db") as database:
        ledger = {
            device: database.execute(
                "SELECT sum(n), group_concat(number) FROM"
                " (SELECT * FROM uplink_batch WHERE device_id = ? ORDER BY seq)",
                (device,),
            ).fetchone()
            for device in ids
        }
    assert [ledger[device][0] for device in ids] == [6_000] * 3
    # Over the socket each number once, in order; by POST none.
    numbers = ",".join(map(str, range(1, 31)))
    assert [ledger[device][1] for device in ids] == [None, numbers, None]


def test_a_web_process_that_is_told_to_stop_answers_what_it_has_committed(own: Platform) -> None:
    device = own.cli("device", "create", "--device-name", "long walk", "--serial-number", "1")
    address = f"{own.url.replace('http', 'ws', 1)}/api/v1/ws/uplink/{device['id']}/"
    first = {"token": device["uplink_token"]}
    start, batches = now() - 10**7, 400
    socket = dial(address, first)
    assert receive(socket)["last"] == 0

    def pump() -> None:
        with suppress(ConnectionClosed):
            for n in range(1, batches + 1):
                columns = {"gnss.timestamp": [start + n]}
                socket.send(json.dumps({"n": n, "batch": str(n), "columns": columns}))

    sender = threading.Thread(target=pump)
    sender.start()
    for acked in range(1, 21):
        assert receive(socket)["ack"] == acked
    role(own, "web").terminate()
    with suppress(ConnectionClosed):
        while receive(socket)["ack"] == acked + 1:
            acked += 1
    assert socket.close_code == 1001
    assert acked < batches
    sender.join()
    deadline = time.monotonic() + 60
    while True:
        try:
            socket = dial(address, first)
            break
        except (OSError, InvalidHandshake, ConnectionClosed):
            assert time.monotonic() < deadline, "the web process was not started again"
            time.sleep(0.1)
    assert receive(socket)["last"] == acked
    socket.close()


@pytest.mark.parametrize("by", ["post", "socket"])
def test_faults_are_counted(own: Platform, tmp_path: Path, by: str) -> None:
    device = own.cli("device", "create", "--device-name", f"faulty {by}", "--serial-number", "1")
    answer = own.cli(
        "simulate", "--url", own.url, "--devices", "-", "--speed", "600", "--minutes", "20",
        "--faults", "dropout,duplicate,late,clock", "--seed", "5", "--by", by,
        stdin=f'[{{"id": {device["id"]}, "uplink_token": "{device["uplink_token"]}"}}]',
    )  # fmt: skip
    assert set(answer) == {"batches", "samples", "acknowledged", "repeated"}
    assert answer["acknowledged"] == answer["batches"] > 0
    assert answer["samples"] < 12_000


@pytest.mark.parametrize("by", ["post", "socket"])
def test_a_device_that_is_refused_ends_the_simulation(own: Platform, by: str) -> None:
    done = subprocess.run(
        [TOUCHLINE, "simulate", "--url", own.url, "--devices", "-", "--minutes", "0.1", "--by", by],
        input='[{"id": 1, "uplink_token": "wrong"}]',
        env=dict(own.environment),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "401" in done.stderr or "403" in done.stderr


def test_sigterm_ends_everything_in_ten_seconds_and_sigkill_leaves_nothing(tmp_path: Path) -> None:
    env = environment(tmp_path / "data")
    for kill in (False, True):
        process, url = start([TOUCHLINE, "up", "--port", "0"], env, tmp_path / "log")
        assert httpx.get(f"{url}/readyz").status_code == 200
        children = psutil.Process(process.pid).children(recursive=True)
        began = time.monotonic()
        if kill:
            process.kill()
            process.wait()
        else:
            assert stop(process) == 0
            assert time.monotonic() - began < 10
        _, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []
