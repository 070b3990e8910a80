"""Numbering events: without a gap, in the order of commits, whatever happens between."""

import threading
from collections.abc import Iterator
from unittest.mock import patch

import pytest
import redis
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import events
from core.channels import CHANGES, RIGHTS
from core.clock import now
from core.models import Device, Event, EventAudience, EventLog, Permission, User
from core.models.announcements import of_device, of_permissions, of_user
from core.models.db import Database
from core.models.events import announce
from workers import cleanup, expiry, sequencer
from workers.relay import Relay


@pytest.fixture
def world(db: Database) -> Database:
    """Manager 1, athlete 2 with READ for manager 1, athlete 3 of nobody, device 1."""

    def fill(session: Session) -> None:
        session.add(User(id=1, username="m", role="MANAGER", created=0))
        session.add(User(id=2, username="a", role="ATHLETE", created=0))
        session.add(User(id=3, username="b", role="ATHLETE", created=0))
        session.add(Device(id=1, device_name="d", serial_number="1"))
        session.flush()
        session.add(
            Permission(
                athlete_id=2, manager_id=1, permission="READ", start_time=0, expiration_time=9
            )
        )

    db.write(fill)
    return db


def say(session: Session, athlete: int, name: str = "x") -> None:
    announce(session, events.ATHLETE_UPDATED, athlete, {"changed": [name]}, athlete_id=athlete)


def numbered(db: Database) -> list[tuple[int, str, int]]:
    """(sequence, first changed name, revision) in the order of the sequence."""
    rows = db.read(
        lambda s: s.scalars(
            select(Event).where(Event.sequence.is_not(None)).order_by(Event.sequence)
        ).all()
    )
    return [(row.sequence, row.data["changed"][0], row.revision) for row in rows]


def number_all(db: Database) -> None:
    list(sequencer.number(db))


def test_numbers_have_no_gap_though_commits_fail(world: Database) -> None:
    def fails(session: Session) -> None:
        say(session, 2, "lost")
        raise RuntimeError("half-way")

    for k in range(5):
        world.write(lambda s, k=k: say(s, 2, str(k)))
        with pytest.raises(RuntimeError):
            world.write(fails)
        if k == 2:
            number_all(world)
    number_all(world)
    assert numbered(world) == [(k + 1, str(k), k + 1) for k in range(5)]
    assert world.read(lambda s: s.get_one(EventLog, 1)).last == 5


def test_more_than_one_batch(world: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "BATCH", 3)
    world.write(lambda s: [say(s, 2, str(k)) for k in range(8)])
    sizes = [len(batch) for batch in sequencer.number(world)]
    assert sizes == [3, 3, 2]
    assert [n for n, _, _ in numbered(world)] == list(range(1, 9))


