"""The deliverer as a process, fed by the relay: slow receivers, killed, stopped, restarted."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events
from core.auth.secrets import seal, use_key
from core.clock import now
from core.config import Config
from core.doorbell import ALIVE_DELIVERER, ALIVE_WORKER, bell, connect
from core.models import Delivery, Outbox, User, Webhook
from core.models.db import Database
from core.models.events import announce
from core.models.outbox import DELIVER
from core.models.webhooks import DELIVERED
from core.supervisor import Child, touchline_command
from tests.receivers import Call, Reply, receiver
from tests.unit.workers.test_worker import wait_for
from workers.relay import Relay

SECRET = "a key for tests"


@pytest.fixture
def world(db: Database, redis_url: str) -> Database:
    use_key(SECRET)
    db.write(lambda s: s.add(User(id=1, username="m", role="MANAGER", created=0)))
    db.wake = bell(connect(redis_url))
    return db


@pytest.fixture
def start(world: Database, redis_url: str, tmp_path: Path) -> Iterator[Callable[..., Child]]:
    config = Config.load({}, data_dir=str(tmp_path), secret_key=SECRET, net_allow="127.0.0.0/8")
    env = {
        **os.environ,
        **config.environment(),
        "TOUCHLINE_DATABASE_URL": world.engine.url.render_as_string(hide_password=False),
        "TOUCHLINE_REDIS_URL": redis_url,
    }
    children: list[Child] = []

    def begin(queues: str = "deliver") -> Child:
        child = Child(queues, [touchline_command(), "worker", "--queues", queues], env)
        child.start()
        children.append(child)
        return child

    yield begin
    for child in children:
        child.stop(signal.SIGKILL)
        child.wait(time.monotonic() + 5)


def register(db: Database, activity: int, url: str) -> None:
    row = Webhook(
        activity_id=activity,
        owner_id=1,
        webhook_url=url,
        secret_sealed=seal("a secret"),
        activity_events=True,
        timeframes_events=True,
        created=now(),
    )
    db.write(lambda s: s.add(row))


def happen(db: Database, activity: int) -> None:
    def say(session: Session) -> None:
        announce(session, events.ACTIVITY_UPDATED, activity, {}, activity_id=activity, owner_id=1)

    db.write(say)


def delivered(db: Database) -> int:
    rows = select(Delivery).where(Delivery.state == DELIVERED)
    return len(db.read(lambda s: s.scalars(rows).all()))


def relaying(relay: Relay, condition: Callable[[], object]) -> None:
    """Relay until it holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        relay.step()
        time.sleep(0.02)


def test_a_slow_receiver_holds_up_nobody(
    world: Database, client: redis.Redis, start: Callable[..., Child]
) -> None:
    gate = threading.Event()

    def waits(_: Call) -> Reply:
        gate.wait(9.0)
        return Reply()

    deliverer, relay = start(), Relay(world, client)
    wait_for(lambda: client.keys(ALIVE_DELIVERER + "*"))
    assert not client.keys(ALIVE_WORKER + "*")
    with receiver() as quick, receiver(waits) as slow:
        for activity in range(1, 5):
            register(world, activity, slow.url)
            happen(world, activity)
        relaying(relay, lambda: len(slow.begun) == 4)  # all four wait at once
        register(world, 9, quick.url)
        happen(world, 9)
        relaying(relay, lambda: delivered(world) == 1)
        assert len(quick.calls) == 1
        assert slow.calls == []
        assert deliverer.process is not None
        deliverer.process.kill()  # with four requests in the air
        deliverer.process.wait()
        gate.set()
        world.write(lambda s: s.execute(update(Outbox).values(lease=0)))  # as if they had ended
        start()
        relaying(relay, lambda: delivered(world) == 5)
        mine = select(Delivery.message).where(Delivery.webhook_id <= 4)
        messages = set(world.read(lambda s: s.scalars(mine).all()))
        assert {call.headers["webhook-id"] for call in slow.calls} == messages
    left = select(Outbox).where(Outbox.topic == DELIVER)
    relaying(relay, lambda: not world.read(lambda s: s.scalars(left).all()))


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_it_stops_in_time_with_a_request_in_the_air(
    world: Database, client: redis.Redis, start: Callable[..., Child]
) -> None:
    with receiver(lambda _: Reply(wait=9.0)) as hook:
        deliverer, relay = start(), Relay(world, client)
        register(world, 1, hook.url)
        happen(world, 1)
        relaying(relay, lambda: hook.begun)
        began = time.monotonic()
        deliverer.stop()
        assert deliverer.wait(began + 8.0)
        assert deliverer.process is not None
        assert deliverer.process.returncode == 0
        assert delivered(world) == 0
