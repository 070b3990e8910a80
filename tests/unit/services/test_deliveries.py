"""Deliveries against a real receiver on both databases: order, schedule, signatures, failures."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core import events
from core.auth.secrets import seal, use_key
from core.clock import now
from core.models import (
    AccessEvent,
    Delivery,
    DeliveryAttempt,
    Event,
    Outbox,
    Permission,
    User,
    Webhook,
)
from core.models.db import Database
from core.models.events import announce
from core.models.outbox import DELIVER, MAIL
from core.models.webhooks import ACTIVE, DELIVERED, DISABLED, FAILED, PENDING, TEST, VERIFICATION
from core.net import Answer, Caller, networks
from core.services import deliveries
from core.services.deliveries import RATE, SCHEDULE, Owed
from core.services.delivery_plan import send_own
from core.services.signing import key_of, signatures
from tests.receivers import Call, Receiver, Reply, receiver
from workers import sequencer

OWNER, ATHLETE, ACTIVITY = 1, 2, 7
POST = Caller(networks("127.0.0.0/8"), seconds=1.0).post


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def _with_people(db: Database) -> Database:
    use_key("a key for tests")
    people = [
        User(id=OWNER, username="m", role="MANAGER", email="m@club.example", created=0),
        User(id=ATHLETE, username="a", role="ATHLETE", created=0),
    ]
    db.write(lambda s: s.add_all(people))
    return db


@pytest.fixture
def world(db: Database) -> Database:
    """Both databases, for what is done in SQL or hangs on locks."""
    return _with_people(db)


@pytest.fixture
def lone(db_sqlite: Database) -> Database:
    """One database, for what is done in Python."""
    return _with_people(db_sqlite)


def register(db: Database, url: str, **more: Any) -> int:
    def add(session: Session) -> int:
        newest = session.scalar(select(func.max(Event.number))) or 0
        given: dict[str, Any] = {
            "activity_id": ACTIVITY,
            "owner_id": OWNER,
            "webhook_url": url,
            "secret_sealed": seal("a secret"),
            "activity_events": True,
            "timeframes_events": True,
            "since": newest,
            "created": now(),
            **more,
        }
        webhook = Webhook(**given)
        session.add(webhook)
        session.flush()
        return webhook.id

    return db.write(add)


def frame_event(db: Database, frame: int, type: str = events.TIMEFRAME_UPDATED, **data: Any) -> str:
    """Announce something about a time frame, and number it; returns the event's id."""
    judged = {"owner_id": OWNER, "athlete_id": ATHLETE, "start_time": 0, "end_time": 9}
    db.write(
        lambda s: announce(s, type, frame, data, activity_id=ACTIVITY, timeframe_id=frame, **judged)
    )
    return newest_event(db)


def activity_event(db: Database, type: str = events.ACTIVITY_UPDATED) -> str:
    db.write(lambda s: announce(s, type, ACTIVITY, {}, activity_id=ACTIVITY, owner_id=OWNER))
    return newest_event(db)


def newest_event(db: Database) -> str:
    list(sequencer.number(db))
    return db.read(lambda s: s.scalars(select(Event).order_by(Event.number.desc())).first()).id


def work(db: Database, webhook: int, post: deliveries.Post = POST) -> None:
    """What the relay and the deliverer do when the webhook's row is due."""

    def claim(session: Session) -> Owed | None:
        row = session.scalars(
            select(Outbox).where(Outbox.topic == DELIVER, Outbox.key == str(webhook))
        ).first()
        if row is None or row.due > now():
            return None
        row.lease = now() + 30_000
        return Owed(row.id, row.generation, row.lease)

    while (claimed := db.write(claim)) is not None:
        deliveries.run(db, post, webhook, claimed)


def sent(hook: Receiver) -> list[str]:
    return [call.headers["webhook-id"] for call in hook.calls]


def log(db: Database, webhook: int) -> list[Delivery]:
    return list(
        db.read(
            lambda s: s.scalars(
                select(Delivery).where(Delivery.webhook_id == webhook).order_by(Delivery.id)
            ).all()
        )
    )


def webhook_of(db: Database, webhook: int) -> Webhook | None:
    return db.read(lambda s: s.get(Webhook, webhook))


def state(db: Database, webhook: int) -> tuple[str, str | None]:
    found = webhook_of(db, webhook)
    assert found is not None
    return found.state, found.reason