def test_a_relay_that_dies_before_its_commit_loses_nothing(
    world: Database, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write(lambda s: say(s, 2, "a"))

    def dies(session: Session, batch: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sequencer, "AFTER", (sequencer.write_audience, dies))
        with pytest.raises(KeyboardInterrupt):
            Relay(world, client).step()
    assert numbered(world) == []
    client.flushall()
    Relay(world, client).step()
    assert numbered(world) == [(1, "a", 1)]


def test_an_event_of_an_earlier_insertion_that_commits_late(db_postgres: Database) -> None:
    """Commits in the reverse order of insertions: each gets the next number when it is there."""
    db = db_postgres
    db.write(
        lambda s: s.add_all(
            [User(id=i, username=f"{i}", role="ATHLETE", created=0) for i in (2, 3)]
        )
    )
    with Session(db.engine) as early:
        say(early, 2, "early")
        db.write(lambda s: say(s, 3, "late"))
        number_all(db)
        assert numbered(db) == [(1, "late", 1)]
        early.commit()
    number_all(db)
    assert numbered(db) == [(1, "late", 1), (2, "early", 1)]


@pytest.fixture
def relays(db_postgres: Database) -> Iterator[threading.Event]:
    """Three that number as fast as they can while the test writes."""
    stop = threading.Event()

    def relay() -> None:
        while not stop.is_set():
            number_all(db_postgres)

    threads = [threading.Thread(target=relay) for _ in range(3)]
    for thread in threads:
        thread.start()
    yield stop
    stop.set()
    for thread in threads:
        thread.join()


def test_many_writers_and_relays_at_once(db_postgres: Database, relays: threading.Event) -> None:
    """Six threads change three athletes, some rolling back; three relays number; a reader that
    follows the numbers sees each once, and the revisions of each athlete in their order.
    """
    db = db_postgres
    db.write(
        lambda s: s.add_all(
            User(id=i, username=f"{i}", role="ATHLETE", created=0) for i in (2, 3, 4)
        )
    )
    read: list[tuple[int, int, int]] = []

    def writer(seed: int) -> None:
        for k in range(30):
            with Session(db.engine) as session:
                say(session, 2 + (seed + k) % 3)
                if k % 5 == 4:
                    session.rollback()
                else:
                    session.commit()

    def follow() -> None:
        after = read[-1][0] if read else 0
        new = select(Event.sequence, Event.resource_id, Event.revision)
        read.extend(
            tuple(row)
            for row in db.read(
                lambda s: s.execute(
                    new.where(Event.sequence > after).order_by(Event.sequence)
                ).all()
            )
        )

    writers = [threading.Thread(target=writer, args=(seed,)) for seed in range(6)]
    for thread in writers:
        thread.start()
    while any(thread.is_alive() for thread in writers):
        follow()
    for thread in writers:
        thread.join()
    while db.read(sequencer.waiting):
        number_all(db)  # gives way while another relay is at it
    follow()
    assert [n for n, _, _ in read] == list(range(1, 6 * 24 + 1))
    for athlete in (2, 3, 4):
        revisions = [revision for _, who, revision in read if who == athlete]
        assert revisions == list(range(1, len(revisions) + 1))


def test_whom_an_event_may_concern(world: Database) -> None:
    def change(session: Session) -> None:
        of_user(session, "updated", session.get_one(User, 2), ["email"])
        of_user(session, "updated", session.get_one(User, 2))  # nothing changed
        of_user(session, "updated", session.get_one(User, 3), ["email"])
        of_device(session, events.DEVICE_CREATED, session.get_one(Device, 1))
        rows = session.scalars(select(Permission)).all()
        of_permissions(session, events.PERMISSION_REVOKED, rows)

    world.write(change)
    number_all(world)
    found = world.read(
        lambda s: s.execute(
            select(Event.type, EventAudience.user_id)
            .outerjoin(EventAudience, EventAudience.sequence == Event.sequence)
            .order_by(Event.sequence, EventAudience.user_id)
        ).all()
    )
    assert [tuple(row) for row in found] == [
        ("athlete.updated", 1),
        ("athlete.updated", 2),
        ("athlete.updated", 3),
        ("device.created", None),
        ("permission.revoked", 1),
        ("permission.revoked", 2),
    ]


def test_a_permission_that_ends_by_the_clock_is_told_of_once(
    world: Database, client: redis.Redis
) -> None:
    def soon(session: Session) -> None:
        moment = now()
        for k, end in enumerate((moment - 50, moment - 40, moment - 40, moment + 3_600_000)):
            session.add(
                Permission(
                    id=10 + k, athlete_id=2, manager_id=1, permission="WRITE",
                    start_time=0, expiration_time=end,
                )
            )  # fmt: skip
        session.get_one(EventLog, 1).expired_until = moment - 1000

    world.write(soon)
    with patch.object(expiry, "BATCH", 1):
        Relay(world, client).step()
        Relay(world, client).step()
    found = world.read(
        lambda s: s.execute(select(Event.type, Event.resource_id).order_by(Event.sequence)).all()
    )
    assert [tuple(row) for row in found] == [("permission.expired", 10 + k) for k in range(3)]


def test_readers_are_woken_and_sockets_ask_for_rights_again(
    world: Database, client: redis.Redis
) -> None:
    listening = client.pubsub(ignore_subscribe_messages=True)
    listening.subscribe(CHANGES, RIGHTS)
    listening.get_message(timeout=1)
    listening.get_message(timeout=1)
    world.write(lambda s: announce(s, events.JOB_CREATED, 1, {}))
    Relay(world, client).step()
    world.write(
        lambda s: of_permissions(s, events.PERMISSION_REVOKED, s.scalars(select(Permission)))
    )
    Relay(world, client).step()
    got = [listening.get_message(timeout=5) for _ in range(3)]
    assert [(m["channel"].decode(), m["data"].decode()) for m in got if m] == [
        (CHANGES, "1"),
        (CHANGES, "2"),
        (RIGHTS, ""),
    ]


def test_what_is_too_old_goes_from_the_front_and_leaves_no_hole(
    world: Database, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write(lambda s: [say(s, 2, str(k)) for k in range(6)])
    number_all(world)
    old = now() - (cleanup.KEEP_DAYS + 1) * cleanup.DAY

    def age(session: Session) -> None:
        for sequence in (1, 2, 3, 5):  # 5 was told by a clock that was wrong
            session.execute(update(Event).where(Event.sequence == sequence).values(created=old))

    world.write(age)
    monkeypatch.setattr(cleanup, "BATCH", 2)
    relay = Relay(world, client)
    for _ in range(3):
        relay.step()
    assert [sequence for sequence, _, _ in numbered(world)] == [4, 5, 6]
    log = world.read(lambda s: s.get_one(EventLog, 1))
    assert (log.kept_from, log.last) == (4, 6)
    assert world.read(lambda s: s.scalar(select(func.min(EventAudience.sequence)))) == 4
    world.write(lambda s: say(s, 2, "next"))
    number_all(world)
    assert numbered(world)[-1] == (7, "next", 7)
