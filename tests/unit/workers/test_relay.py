"""The relay, against a real Redis and both databases."""

import threading
import time

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select

from core.clock import now
from core.doorbell import ALIVE_RELAY, WAKE, bell, connect
from core.models import Outbox
from core.models.db import Database
from core.models.outbox import IMPORT, MERGE, TICK, owe, settle
from workers.queues import QUEUES, ROUTES
from workers.relay import TOGETHER, Relay


def entries(client: redis.Redis) -> dict[str, list[str]]:
    """Queue → descriptions of its entries, in order."""
    queues = (Queue(name, connection=client, serializer=JSONSerializer) for name in QUEUES)
    found = {queue.name: [job.description for job in queue.jobs] for queue in queues}
    return {name: jobs for name, jobs in found.items() if jobs}


def rows(db: Database) -> list[Outbox]:
    return list(db.read(lambda s: s.scalars(select(Outbox).order_by(Outbox.id)).all()))


@pytest.fixture
def relay(db: Database, client: redis.Redis) -> Relay:
    return Relay(db, client)


def test_due_work_goes_to_the_queue_of_its_topic(
    db: Database, client: redis.Redis, relay: Relay
) -> None:
    db.write(lambda s: [owe(s, TICK, 7), owe(s, IMPORT, "job-1"), owe(s, MERGE, 3)])
    relay.step()
    assert entries(client) == {
        "live": ["tick 7"],
        "ingest": ["import job-1"],
        "bulk": ["merge 3"],
    }
    assert client.get(ALIVE_RELAY) is not None


def test_merges_that_are_due_together_share_an_entry(
    db_sqlite: Database, client: redis.Redis
) -> None:
    db_sqlite.write(lambda s: [owe(s, MERGE, key) for key in range(TOGETHER + 2)])

    def fail(session) -> None:
        session.scalars(select(Outbox).where(Outbox.key == "0")).one().attempts = 1

    db_sqlite.write(fail)
    Relay(db_sqlite, client).step()
    queue = Queue("bulk", connection=client, serializer=JSONSerializer)
    assert sorted(len(job.args) for job in queue.jobs) == [1, 1, TOGETHER]
    assert {row for job in queue.jobs for row in job.args} == {row.id for row in rows(db_sqlite)}
    alone = next(row.id for row in rows(db_sqlite) if row.attempts)
    assert [alone] in [job.args for job in queue.jobs]  # harms nobody else


def test_a_claimed_row_has_one_entry_however_often_it_is_owed(
    db: Database, client: redis.Redis, relay: Relay
) -> None:
    for _ in range(3):
        db.write(lambda s: owe(s, TICK, 7))
        relay.step()
    assert entries(client) == {"live": ["tick 7"]}
    (row,) = rows(db)
    assert row.generation == 3
    assert row.lease > now()


def test_owed_again_while_it_was_done_is_enqueued_again_at_once(
    db: Database, client: redis.Redis, relay: Relay
) -> None:
    db.write(lambda s: owe(s, TICK, 7))
    relay.step()
    (row,) = rows(db)
    db.write(lambda s: owe(s, TICK, 7))  # samples came while the worker folded
    assert db.write(lambda s: settle(s, row.id, row.generation)) is False
    relay.step()
    assert entries(client) == {"live": ["tick 7", "tick 7"]}
    assert db.write(lambda s: settle(s, row.id, row.generation + 1)) is True
    assert rows(db) == []


def test_work_that_is_due_later_waits(db: Database, client: redis.Redis, relay: Relay) -> None:
    db.write(lambda s: owe(s, TICK, 7, due=now() + 900))
    assert 0 < relay.step() <= 0.9
    assert entries(client) == {}
    time.sleep(0.91)
    relay.step()
    assert entries(client) == {"live": ["tick 7"]}


def test_a_lease_that_ended_is_claimed_again(
    db: Database, client: redis.Redis, relay: Relay
) -> None:
    db.write(lambda s: owe(s, TICK, 7))
    relay.step()

    def end_lease(session) -> None:
        session.scalars(select(Outbox)).one().lease = now() - 1

    db.write(end_lease)
    relay.step()
    # Its worker may have died of it: now it runs where that harms nobody else.
    assert entries(client) == {"live": ["tick 7"], "compute": ["tick 7"]}


def test_an_emptied_redis_gets_everything_again(
    db: Database, client: redis.Redis, relay: Relay
) -> None:
    db.write(lambda s: [owe(s, TICK, key) for key in range(250)])
    relay.step()
    client.flushall()
    assert entries(client) == {}
    relay.step()
    assert len(entries(client)["live"]) == 250


def test_two_relays_share_the_rows_of_postgresql(
    db_postgres: Database, client: redis.Redis
) -> None:
    db_postgres.write(lambda s: [owe(s, TICK, key) for key in range(500)])
    relays = [Relay(db_postgres, client) for _ in range(2)]
    relays[0]._check_epoch()
    threads = [threading.Thread(target=relay.step) for relay in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(entries(client)["live"]) == sorted(f"tick {key}" for key in range(500))


def test_redis_away_gives_the_lease_back(db_sqlite: Database, client: redis.Redis) -> None:
    db_sqlite.write(lambda s: owe(s, TICK, 7))
    relay = Relay(db_sqlite, client)
    relay._check_epoch()
    relay._redis = connect("unix:///nowhere/redis.sock")
    rows_before = rows(db_sqlite)
    with pytest.raises(redis.RedisError):
        relay._enqueue(rows_before)
    assert rows(db_sqlite)[0].lease == 0


def test_a_wake_up_ends_the_wait(db_sqlite: Database, client: redis.Redis, redis_url: str) -> None:
    relay = Relay(db_sqlite, client)
    relay._listen(0.01)  # subscribes
    db_sqlite.wake = bell(connect(redis_url))
    timer = threading.Timer(0.1, lambda: db_sqlite.write(lambda s: owe(s, TICK, 1)))
    timer.start()
    began = time.monotonic()
    relay._listen(5.0)
    timer.join()
    assert time.monotonic() - began < 2.0
    assert client.pubsub_numsub(WAKE)[0][1] == 1


def test_every_topic_has_a_route_and_a_job() -> None:
    from core.models import outbox
    from workers.jobs import TOPICS

    names = {value for name, value in vars(outbox).items() if name.isupper() and name[0] != "_"}
    assert names == set(ROUTES) == set(TOPICS) | {outbox.DELIVER}  # workers.deliverer