def owed(db: Database) -> list[Outbox]:
    mine = select(Outbox).where(Outbox.topic == DELIVER)
    return list(db.read(lambda s: s.scalars(mine).all()))


def wait_of(db: Database, delivery: Delivery) -> int:
    """From the end of its newest attempt to the next, in ms."""
    newest = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id == delivery.id)
    last = db.read(lambda s: s.scalars(newest.order_by(DeliveryAttempt.id.desc())).first())
    assert last is not None
    return delivery.due - last.time - last.milliseconds


def pass_time(db: Database) -> None:
    """As if every wait were over."""

    def move(session: Session) -> None:
        session.execute(update(Delivery).where(Delivery.state == PENDING).values(due=0))
        session.execute(update(Webhook).values(held_until=0))
        session.execute(update(Outbox).where(Outbox.topic == DELIVER).values(due=0))
        session.execute(update(DeliveryAttempt).values(time=DeliveryAttempt.time - 2_000))

    db.write(move)


# -- what is sent ---------------------------------------------------------------------------------


def test_an_event_arrives_as_the_feed_has_it(world: Database, hook: Receiver) -> None:
    webhook = register(world, hook.url, secret_header="X-Club")
    event = frame_event(world, 3, athlete=ATHLETE)
    work(world, webhook)
    (call,) = hook.calls
    body = json.loads(call.body)
    stored = world.read(lambda s: s.scalars(select(Event)).one())
    assert body == events.payload(stored)
    assert (body["id"], body["type"], body["activity"]) == (event, "timeframe.updated", ACTIVITY)
    assert body["event"] == body["type"]
    assert body["timestamp"] == body["created"]
    assert call.headers["x-club"] == "a secret"
    assert call.headers["webhook-id"] == event
    assert call.headers["content-type"] == "application/json"
    assert abs(int(call.headers["webhook-timestamp"]) - now() // 1000) < 5
    signed = f"{event}.{call.headers['webhook-timestamp']}.".encode() + call.body
    digest = hmac.new(b"a secret", signed, hashlib.sha256).digest()
    assert call.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert (
        world.read(lambda s: s.scalars(select(Outbox).where(Outbox.topic == DELIVER)).all()) == []
    )
    (read,) = world.read(lambda s: s.scalars(select(AccessEvent)).all())
    assert (read.athlete_id, read.reader_id, read.kind) == (ATHLETE, OWNER, "timeframes")
    assert read.program == "webhook to 127.0.0.1"


def test_keys_of_secrets() -> None:
    raw = bytes(range(24))
    assert key_of("whsec_" + base64.b64encode(raw).decode()) == raw
    assert key_of("whsec_not base64!") == b"whsec_not base64!"
    assert key_of("Gehe\u00edmnis") == "Gehe\u00edmnis".encode()
    # The example of the Standard Webhooks specification.
    assert (
        signatures(
            ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_replaced_secret_signs_beside_the_new_one_for_a_day(
    lone: Database, hook: Receiver
) -> None:
    old = {"previous_sealed": seal("the old one"), "previous_until": now() + 60_000}
    webhook = register(lone, hook.url, **old)
    frame_event(lone, 3)
    work(lone, webhook)
    lone.write(lambda s: s.execute(update(Webhook).values(previous_until=now() - 1)))
    frame_event(lone, 4)
    work(lone, webhook)
    both, one = hook.calls
    assert both.headers["x-secret-token"] == "a secret"
    for call, secrets in ((both, ["a secret", "the old one"]), (one, ["a secret"])):
        message, stamp = call.headers["webhook-id"], int(call.headers["webhook-timestamp"])
        assert call.headers["webhook-signature"] == signatures(secrets, message, stamp, call.body)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"timeframes_events": False}, ["activity.updated"]),
        ({"activity_events": False}, ["timeframe.created", "timeframe.deleted"]),
        ({"events": ["timeframe.deleted"]}, ["timeframe.deleted"]),
    ],
)
def test_what_a_webhook_is_told(
    world: Database, hook: Receiver, more: dict[str, Any], told: list[str]
) -> None:
    frame_event(world, 3)  # before it was registered
    webhook = register(world, hook.url, **more)
    frame_event(world, 3, events.TIMEFRAME_CREATED)
    frame_event(world, 3, events.TIMEFRAME_COMPUTED)
    activity_event(world)
    frame_event(world, 3, events.TIMEFRAME_DELETED)
    world.write(lambda s: announce(s, events.TIMEFRAME_CREATED, 9, {}, activity_id=ACTIVITY + 1))
    newest_event(world)
    work(world, webhook)
    assert [json.loads(call.body)["type"] for call in hook.calls] == told


