"""The relay: turns outbox rows that are due into entries of RQ's queues.

A row is the debt, a queue entry only its doorbell. The relay *claims* a row by giving it a lease
and enqueues a job that names the row; while the lease runs the row is not claimed again, so one row
has one entry however often the work was owed meanwhile. Nothing depends on the entry arriving: when
the lease ends with the row still there (a worker died, an entry was lost), the row is claimed
again. If Redis was emptied, the epoch key is gone, and all leases end at once.

The entry's id holds the moment of its claim, not the row alone: RQ keeps a job's key until the
worker has cleaned up after it, and an id without the claim would be refused as a duplicate just
when the work was owed again during its last run.
"""

import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType

import redis
import structlog
from rq import Queue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer
from sqlalchemy import case, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import events
from core.channels import CHANGES, RIGHTS
from core.clock import now
from core.doorbell import ALIVE_RELAY, ALIVE_SECONDS, EPOCH, HEARTBEAT_SECONDS, WAKE
from core.models import Outbox
from core.models.db import Database
from core.models.outbox import MERGE, TICK

from . import cleanup, expiry, sequencer
from .queues import PERFORM, ROUTES, route

BATCH = 100  # rows claimed in one commit
_RIGHTS = (events.PERMISSION, events.OWNERSHIP, events.ATHLETE, events.USER)
FORGET_SECONDS = 3600  # between looks for events that are too old
TOGETHER = 16  # merges in one entry
POLL = 1.0  # seconds; the guarantee when a wake-up is lost
FAILURE_SECONDS = 300  # how long RQ keeps a job that died; the debt is the row, not this

log = structlog.get_logger(__name__)


