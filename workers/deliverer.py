"""The deliverer: sends webhooks, many receivers at once and one request at a time to each.

It takes the entries that the relay makes for the queue ``deliver`` as other workers do, but does
each in a thread: the work is to wait for somebody's server. It loads no sport and no kernel.
"""

import signal
import threading
import time
from types import FrameType
from uuid import uuid4

import redis
import structlog
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.auth.secrets import use_key
from core.clock import now
from core.config import Config
from core.doorbell import ALIVE_DELIVERER, ALIVE_SECONDS, HEARTBEAT_SECONDS, bell, connect
from core.models import Outbox
from core.models.db import Database
from core.models.outbox import postpone
from core.net import Caller, networks
from core.secret import ensure_secret
from core.services import deliveries
from core.services.deliveries import Owed, Post

from .queues import DELIVER

THREADS = 32  # receivers that are waited for at once
STOP_SECONDS = 3.0  # for requests in the air when it is asked to stop; they are made again
BACK_OFF = 10_000  # ms after a failure of ours
_POLL = 1  # seconds; a signal is heeded as late as this

log = structlog.get_logger(__name__)


def run(config: Config) -> None:
    """Deliver until SIGTERM or SIGINT."""
    use_key(config.secret_key or ensure_secret(config.data_dir))
    db = Database(config.database_url, **({} if config.sqlite else {"pool_size": THREADS}))
    db.wake = bell(connect(config.redis_url))
    client = connect(config.redis_url, patience=_POLL + 10)
    Deliverer(db, client, Caller(networks(config.net_allow)).post).run()
    db.close()


class Deliverer:
    """One deliverer; any number may run. ``post`` makes the requests."""

    def __init__(self, db: Database, client: redis.Redis, post: Post) -> None:
        self._db, self._redis, self._post = db, client, post
        self._stopping = threading.Event()
        self._free = threading.Semaphore(THREADS)
        self._queue = Queue(DELIVER, connection=client, serializer=JSONSerializer)
        self._alive = ALIVE_DELIVERER + uuid4().hex
        self._beat = 0.0

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        log.info("deliverer ready")
        while not self._stopping.is_set():
            try:
                self._say_alive()
                self.step()
            except redis.RedisError as error:
                log.warning("Redis does not answer; waiting", reason=str(error))
                self._stopping.wait(1.0)
        deadline = time.monotonic() + STOP_SECONDS
        for _ in range(THREADS):
            self._free.acquire(timeout=max(0.0, deadline - time.monotonic()))
        log.info("deliverer stopped")

    def stop(self) -> None:
        self._stopping.set()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def _say_alive(self) -> None:
        if time.monotonic() - self._beat >= HEARTBEAT_SECONDS:
            self._redis.set(self._alive, "1", ex=ALIVE_SECONDS)
            self._beat = time.monotonic()

    def step(self) -> None:
        """Take one entry, if one comes within a second, and do it in a thread."""
        if not self._free.acquire(timeout=_POLL):
            return
        thread = None
        try:
            job = self._next()
            if job is not None:
                thread = threading.Thread(target=self._do, args=(job,), daemon=True)
                thread.start()
        finally:
            if thread is None:
                self._free.release()

    def _next(self) -> Job | None:
        try:
            taken = Queue.dequeue_any([self._queue], _POLL, self._redis, serializer=JSONSerializer)
        except DequeueTimeout:
            return None
        if taken is None:
            return None
        job, _ = taken
        job.delete()  # a doorbell that has rung; the debt is the row
        return job

    def _do(self, job: Job) -> None:
        row_id, lease = job.args[0], int(job.id.rsplit("-", 1)[1])
        try:
            found = self._db.read(lambda session: _load(session, row_id, lease))
            if found is not None:
                webhook_id, owed = found
                with structlog.contextvars.bound_contextvars(webhook=webhook_id):
                    deliveries.run(self._db, self._post, webhook_id, owed, self._going)
        except Exception:  # whatever it was: the row stays, and is taken up again
            log.exception("delivering failed", row=row_id)
            self._later(row_id)
        finally:
            self._free.release()

    def _going(self) -> bool:
        return not self._stopping.is_set()

    def _later(self, row_id: int) -> None:
        try:
            self._db.write(lambda session: postpone(session, row_id, now() + BACK_OFF))
        except DBAPIError as error:
            log.warning("the lease has to run out", row=row_id, reason=str(error.orig))


def _load(session: Session, row_id: int, lease: int) -> tuple[int, Owed] | None:
    """The webhook that the row is for. None: it is done, or another has claimed it since."""
    row = session.get(Outbox, row_id)
    if row is None or row.lease != lease:
        return None
    return int(row.key), Owed(row.id, row.generation, row.lease)
