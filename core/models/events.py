"""The event log: what happened, written in the commit that caused it, numbered by the relay.

``announce`` writes an event without its ``sequence``: a row without one is the debt that the relay
settles (workers/sequencer.py). Numbers are given one batch at a time in the order of ``number``,
the order of insertion. For one resource that is the order of its commits: ``announce`` first holds
a lock that belongs to the resource (its row in ``resource_revision``; of a time frame, the state of
its fold, which whoever changes a frame has locked) and draws ``number`` only then, so that a second
transaction on the same resource inserts after the first has committed.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import ForeignKey, Index, String, insert, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import now

from .base import Base, Document, moment, pk


class Event(Base):
    """One thing that happened. ``id`` is what the world calls it, the ``webhook-id`` included.

    The columns after ``data`` are what decides who may see it, as it was at that time, so that it
    can be judged when the thing is gone (core.policy): who owned it, whose data it is, who managed
    that athlete, the device, the interval. ``told``: the accounts that held a right which went with
    the thing. They refer to no row, since events outlive what they speak of.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index(
            "ix_event_unnumbered",
            "number",
            sqlite_where=text("sequence IS NULL"),
            postgresql_where=text("sequence IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[pk]
    id: Mapped[str] = mapped_column(String(36), unique=True)
    sequence: Mapped[int | None] = mapped_column(unique=True)
    type: Mapped[str] = mapped_column(String(32))
    created: Mapped[moment]
    kind: Mapped[str] = mapped_column(String(16))
    resource_id: Mapped[int]
    activity_id: Mapped[int | None] = mapped_column(index=True)
    timeframe_id: Mapped[int | None]
    revision: Mapped[int]
    data: Mapped[dict[str, Any]]
    owner_id: Mapped[int | None]
    athlete_id: Mapped[int | None] = mapped_column(index=True)
    manager_id: Mapped[int | None]
    device_id: Mapped[int | None]
    start_time: Mapped[moment | None]
    end_time: Mapped[moment | None]
    told: Mapped[list[Any]] = mapped_column(Document, default=list)


class EventAudience(Base):
    """Whom an event may concern, written when it is numbered: a reader's cursor walks their own
    rows, however many events of others lie between. The policy still judges each.
    """

    __tablename__ = "event_audience"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    sequence: Mapped[int] = mapped_column(
        ForeignKey("event.sequence", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    )


class EventLog(Base):
    """One row. ``last``: the newest number given. ``kept_from``: the oldest that is still kept.
    ``expired_until``: permissions that ended before this moment were told of.
    """

    __tablename__ = "event_log"

    id: Mapped[pk]
    last: Mapped[int] = mapped_column(default=0)
    kept_from: Mapped[int] = mapped_column(default=1)
    expired_until: Mapped[moment]


class ResourceRevision(Base):
    """How often a resource has changed; never deleted, so that a number given anew goes on rising.
    Time frames have theirs with their fold (ComputeState).
    """

    __tablename__ = "resource_revision"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    resource_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int]


def announce(
    session: Session,
    type: str,
    resource_id: int,
    data: Mapping[str, Any],
    *,
    revision: int | None = None,
    **judged: Any,
) -> None:
    """Write an event of type ``type`` about the resource, to be numbered after this commit.

    ``revision``: of a time frame, that of its fold, whose row the caller has locked; else it is
    counted here. ``judged``: the other columns of Event. Nouns have their own way in:
    core.models.announcements.
    """
    session.flush()  # what the event speaks of comes first, with its locks
    kind = type.partition(".")[0]
    values = {
        "id": str(uuid4()),
        "type": type,
        "created": now(),
        "kind": kind,
        "resource_id": resource_id,
        "revision": _next(session, kind, resource_id) if revision is None else revision,
        "data": dict(data),
        "told": [],
        **judged,
    }
    session.execute(insert(Event).values(values))
    session.info["owed"] = True


def _next(session: Session, kind: str, resource_id: int) -> int:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    first = dialect.insert(ResourceRevision).values(kind=kind, resource_id=resource_id, revision=1)
    counted = first.on_conflict_do_update(
        index_elements=[ResourceRevision.kind, ResourceRevision.resource_id],
        set_={"revision": ResourceRevision.revision + 1},
    )
    return session.scalars(counted.returning(ResourceRevision.revision)).one()