class Relay:
    """One relay. On PostgreSQL any number may run; on SQLite one (one box)."""

    def __init__(self, db: Database, client: redis.Redis) -> None:
        self._db = db
        self._redis = client
        self._stopping = threading.Event()
        self._beat = self._looked = self._forget_next = 0.0
        self._pubsub: redis.client.PubSub | None = None

    def run(self) -> None:
        """Relay until ``stop``. Redis or the database away: say so, wait, go on."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        log.info("relay started")
        while not self._stopping.is_set():
            try:
                wait = self.step()
                self._listen(wait)
            except redis.RedisError as error:
                log.warning("Redis does not answer; waiting", reason=str(error))
                self._pubsub = None
                self._stopping.wait(POLL)
            except DBAPIError as error:
                log.warning("the database does not answer; waiting", reason=str(error.orig))
                self._stopping.wait(POLL)
        log.info("relay stopped")

    def stop(self) -> None:
        self._stopping.set()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def step(self) -> float:
        """Number all events and enqueue all that is due; returns for how many seconds nothing else
        will be.
        """
        self._number()  # first: it needs no Redis
        self._check_epoch()
        if time.monotonic() - self._beat >= HEARTBEAT_SECONDS:
            self._redis.set(ALIVE_RELAY, "1", ex=ALIVE_SECONDS)
            self._beat = time.monotonic()
        while self._due() <= now():
            rows = self._db.write(claim)
            if not rows:
                break  # another relay was quicker
            self._enqueue(rows)
        return max(0.0, min(POLL, (self._due() - now()) / 1000))

    def _number(self) -> None:
        """Number the events that wait, and tell who waits for them."""
        if time.monotonic() - self._looked >= POLL:
            while self._db.read(expiry.due):
                self._db.write(expiry.tell)
            self._looked = time.monotonic()
        if time.monotonic() >= self._forget_next and not self._db.write(cleanup.forget):
            self._forget_next = time.monotonic() + FORGET_SECONDS
        for batch in sequencer.number(self._db):
            try:
                self._redis.publish(CHANGES, str(batch[-1].sequence))
                if any(event.kind in _RIGHTS for event in batch):
                    self._redis.publish(RIGHTS, "")
            except redis.RedisError as error:
                log.debug("nobody was told of new events", reason=str(error))

    def _check_epoch(self) -> None:
        if self._redis.set(EPOCH, str(now()), nx=True):
            freed = self._db.write(give_up_leases)
            log.info("a new or emptied Redis: all leases end", freed=freed)

    def _due(self) -> int:
        """The earliest moment at which some row may be claimed, in Unix ms."""
        claimable = case((Outbox.lease > Outbox.due, Outbox.lease), else_=Outbox.due)
        earliest = self._db.read(
            lambda s: s.scalar(select(func.min(claimable)).where(Outbox.topic.in_(ROUTES)))
        )
        return now() + int(POLL * 1000) if earliest is None else earliest

    def _enqueue(self, rows: list[Outbox]) -> None:
        by_queue: dict[str, list[Outbox]] = {}
        for row in rows:
            by_queue.setdefault(route(row).queue, []).append(row)
        try:
            with self._redis.pipeline() as pipeline:
                for name, its in by_queue.items():
                    queue = Queue(name, connection=self._redis, serializer=JSONSerializer)
                    queue.enqueue_many([_entry(some) for some in together(its)], pipeline=pipeline)
                pipeline.execute()
        except redis.RedisError:
            self._db.write(lambda s: give_up_leases(s, [row.id for row in rows]))
            raise

    def _listen(self, seconds: float) -> None:
        if self._pubsub is None:
            self._pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
            self._pubsub.subscribe(WAKE)
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            if self._pubsub.get_message(timeout=left):
                break
        while self._pubsub.get_message():
            continue  # one look at the outbox answers all of them


def claim(session: Session) -> list[Outbox]:
    """Lease the rows that are due; the caller enqueues them after the commit."""
    moment = now()
    rows = session.scalars(
        select(Outbox)
        .where(Outbox.due <= moment, Outbox.lease <= moment, Outbox.topic.in_(ROUTES))
        .order_by(Outbox.due)
        .limit(BATCH)
        .with_for_update(skip_locked=True)  # SQLite has one relay and ignores this
    ).all()
    for row in rows:
        if row.lease and row.topic == TICK:  # it ended with the work undone
            row.attempts = max(row.attempts, 1)
        row.lease = moment + route(row).lease
    return list(rows)


def give_up_leases(session: Session, ids: Sequence[int] | None = None) -> int:
    """End the leases of these rows, else of all; returns how many had one."""
    chosen = Outbox.lease > 0 if ids is None else Outbox.id.in_(ids)
    result = session.execute(update(Outbox).where(chosen).values(lease=0))
    return result.rowcount  # type: ignore[attr-defined]  # an UPDATE always has one


def entry_id(row: Outbox) -> str:
    """RQ allows letters, digits, ``_`` and ``-``; the row's id keeps two cleaned keys apart."""
    key = re.sub(r"[^A-Za-z0-9_-]", "_", row.key)
    return f"{row.topic}-{key}-{row.id}-{row.lease}"


def together(rows: Sequence[Outbox]) -> Iterator[Sequence[Outbox]]:
    """Which rows share an entry: merges that come due together, because the process that each entry
    costs takes longer than a merge. One that failed before is alone: it harms nobody else.
    """
    merges = [row for row in rows if row.topic == MERGE and not row.attempts]
    for at in range(0, len(merges), TOGETHER):
        yield merges[at : at + TOGETHER]
    for row in rows:
        if row.topic != MERGE or row.attempts:
            yield [row]


def _entry(rows: Sequence[Outbox]) -> EnqueueData:
    first, *others = rows
    return Queue.prepare_data(
        PERFORM,
        args=tuple(row.id for row in rows),
        timeout=route(first).seconds,
        result_ttl=0,
        failure_ttl=FAILURE_SECONDS,
        description=f"{first.topic} {first.key}" + (f" and {len(others)} more" if others else ""),
        job_id=entry_id(first),
    )
