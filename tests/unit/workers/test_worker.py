"""Worker processes as they run in production: RQ, a real Redis, real databases."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import redis
from sqlalchemy import select, update

from core.clock import now
from core.config import Config
from core.doorbell import ALIVE_DELIVERER, ALIVE_WORKER, connect
from core.embedded import redis_command, wait_for_redis
from core.models import Device, Job, Outbox, SampleTail
from core.models.db import Database
from core.models.outbox import IMPORT, MERGE, TICK, owe
from core.supervisor import Child, touchline_command
from workers import jobs
from workers.relay import Relay, claim


def wait_for(condition: Callable[[], object], seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def owed(db: Database) -> list[Outbox]:
    return list(db.read(lambda s: s.scalars(select(Outbox)).all()))


def spoiled_device(db: Database) -> None:
    """A device whose hot tail cannot be read, and the merge that it owes."""

    def fill(session) -> None:
        session.add(Device(id=1, device_name="one", serial_number="1"))
        session.flush()
        for seq in (1, 2):
            session.add(
                SampleTail(
                    device_id=1, stream="samples", seq=seq, t0=seq, t1=seq, n=1, data=b"garbage"
                )
            )
        owe(session, MERGE, 1)

    db.write(fill)


@pytest.fixture
def context(db: Database) -> Iterator[jobs.Context]:
    from core.pipeline.objects import ObjectStore
    from core.sport.registry import registry

    context = jobs.Context(db, registry(), ObjectStore(Path("unused")))
    jobs.prepare(context)
    yield context
    jobs.prepare(None)


def test_a_job_that_raises_is_tried_three_times_then_dropped(
    db: Database, context: jobs.Context
) -> None:
    spoiled_device(db)
    for attempt, pause in ((1, 2_000), (2, 10_000)):
        (row,) = owed(db)
        jobs.perform(row.id)
        (row,) = owed(db)
        assert row.attempts == attempt
        assert row.lease == 0
        assert pause - 1_000 < row.due - now() <= pause
    jobs.perform(row.id)
    assert owed(db) == []


def test_what_stood_behind_a_job_that_raised_is_given_back(
    db: Database, context: jobs.Context
) -> None:
    spoiled_device(db)
    db.write(lambda s: owe(s, MERGE, 2))  # a device of which nothing is stored
    first, second = owed(db)
    db.write(lambda s: s.execute(update(Outbox).values(lease=now() + 60_000)))
    jobs.perform(first.id, second.id)
    assert [(row.attempts, row.lease) for row in owed(db)] == [(1, 0), (0, 0)]
    jobs.perform(second.id, first.id)
    assert [(row.key, row.attempts) for row in owed(db)] == [("1", 2)]


def test_an_import_that_keeps_dying_ends_as_a_failed_job(
    db: Database, context: jobs.Context
) -> None:
    def fill(session) -> None:
        session.add(
            Job(
                id=1,
                job_id="job-1",
                kind="import",
                details={},
                arguments={"file": 1},
                created=0,
                state="STARTED",
            )
        )
        owe(session, IMPORT, 1)

    db.write(fill)
    for _ in range(3):
        (row,) = owed(db)
        jobs.died(row.id, "the process that did the work ended by signal 9")
    assert owed(db) == []
    job = db.read(lambda s: s.scalars(select(Job)).one())
    assert job.state == "FAILURE"
    assert job.finished is not None
    assert "signal 9" in job.details["reason"]


def test_a_row_that_was_settled_meanwhile_is_no_work(context: jobs.Context) -> None:
    jobs.perform(4711)


@pytest.fixture
def start_worker(
    db: Database, redis_url: str, client: redis.Redis, tmp_path: Path
) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    config = Config.load({}, data_dir=str(tmp_path))
    env = {
        **os.environ,
        **config.environment(),
        "TOUCHLINE_DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        "TOUCHLINE_REDIS_URL": redis_url,
    }
    children: list[Child] = []

    def start(queues: str) -> subprocess.Popen[bytes]:
        child = Child(queues, [touchline_command(), "worker", "--queues", queues], env)
        child.start()
        children.append(child)
        wait_for(lambda: client.keys(ALIVE_WORKER + "*"))
        assert child.process is not None
        return child.process

    yield start
    for child in children:
        child.stop(signal.SIGKILL)
        assert child.process is not None
        child.process.wait()


@pytest.mark.parametrize(("queues", "topic"), [("live", TICK), ("bulk", MERGE)])
def test_a_worker_process_does_what_is_owed_and_stops_gracefully(
    db: Database,
    client: redis.Redis,
    start_worker: Callable[[str], subprocess.Popen[bytes]],
    queues: str,
    topic: str,
) -> None:
    worker = start_worker(queues)
    db.write(lambda s: s.add(Device(id=1, device_name="one", serial_number="1")))
    db.write(lambda s: owe(s, topic, 1))
    Relay(db, client).step()
    wait_for(lambda: not owed(db))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert client.keys(ALIVE_WORKER + "*") == []


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_worker_of_the_queue_deliver_keeps_a_deliverer_beside_it(
    db: Database,
    client: redis.Redis,
    start_worker: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    worker = start_worker("bulk,deliver")
    parent = psutil.Process(worker.pid)

    def beside() -> int:
        """The deliverer's process id, 0 while there is none."""
        for child in parent.children():
            with suppress(psutil.Error):
                if child.cmdline()[-1:] == ["deliver"]:  # a dead one has none
                    return child.pid
        return 0

    wait_for(beside)
    wait_for(lambda: client.keys(ALIVE_DELIVERER + "*"))
    first = beside()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: beside() not in (0, first))
    second = beside()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert not psutil.pid_exists(second)


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_killed_job_process_counts_as_an_attempt(
    db: Database,
    client: redis.Redis,
    start_worker: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    worker = psutil.Process(start_worker("bulk").pid)
    db.write(lambda s: owe(s, MERGE, 1))
    rows = db.write(claim)
    with db.engine.connect().execution_options(writes=True) as holding:
        holding.begin()  # SQLite's write lock: the job waits for it at its end
        Relay(db, client)._enqueue(rows)
        wait_for(worker.children)
        worker.children()[0].kill()
        wait_for(lambda: not worker.children())
    wait_for(lambda: owed(db)[0].attempts == 1)


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_live_worker_ends_itself_where_a_tick_does_not_end(
    db: Database,
    client: redis.Redis,
    start_worker: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    worker = start_worker("live")
    db.write(lambda s: owe(s, TICK, 1))
    with db.engine.connect().execution_options(writes=True) as holding:
        holding.begin()  # SQLite's write lock: the tick waits for it inside C
        Relay(db, client)._enqueue(owed(db))
        assert worker.wait(30) == 1
    assert [row.topic for row in owed(db)] == [TICK]


def test_a_worker_goes_on_when_redis_comes_back(db_sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    db_url = db_sqlite.engine.url.render_as_string(hide_password=False)
    env = {
        **os.environ,
        **Config.load({}, data_dir=str(tmp_path)).environment(),
        "TOUCHLINE_DATABASE_URL": db_url,
        "TOUCHLINE_REDIS_URL": f"unix://{path}",
    }
    server = Child("redis", redis_command(path), os.environ)
    worker = Child("bulk", [touchline_command(), "worker", "--queues", "bulk"], env)
    server.start()
    worker.start()
    client = connect(f"unix://{path}")
    try:
        wait_for_redis(path)
        wait_for(lambda: client.keys(ALIVE_WORKER + "*"))
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        time.sleep(1.0)
        server.start()
        wait_for_redis(path)
        db_sqlite.write(lambda s: owe(s, MERGE, 1))
        Relay(db_sqlite, client).step()
        wait_for(lambda: not owed(db_sqlite), seconds=20)
        assert worker.process is not None
        assert worker.process.poll() is None
    finally:
        for child in (worker, server):
            child.stop(signal.SIGKILL)
            child.wait(time.monotonic() + 5)