def test_what_is_told_of_results_needs_the_right_to_read_them(
    world: Database, hook: Receiver
) -> None:
    webhook = register(world, hook.url, events=["timeframe.computed", "timeframe.restated"])
    frame_event(world, 3, events.TIMEFRAME_COMPUTED)  # nobody gave READ yet
    read = {"manager_id": OWNER, "athlete_id": ATHLETE, "permission": "READ"}
    world.write(lambda s: s.add(Permission(**read, start_time=0, expiration_time=9)))
    told = frame_event(world, 3, events.TIMEFRAME_RESTATED, moved={"total_distance": [1, 2]})
    work(world, webhook)
    assert sent(hook) == [told]
    assert json.loads(hook.calls[0].body)["data"] == {"moved": {"total_distance": [1, 2]}}
    hook.answer = lambda _: Reply(500)
    frame_event(world, 3, events.TIMEFRAME_RESTATED, moved={"total_distance": [2, 3]})
    world.write(lambda s: s.execute(delete(Permission)))  # lost before it arrived
    work(world, webhook)
    assert json.loads(hook.calls[1].body)["data"] == {}


# -- order and rate -------------------------------------------------------------------------------


def test_a_failing_resource_holds_back_itself_alone(world: Database, hook: Receiver) -> None:
    bad = {3}
    hook.answer = lambda call: Reply(500 if json.loads(call.body)["timeframe"] in bad else 204)
    webhook = register(world, hook.url)
    first, other, second, more = (frame_event(world, frame) for frame in (3, 4, 3, 4))
    work(world, webhook)
    assert sent(hook) == [first, other, more]
    bad.clear()
    pass_time(world)
    work(world, webhook)
    assert sent(hook) == [first, other, more, first, second]
    assert {row.state for row in log(world, webhook)} == {DELIVERED}


def test_at_most_so_many_a_second(world: Database, hook: Receiver) -> None:
    webhook = register(world, hook.url)
    ids = [frame_event(world, frame) for frame in range(RATE + 3)]
    work(world, webhook)
    assert sent(hook) == ids[:RATE]
    (row,) = owed(world)
    assert 0 < row.due - now() <= 1_000
    pass_time(world)
    work(world, webhook)
    assert sent(hook) == ids


def test_a_worker_that_lost_its_lease_stops(world: Database, hook: Receiver) -> None:
    webhook = register(world, hook.url)
    for frame in range(3):
        frame_event(world, frame)

    def taken_over(url: str, body: bytes, headers: Any) -> Answer:
        world.write(lambda s: s.execute(update(Outbox).values(lease=now() + 60_000)))
        return POST(url, body, headers)

    row = world.read(lambda s: s.scalars(select(Outbox)).one())
    world.write(lambda s: s.execute(update(Outbox).values(lease=5)))
    deliveries.run(world, taken_over, webhook, Owed(row.id, row.generation, 5))
    assert len(hook.calls) == 1
    states = [row.state for row in log(world, webhook)]
    assert states == [DELIVERED, PENDING, PENDING]  # what was sent is known to have been


# -- failures -------------------------------------------------------------------------------------


def test_the_schedule_to_its_end(world: Database, hook: Receiver) -> None:
    hook.answer = lambda _: Reply(500, body=b"out of order\x00")
    webhook = register(world, hook.url)
    event = frame_event(world, 3)
    later = frame_event(world, 3)
    for wait in SCHEDULE:
        work(world, webhook)
        delivery = log(world, webhook)[0]
        assert delivery.state == PENDING
        assert wait <= wait_of(world, delivery) <= wait * 1.2 + 1
        work(world, webhook)  # not yet
        pass_time(world)
    work(world, webhook)
    assert sent(hook) == [event] * 13
    assert len({call.body for call in hook.calls}) == 1
    first, second = log(world, webhook)
    assert (first.state, first.attempts, first.status) == (FAILED, 13, 500)
    assert (second.message, second.state, second.error) == (
        later, FAILED, "the webhook was disabled",
    )  # fmt: skip
    disabled, reason = state(world, webhook)
    assert disabled == DISABLED
    assert "status 500" in (reason or "")
    attempts = world.read(lambda s: s.scalars(select(DeliveryAttempt)).all())
    assert [attempt.answer for attempt in attempts] == ["out of order"] * 13
    (mail,) = world.read(lambda s: s.scalars(select(Outbox).where(Outbox.topic == MAIL)).all())
    assert (mail.payload["user"], mail.payload["host"]) == (OWNER, "127.0.0.1")
    frame_event(world, 5)
    assert len(log(world, webhook)) == 2  # a disabled webhook is planned nothing


