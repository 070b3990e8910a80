"""The jobs: one function per topic of the outbox, and what happens when one raises.

A job loads its row, calls the pipeline, and the pipeline settles the row in the commit of the
work's effects. A row that is gone was done already: every job is safe to run twice. A job that
raises is tried again after a while; after the third time it ends in a state that says why, where
the client looks: on the job itself, or on the time frames that it was for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from core.clock import now
from core.models import Outbox
from core.models import outbox as topics
from core.models.db import Database
from core.models.outbox import settle
from core.pipeline import compute, merge
from core.pipeline.objects import ObjectStore
from core.pipeline.publish import Publisher
from core.services.mails import Office
from core.sport.registry import Registry

BACK_OFF = (2_000, 10_000)  # ms before the second and the third attempt
MOST_ATTEMPTS = len(BACK_OFF) + 1

log = structlog.get_logger(__name__)


@dataclass
class Context:
    """What a worker process holds while it lives. ``office`` is from where mail goes. ``hot`` and
    ``summaries`` keep folds between ticks; only the process that serves ``live`` in itself fills
    them. ``send`` tells live messages to whoever listens, as ``publisher`` does, by which replays
    are told.
    """

    db: Database
    registry: Registry
    objects: ObjectStore
    office: Office | None = None
    hot: compute.Hot = field(default_factory=dict)
    summaries: compute.HotSummaries = field(default_factory=dict)
    send: compute.Send | None = None
    publisher: Publisher | None = None


class Owed(NamedTuple):
    """One outbox row as it stood when its work began."""

    row_id: int
    generation: int
    topic: str
    key: str
    payload: dict[str, Any]

    @property
    def pair(self) -> tuple[int, int]:
        return self.row_id, self.generation


_context: Context | None = None


def prepare(context: Context | None) -> None:
    """Give this process, and those it forks, what jobs work with."""
    global _context
    _context = context


def perform(*row_ids: int) -> None:
    """Do what outbox rows say, one after the other. The function that RQ calls. Where one fails the
    others are given back: what is left of the time was for all of them.
    """
    for done, row_id in enumerate(row_ids, 1):
        if not _perform(row_id):
            give_back(row_ids[done:])
            return


def give_back(row_ids: Sequence[int]) -> None:
    """End the leases of rows, so that the relay enqueues them again."""

    def give(session: Session) -> None:
        session.execute(update(Outbox).where(Outbox.id.in_(row_ids)).values(lease=0))
        session.info["owed"] = True

    if row_ids:
        _prepared().db.write(give)


def _perform(row_id: int) -> bool:
    context = _prepared()
    owed = context.db.read(lambda s: _load(s, row_id))
    if owed is None:
        return True
    with structlog.contextvars.bound_contextvars(topic=owed.topic, key=owed.key):
        try:
            TOPICS[owed.topic](context, owed)
        except Exception as error:  # whatever a job raises, the debt is dealt with
            log.exception("job failed")
            failed(context.db, owed, f"{type(error).__name__}: {error}")
            return False
    return True


def died(row_id: int, reason: str) -> None:
    """The process that performed the row was killed, so nothing in it could say so."""
    db = _prepared().db
    owed = db.read(lambda s: _load(s, row_id))
    if owed is not None:
        failed(db, owed, reason)
    db.close()  # called in the process that forks: an open connection must not be inherited


def failed(db: Database, owed: Owed, reason: str) -> None:
    """Try again later, or give up: say why where the client looks, then drop the debt."""

    def count(session: Session) -> int:
        row = session.get(Outbox, owed.row_id, with_for_update=True)
        if row is None:
            return 0
        row.attempts += 1
        if row.attempts < MOST_ATTEMPTS:
            row.due, row.lease = now() + BACK_OFF[row.attempts - 1], 0
        return row.attempts

    attempts = db.write(count)
    if attempts < MOST_ATTEMPTS:
        return
    # Two commits: were the second lost, the row would come back and end here again.
    if owed.topic == topics.IMPORT:
        from core.services import imports

        imports.record_failure(db, int(owed.key), reason)
    elif owed.topic == topics.DELETE:
        from core.services import deletion

        deletion.record_failure(db, int(owed.key), reason)
    elif owed.topic in (topics.TICK, topics.REFOLD, topics.CLOSE):
        compute.record_failure(db, owed.topic, owed.key, reason)
    db.write(lambda s: settle(s, *owed.pair))
    log.error("gave up", topic=owed.topic, key=owed.key, attempts=attempts, reason=reason)


def _prepared() -> Context:
    if _context is None:
        raise RuntimeError("workers.jobs.prepare was not called in this process")
    return _context


def _load(session: Session, row_id: int) -> Owed | None:
    row = session.get(Outbox, row_id)
    return None if row is None else Owed(row.id, row.generation, row.topic, row.key, row.payload)


def _tick(context: Context, owed: Owed) -> None:
    compute.tick(
        context.db, context.registry, int(owed.key), owed.pair, context.hot, context.send,
        context.summaries,
    )  # fmt: skip


def _refold(context: Context, owed: Owed) -> None:
    compute.refold(context.db, context.registry, int(owed.key), owed.pair, context.send)


def _close(context: Context, owed: Owed) -> None:
    compute.close(context.db, context.registry, int(owed.key), owed.pair, context.send)


def _summary(context: Context, owed: Owed) -> None:
    compute.summarise(context.db, context.registry, int(owed.key), owed.pair, context.send)


def _import(context: Context, owed: Owed) -> None:
    from core.services import imports  # the decoders stay out of workers of other queues

    imports.run(
        context.db, context.registry, context.objects, int(owed.key), owed.pair, context.send
    )


def _merge(context: Context, owed: Owed) -> None:
    merge.run(context.db, int(owed.key), owed.pair)


def _delete(context: Context, owed: Owed) -> None:
    from core.services import deletion

    deletion.run(context.db, context.objects, int(owed.key), owed.pair)


def _mail(context: Context, owed: Owed) -> None:
    from core.services import mails

    if context.office is None:
        raise RuntimeError("this worker was given no office to send mail from")
    mails.run(context.db, context.office, owed.payload, owed.pair)


def _replay(context: Context, owed: Owed) -> None:
    from core.pipeline import replay

    if context.publisher is None:
        raise RuntimeError("this worker was given no Redis to tell replays by")
    listeners, tell = context.publisher.listeners, context.publisher.tell
    replay.step(context.db, context.registry, listeners, tell, int(owed.key), owed.pair)


TOPICS: dict[str, Callable[[Context, Owed], None]] = {
    topics.TICK: _tick,
    topics.REFOLD: _refold,
    topics.CLOSE: _close,
    topics.SUMMARY: _summary,
    topics.IMPORT: _import,
    topics.MERGE: _merge,
    topics.REPLAY: _replay,
    topics.DELETE: _delete,
    topics.MAIL: _mail,
}
