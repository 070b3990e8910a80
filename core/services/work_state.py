"""How the platform's work stands: what is owed, what failed, who is there to do it.

What the database says is the truth; what Redis says is who is awake now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.doorbell import ALIVE_DELIVERER, ALIVE_RELAY, ALIVE_WORKER
from core.models import Activity, ComputeState, Job, Outbox, TimeFrame
from core.models.work import FAILURE
from core.policy import Actor

LATE_MS = 30_000  # the relay rings at once; what waits longer than this waits for somebody
SHOWN = 20

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Topic:
    """What is owed of one kind. ``overdue``: due for more than half a minute, and nobody has it.
    ``attempts``: the most that any of it took; ``oldest`` is when the first of it was due.
    """

    name: str
    owed: int
    running: int
    overdue: int
    attempts: int
    oldest: int


@dataclass(frozen=True)
class HeldFrame:
    """A time frame whose computation raised again and again."""

    id: int
    activity: str
    sport: str
    failures: int
    error: str


@dataclass(frozen=True)
class Queue:
    """``failed``: entries that died; RQ forgets them after some minutes, the debt stays."""

    name: str
    waiting: int
    running: int
    failed: int


@dataclass(frozen=True)
class WorkerState:
    name: str
    queues: str
    state: str


@dataclass(frozen=True)
class Awake:
    """Who is there, as far as Redis knows; ``deliverers`` send webhooks."""

    relay: bool
    deliverers: int
    workers: Sequence[WorkerState]
    queues: Sequence[Queue]


def topics(session: Session, actor: Actor) -> list[Topic]:
    """The outbox by topic."""
    policy.require_administration_reader(actor)
    moment = now()
    running = Outbox.lease > moment
    late = (Outbox.due < moment - LATE_MS) & ~running
    rows = session.execute(
        select(
            Outbox.topic,
            func.count(),
            func.sum(case((running, 1), else_=0)),
            func.sum(case((late, 1), else_=0)),
            func.max(Outbox.attempts),
            func.min(Outbox.due),
        )
        .group_by(Outbox.topic)
        .order_by(Outbox.topic)
    )
    return [Topic(*row) for row in rows]


def held_frames(session: Session, actor: Actor) -> tuple[list[HeldFrame], int]:
    """The newest time frames with an error, and how many there are."""
    policy.require_administration_reader(actor)
    held = ComputeState.error.is_not(None)
    count = session.scalar(select(func.count()).select_from(ComputeState).where(held)) or 0
    rows = session.execute(
        select(
            TimeFrame.id,
            Activity.name,
            Activity.json["sport"].as_string(),
            ComputeState.failures,
            ComputeState.error,
        )
        .join(ComputeState, ComputeState.timeframe_id == TimeFrame.id)
        .join(Activity, Activity.id == TimeFrame.activity_id)
        .where(held)
        .order_by(TimeFrame.id.desc())
        .limit(SHOWN)
    )
    return [HeldFrame(*row) for row in rows], count


def failed_jobs(session: Session, actor: Actor) -> tuple[list[Job], int]:
    """The latest jobs that ended in FAILURE, and how many there are."""
    policy.require_administration_reader(actor)
    failed: Select[Any] = select(Job).where(Job.state == FAILURE)
    count = session.scalar(select(func.count()).select_from(failed.subquery())) or 0
    latest = failed.order_by(Job.finished.desc(), Job.id.desc()).limit(SHOWN)
    return list(session.scalars(latest)), count


def awake(client: redis.Redis) -> Awake | None:
    """None: Redis does not answer."""
    try:
        relay = bool(client.exists(ALIVE_RELAY))
        names, deliverers = (_alive(client, sort) for sort in (ALIVE_WORKER, ALIVE_DELIVERER))
        workers = [_worker(client, name) for name in names]
        return Awake(relay, len(deliverers), workers, _queues(client))
    except redis.RedisError as error:
        log.warning("Redis does not answer", reason=str(error))
        return None


def _alive(client: redis.Redis, sort: str) -> list[str]:
    found = client.scan_iter(f"{sort}*", count=1000)
    return sorted(_text(key).removeprefix(sort) for key in found)


def _worker(client: redis.Redis, name: str) -> WorkerState:
    """As RQ writes it down beside our own alive key."""
    queues, state = client.hmget(f"rq:worker:{name}", ["queues", "state"])
    return WorkerState(name, _text(queues).replace(",", ", "), _text(state))


def _queues(client: redis.Redis) -> list[Queue]:
    """RQ's keys are read directly: nothing in core imports rq."""
    names = sorted(_text(key).removeprefix("rq:queue:") for key in client.smembers("rq:queues"))
    pipe = client.pipeline()
    for name in names:
        pipe.llen(f"rq:queue:{name}")
        pipe.zcard(f"rq:wip:{name}")
        pipe.zcard(f"rq:failed:{name}")
    counts = iter(pipe.execute())
    return [Queue(name, next(counts), next(counts), next(counts)) for name in names]


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
