"""Numbering events: one at a time, without a gap, never n + 1 before n.

An event waits without a number from its commit on (core.models.events). The relay numbers what
waits in the order of insertion, many in one commit, under a lock that one relay at a time can hold:
on PostgreSQL an advisory lock that ends with the transaction, on SQLite the one relay. The numbers
come from a counter row, never from a database sequence: what is rolled back gives its numbers back.

An event that commits while others of later insertion are numbered already gets the next number:
nothing that concerns one resource can overtake (core.models.events says why), and between resources
no reader was promised an order of commits that they could tell.
"""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import exists, func, insert, select
from sqlalchemy.orm import Session

from core.models import DeviceOwnership, Event, EventAudience, EventLog, Permission
from core.models.db import Database
from core.services import delivery_plan

BATCH = 200  # events numbered in one commit
_LOCK = 0x746C_6576  # the advisory lock's key: any number that nothing else here uses

Hook = Callable[[Session, Sequence[Event]], None]


def waiting(session: Session) -> bool:
    """Is there an event without a number?"""
    return bool(session.scalar(select(exists().where(Event.sequence.is_(None)))))


def assign(session: Session) -> list[Event]:
    """Number the next events and do in the same commit what hangs on it (``AFTER``). Returns them;
    none where none wait or another relay is at it.
    """
    if session.get_bind().dialect.name == "postgresql" and not session.scalar(
        select(func.pg_try_advisory_xact_lock(_LOCK))
    ):
        return []
    events = session.scalars(
        select(Event).where(Event.sequence.is_(None)).order_by(Event.number).limit(BATCH)
    ).all()
    if not events:
        return []
    log = session.get_one(EventLog, 1)
    for event in events:
        log.last += 1
        event.sequence = log.last
    session.flush()
    for hook in AFTER:
        hook(session, events)
    return list(events)


def number(db: Database) -> Iterator[list[Event]]:
    """Number all that wait, commit by commit."""
    while db.read(waiting):
        events = db.write(assign)
        if not events:
            return  # another relay is at it
        yield events


def write_audience(session: Session, events: Sequence[Event]) -> None:
    """A row for everybody whom an event may concern. Decided now and not in the event's own commit:
    a manager whose READ was granted meanwhile would else have fetched the athlete before this event
    and never be told of it.
    """
    readers = _readers(session, {e.athlete_id for e in events if e.athlete_id is not None})
    owners = _owners(session, {e.device_id for e in events if e.device_id is not None})
    rows = []
    for event in events:
        people = {event.owner_id, event.athlete_id, event.manager_id, *event.told}
        people |= readers.get(event.athlete_id, set())
        people |= {
            owner
            for owner, start, stop in owners.get(event.device_id, ())
            if start <= event.created < stop
        }
        rows += [{"user_id": one, "sequence": event.sequence} for one in people - {None}]
    if rows:
        session.execute(insert(EventAudience), rows)


def _readers(session: Session, athletes: set[int]) -> dict[int | None, set[int]]:
    """Athlete → managers who hold READ on some range of theirs."""
    found: dict[int | None, set[int]] = {}
    for athlete, manager in session.execute(
        select(Permission.athlete_id, Permission.manager_id).where(
            Permission.athlete_id.in_(athletes), Permission.permission == "READ"
        )
    ):
        found.setdefault(athlete, set()).add(manager)
    return found


def _owners(session: Session, devices: set[int]) -> dict[int | None, list[tuple[int, int, int]]]:
    """Device → its ownerships as (manager, start, stop)."""
    found: dict[int | None, list[tuple[int, int, int]]] = {}
    for device, manager, start, stop in session.execute(
        select(
            DeviceOwnership.device_id,
            DeviceOwnership.manager_id,
            DeviceOwnership.start_time,
            DeviceOwnership.end_time,
        ).where(DeviceOwnership.device_id.in_(devices))
    ):
        found.setdefault(device, []).append((manager, start, stop))
    return found


# Called with every batch in the commit that numbers it, in this order.
AFTER: tuple[Hook, ...] = (write_audience, delivery_plan.plan)