def test_one_message_that_is_never_taken_disables_nothing(lone: Database, hook: Receiver) -> None:
    hook.answer = lambda call: Reply(400 if json.loads(call.body)["timeframe"] == 3 else 200)
    webhook = register(lone, hook.url)
    frame_event(lone, 3)
    for attempt in range(13):
        if attempt == 11:
            frame_event(lone, 4)
        work(lone, webhook)
        pass_time(lone)
    assert [(row.state, row.attempts) for row in log(lone, webhook)] == [
        (FAILED, 13),
        (DELIVERED, 1),
    ]
    assert state(lone, webhook) == (ACTIVE, None)
    event = frame_event(lone, 3)
    work(lone, webhook)
    assert sent(hook)[-1] == event  # what comes after is sent


def test_gone_disables_at_once(lone: Database, hook: Receiver) -> None:
    hook.answer = lambda _: Reply(410)
    webhook = register(lone, hook.url)
    frame_event(lone, 3)
    frame_event(lone, 4)
    work(lone, webhook)
    assert len(hook.calls) == 1
    assert state(lone, webhook) == (DISABLED, "the receiver answered 410 Gone")
    assert [row.state for row in log(lone, webhook)] == [FAILED, FAILED]


@pytest.mark.parametrize(
    ("status", "header", "least", "most"),
    [
        (429, "120", 120, 121),
        (503, "in-2-minutes", 60, 121),
        (429, "1", 5, 6),
        (429, "999999999", 86_400, 86_400),
        (429, "soon", 5, 6),
        (500, "120", 5, 6),
    ],
)
def test_a_receiver_may_ask_for_time(
    lone: Database, hook: Receiver, status: int, header: str, least: int, most: int
) -> None:
    if header == "in-2-minutes":
        header = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    hook.answer = lambda _: Reply(status, {"Retry-After": header})
    webhook = register(lone, hook.url)
    frame_event(lone, 3)
    work(lone, webhook)
    (delivery,) = log(lone, webhook)
    assert least * 1000 <= wait_of(lone, delivery) <= most * 1000
    if least > 100:  # asked for by the receiver: other messages wait, too
        frame_event(lone, 4)
        work(lone, webhook)
        assert len(hook.calls) == 1


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (Reply(302, {"Location": "http://169.254.169.254/"}), 302, None),
        (Reply(404), 404, None),
        (Reply(200, wait=2.0), None, "no answer within 1 s"),
    ],
)
def test_what_counts_as_a_failure(
    lone: Database, hook: Receiver, reply: Reply, status: int | None, error: str | None
) -> None:
    hook.answer = lambda _: reply
    webhook = register(lone, hook.url)
    frame_event(lone, 3)
    work(lone, webhook)
    (delivery,) = log(lone, webhook)
    assert (delivery.state, delivery.status, delivery.error) == (PENDING, status, error)
    (attempt,) = lone.read(lambda s: s.scalars(select(DeliveryAttempt)).all())
    assert (attempt.status, attempt.error) == (status, error)
    if error:
        frame_event(lone, 4)
        work(lone, webhook)  # one that does not answer is left in peace for a while
        assert len(log(lone, webhook)) == 2
        assert log(lone, webhook)[1].attempts == 0


def test_an_address_that_became_private_is_a_failure(lone: Database) -> None:
    webhook = register(lone, "https://10.0.0.1/hook")
    frame_event(lone, 3)
    work(lone, webhook)
    (delivery,) = log(lone, webhook)
    assert delivery.state == PENDING
    assert "not a public address" in (delivery.error or "")


def test_killed_between_the_request_and_its_record(lone: Database, hook: Receiver) -> None:
    webhook = register(lone, hook.url)
    event = frame_event(lone, 3)

    def dies(url: str, body: bytes, headers: Any) -> Answer:
        POST(url, body, headers)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(lone, webhook, dies)
    lone.write(lambda s: s.execute(update(Outbox).values(lease=0)))
    work(lone, webhook)
    assert sent(hook) == [event, event]
    assert log(lone, webhook)[0].state == DELIVERED


