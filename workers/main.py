"""A worker process: warmed kernels, then jobs from its queues until it is asked to stop.

``live`` alone is served inside the process (2 ms from queue to start, folds kept hot); any other
set of queues by forking, so that a job that crashes takes nobody with it and a job's memory goes
with it (design/architecture.md section 5).
"""

import faulthandler
import fcntl
import gc
import hashlib
import os
import signal
import threading
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

import redis
import structlog
from rq import SimpleWorker, Worker
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from core.auth.secrets import use_key
from core.channels import RIGHTS
from core.config import Config
from core.doorbell import ALIVE_SECONDS, ALIVE_WORKER, HEARTBEAT_SECONDS, bell, connect
from core.mail import FOLDER, Postbox
from core.models.db import Database
from core.models.outbox import TICK
from core.process import die_with_parent, set_numba_environment
from core.secret import ensure_secret
from core.services.mails import Office
from core.sport.parameters import compiled_modules
from core.sport.registry import registry
from core.supervisor import STOP_SECONDS, Child, touchline_command

from .queues import DELIVER, LIVE, QUEUES, ROUTES

# RQ waits for a job worker_ttl - 15 s, then sends its heartbeat: ours goes with it.
_WORKER_TTL = 15 + HEARTBEAT_SECONDS

log = structlog.get_logger(__name__)


def run(config: Config, queues: tuple[str, ...] = QUEUES) -> None:
    """Serve ``queues`` until SIGTERM or SIGINT; the job in hand is finished first. ``deliver`` is
    served by a process beside this one: no job waits for somebody's receiver.
    """
    sibling = _deliverer(config) if DELIVER in queues else None
    queues = tuple(name for name in queues if name != DELIVER)
    set_numba_environment(config.data_dir)
    _prepare(config)
    stopping = threading.Event()
    client = connect(config.redis_url, patience=_WORKER_TTL + 10)
    kind = LiveWorker if queues == (LIVE,) else ForkingWorker
    log.info("worker ready", queues=",".join(queues), kind=kind.__name__)

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    while not stopping.is_set():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        try:
            worker = kind(
                list(queues),
                name=uuid4().hex,
                connection=client,
                serializer=JSONSerializer,
                worker_ttl=_WORKER_TTL,
                job_monitoring_interval=HEARTBEAT_SECONDS,
                log_job_description=False,
                work_horse_killed_handler=_report_death,
            )
            worker.stopping, worker.sibling = stopping, sibling
            worker.work(logging_level="WARNING")
        except redis.RedisError as error:
            log.warning("Redis does not answer; waiting", reason=str(error))
        if not stopping.is_set():
            stopping.wait(1.0)  # RQ gave up its loop because Redis went away: begin again
    if sibling is not None:
        sibling.stop()
        sibling.wait(time.monotonic() + STOP_SECONDS)
    log.info("worker stopped", queues=",".join(queues))


class _Alive:
    """What both kinds of worker add to RQ's: our alive key, our idea of stopping."""

    max_connection_wait_time = 2.0  # RQ's own minute would outlast many a restart
    stopping: threading.Event
    sibling: Child | None = None

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        if self.sibling is not None:
            self.sibling.check()  # started again where it died
        super().heartbeat(timeout, pipeline)  # type: ignore[misc]
        client = self.connection if pipeline is None else pipeline  # type: ignore[attr-defined]
        client.set(ALIVE_WORKER + self.name, "1", ex=ALIVE_SECONDS)  # type: ignore[attr-defined]

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[misc]

    def register_death(self) -> None:
        super().register_death()  # type: ignore[misc]
        self.connection.delete(ALIVE_WORKER + self.name)  # type: ignore[attr-defined]

    def subscribe(self) -> None:
        """No commands over Redis: they would cost a thread, which a fork may catch in mid-lock."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""


class LiveWorker(_Alive, SimpleWorker):
    """Runs jobs in its own process, which ends itself where a job does not end: RQ's own limit is
    an exception, which a kernel that never comes back to Python does not see.
    """

    def perform_job(self, job: Job, queue: Queue) -> bool:
        seconds = ROUTES[TICK].seconds if job.timeout is None else job.timeout
        faulthandler.dump_traceback_later(seconds + 1, exit=True)
        try:
            return super().perform_job(job, queue)
        finally:
            faulthandler.cancel_dump_traceback_later()


class ForkingWorker(_Alive, Worker):
    """Runs each job in a child, which never outlives it."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent(self.pid)
        super().main_work_horse(job, queue)


def _deliverer(config: Config) -> Child:
    argv = [touchline_command(), "worker", "--queues", DELIVER]
    child = Child("deliverer", argv, {**os.environ, **config.environment()})
    child.start()
    return child


def _report_death(job: Job, _pid: int, status: int, _usage: object) -> None:
    from . import jobs

    ending = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {status}"
    for row_id in job.args:  # which of several it was is not known: each is tried again alone
        jobs.died(row_id, f"the process that did the work ended by {ending}")


def _compile_aside(cache: Path) -> None:
    """On the first start, compile the kernels in children, one a core: the compiler's memory goes
    with them, and a second worker that starts at the same time waits and finds them done."""
    modules = compiled_modules(registry().sports.values())
    code = b"".join(name.encode() + _code(name) for name in modules)
    done = cache / f"compiled-{hashlib.sha256(code).hexdigest()[:16]}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        count = len(os.sched_getaffinity(0))
        children = [_importing(modules[number::count]) for number in range(count)]
        statuses = [os.waitpid(child, 0)[1] for child in children]
        if not any(statuses):  # where one failed, the parent meets the same reason and says it
            done.touch()


def _code(module: str) -> bytes:
    """Its source, read without importing the packages that it is in, which may import numba. Empty
    where there is none: importing it says why.
    """
    top, *rest = module.split(".")
    found = find_spec(top)
    if found is None or found.origin is None:
        return b""
    path = Path(found.origin)
    if rest:
        path = path.parent.joinpath(*rest)
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path.read_bytes() if path.exists() else b""


def _importing(modules: list[str]) -> int:
    """A child that compiles these, which importing them does; its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        die_with_parent()
        for module in modules:
            import_module(module)
        status = 0
    finally:
        os._exit(status)


def _office(config: Config) -> Office:
    """From where mail goes. Links in it are sealed with the key that the web process opens with."""
    use_key(config.secret_key or ensure_secret(config.data_dir))
    postbox = Postbox(config.smtp_url, config.mail_from, config.data_dir / FOLDER)
    return Office(postbox, config.public_url, config.mail_passwords == "on")


def _prepare(config: Config) -> None:
    """Load the sports, load or compile their kernels, and give jobs what they work with."""
    began = time.monotonic()
    _compile_aside(Path(os.environ["NUMBA_CACHE_DIR"]))
    # Not before: importing these imports numba.
    from core.pipeline.objects import ObjectStore
    from core.pipeline.publish import Publisher
    from core.sport import runner

    from . import jobs

    runner.warm()
    db = Database(config.database_url)
    client = connect(config.redis_url)
    publisher = Publisher(client)
    db.wake, db.rights_changed = bell(client), bell(client, RIGHTS)
    jobs.prepare(
        jobs.Context(
            db,
            registry(),
            ObjectStore(Path(config.objects_url)),
            _office(config),
            send=publisher.send,
            publisher=publisher,
        )
    )
    gc.collect()
    gc.freeze()  # forked children then share these pages instead of copying them
    log.info("kernels are warm", seconds=round(time.monotonic() - began, 2))