def test_no_request_is_made_within_a_transaction(lone: Database, hook: Receiver) -> None:
    webhook = register(lone, hook.url)
    frame_event(lone, 3)

    def another_writes(url: str, body: bytes, headers: Any) -> Answer:
        lone.write(lambda s: s.execute(update(User).values(created=1)))
        pool = lone.engine.pool
        assert pool.checkedout() == 0  # type: ignore[attr-defined]
        return POST(url, body, headers)

    work(lone, webhook, another_writes)
    assert log(lone, webhook)[0].state == DELIVERED


# -- our own messages, and the end ----------------------------------------------------------------


def own(lone: Database, webhook: int, kind: str) -> None:
    lone.write(lambda s: send_own(s, s.get_one(Webhook, webhook), kind))


def test_a_test_is_sent_once_whatever_the_state(lone: Database, hook: Receiver) -> None:
    hook.answer = lambda _: Reply(500)
    webhook = register(lone, hook.url, state=DISABLED, held_until=now() + 60_000)
    own(lone, webhook, TEST)
    work(lone, webhook)
    (call,) = hook.calls
    assert json.loads(call.body)["type"] == "webhook.test"
    (delivery,) = log(lone, webhook)
    assert (delivery.state, delivery.attempts, delivery.status) == (FAILED, 1, 500)
    assert state(lone, webhook)[0] == DISABLED


def echo(call: Call) -> Reply:
    challenge = json.loads(call.body).get("challenge", "")
    return Reply(body=json.dumps({"challenge": challenge}).encode())


def plain_echo(call: Call) -> Reply:
    return Reply(body=json.loads(call.body).get("challenge", "").encode() + b"\n")


@pytest.mark.parametrize("answer", [echo, plain_echo])
def test_a_challenge_that_comes_back(world: Database, hook: Receiver, answer: Any) -> None:
    hook.answer = lambda _: Reply(200, body=b'{"challenge": "another"}')
    webhook = register(world, hook.url, verify=True, state=PENDING)
    own(world, webhook, VERIFICATION)
    frame_event(world, 3)  # nothing is planned before
    work(world, webhook)
    (delivery,) = log(world, webhook)
    assert (delivery.state, delivery.error) == (PENDING, "the answer did not hold the challenge")
    hook.answer = answer
    pass_time(world)
    work(world, webhook)
    assert state(world, webhook)[0] == ACTIVE
    event = frame_event(world, 3)
    work(world, webhook)
    assert sent(hook)[-1] == event


def test_a_challenge_that_never_comes_back(lone: Database, hook: Receiver) -> None:
    webhook = register(lone, hook.url, verify=True, state=PENDING)
    own(lone, webhook, VERIFICATION)
    for _ in range(13):
        work(lone, webhook)
        pass_time(lone)
    assert state(lone, webhook) == (
        DISABLED, "the receiver did not answer the challenge",
    )  # fmt: skip


def test_a_webhook_lives_until_its_last_event_is_settled(world: Database, hook: Receiver) -> None:
    hook.answer = lambda _: Reply(500)
    webhook = register(world, hook.url)
    quiet = register(world, hook.url, events=["timeframe.computed"])
    frame_event(world, 3, events.TIMEFRAME_DELETED)
    last = activity_event(world, events.ACTIVITY_DELETED)
    activity_event(world)  # of another activity, to which the number was given
    work(world, webhook)
    work(world, quiet)
    assert webhook_of(world, quiet) is None
    assert webhook_of(world, webhook) is not None
    hook.answer = lambda _: Reply(200)
    pass_time(world)
    work(world, webhook)
    assert sent(hook)[-1] == last
    assert webhook_of(world, webhook) is None
    assert world.read(lambda s: s.scalar(select(func.count()).select_from(Delivery))) == 0


def test_a_webhook_that_was_deleted_is_no_work(lone: Database, hook: Receiver) -> None:
    webhook = register(lone, hook.url)
    frame_event(lone, 3)
    lone.write(lambda s: s.delete(s.get_one(Webhook, webhook)))
    work(lone, webhook)
    assert hook.calls == []
    assert lone.read(lambda s: s.scalars(select(Outbox).where(Outbox.topic == DELIVER)).all()) == []
