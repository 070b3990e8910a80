"""Sending: when the next attempt is due, what its outcome changes.

``run`` does what the outbox row of one webhook says. To one webhook one request goes at a time, the
lowest sequence first; a message that fails holds back the later ones of its own resource and no
others. An attempt counts when its outcome is committed: one that was cut short is made again, with
the same ``webhook-id``.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson
import structlog
from sqlalchemy import ColumnElement, Select, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from core import events, policy
from core.auth.secrets import unseal
from core.clock import now
from core.models import Delivery, DeliveryAttempt, Event, Outbox, Webhook
from core.models.db import Database
from core.models.outbox import postpone, settle
from core.models.users import MANAGER
from core.models.webhooks import (
    ACTIVE,
    DELIVERED,
    DISABLED,
    EVENT,
    FAILED,
    PENDING,
    TEST,
    VERIFICATION,
)
from core.net import Answer, CallFailed
from core.policy import Actor

from . import mails
from .signing import signatures

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
# From each failed attempt to the next: 13 attempts in about three days.
SCHEDULE = (
    5 * SECOND, 30 * SECOND,
    2 * MINUTE, 10 * MINUTE, 30 * MINUTE,
    1 * HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
JITTER = 0.2  # of each wait, on top of it
LONGEST_ASKED = 24 * HOUR  # of a Retry-After
HOLD = 30 * SECOND  # at most, for a receiver that does not answer at all
RATE = 10  # attempts a second to one webhook
LEASE = 30 * SECOND  # longer than one attempt: until when nobody else takes this webhook
LONGEST_ERROR, LONGEST_ANSWER = 300, 500
GONE, ASK_FOR_TIME = 410, (429, 503)
USER_AGENT = b"Touchline-Webhooks/1"

# Sends a POST: URL, body, headers. core.net.Caller.post is one.
Post = Callable[[str, bytes, Mapping[str, bytes]], Answer]

log = structlog.get_logger(__name__)
_dice = secrets.SystemRandom()


class Owed(NamedTuple):
    """The outbox row as it stood when the work began; ``lease``: until when it is this worker's."""

    row_id: int
    generation: int
    lease: int


class Message(NamedTuple):
    """One request that is to be made."""

    delivery: int
    url: str
    body: bytes
    headers: dict[str, bytes]


class Outcome(NamedTuple):
    """What came of it; ``ended`` in Unix ms. ``retry_after``: ms, where the receiver asked."""

    ended: int
    milliseconds: int
    status: int | None = None
    error: str | None = None
    answer: str = ""
    retry_after: int = 0

    @property
    def good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def run(
    db: Database,
    post: Post,
    webhook_id: int,
    owed: Owed,
    going: Callable[[], bool] = lambda: True,
) -> None:
    """Send what is due to one webhook, at most ``RATE`` a second and while ``going``, then say when
    to come back.
    """
    left = db.read(lambda session: _allowance(session, webhook_id))
    while left > 0 and going():
        message = db.read(lambda session: _next(session, webhook_id))
        if message is None:
            break
        left -= 1
        outcome = _call(post, message)
        taken = owed._replace(lease=now() + LEASE)
        if not db.write(_recording(webhook_id, message, outcome, owed, taken.lease)):
            return  # another worker has the row now
        owed = taken
    rested = now() + SECOND if left <= 0 else 0
    db.write(lambda session: _put_off(session, webhook_id, owed, rested))


def _allowance(session: Session, webhook_id: int) -> int:
    """How many attempts may be made now."""
    moment = now()
    recent = select(func.count()).where(
        DeliveryAttempt.webhook_id == webhook_id,
        DeliveryAttempt.time > moment - SECOND,
        DeliveryAttempt.time <= moment,  # a clock that was put back holds up nothing
    )
    return RATE - (session.scalar(recent) or 0)


def _waiting(webhook: Webhook) -> Select[Delivery]:
    """What may go next, each in its time: of one resource the earliest only."""
    first = aliased(Delivery)
    earlier = exists().where(
        first.webhook_id == webhook.id,
        first.state == PENDING,
        first.resource == Delivery.resource,
        first.sequence < Delivery.sequence,
        first.replay.is_(False),
    )
    kinds: dict[str, ColumnElement[bool]] = {
        ACTIVE: Delivery.kind.in_((EVENT, TEST)),
        PENDING: Delivery.kind.in_((VERIFICATION, TEST)),
        DISABLED: Delivery.kind == TEST,
    }
    return select(Delivery).where(
        Delivery.webhook_id == webhook.id, Delivery.state == PENDING, kinds[webhook.state], ~earlier
    )


def _next(session: Session, webhook_id: int) -> Message | None:
    """The request to make now. What it tells of athletes is in the access log before it leaves."""
    webhook, moment = session.get(Webhook, webhook_id), now()
    if webhook is None:
        return None
    ready = _waiting(webhook).where(Delivery.due <= moment)
    if webhook.held_until > moment:
        ready = ready.where(Delivery.kind == TEST)
    delivery = session.scalars(ready.order_by(Delivery.sequence, Delivery.id).limit(1)).first()
    if delivery is None:
        return None
    body = _body(session, webhook, delivery).encode()
    stamp = moment // SECOND
    keys = [secret := unseal(webhook.secret_sealed)]
    if webhook.previous_sealed is not None and (webhook.previous_until or 0) > moment:
        keys.append(unseal(webhook.previous_sealed))
    headers = {
        "content-type": b"application/json",
        "user-agent": USER_AGENT,
        "webhook-id": delivery.message.encode(),
        "webhook-timestamp": str(stamp).encode(),
        "webhook-signature": signatures(keys, delivery.message, stamp, body).encode(),
        webhook.secret_header: secret.encode(),
    }
    return Message(delivery.id, webhook.webhook_url, body, headers)


def _body(session: Session, webhook: Webhook, delivery: Delivery) -> str:
    """The same on every attempt, unless a right was lost: then without ``data``."""
    if delivery.body is not None:
        return delivery.body
    event = session.get_one(Event, delivery.event_number)
    told = dict(events.payload(event))
    to = urlsplit(webhook.webhook_url).hostname
    owner = Actor(webhook.owner_id, MANAGER, via=f"webhook to {to}")
    if policy.event_allowed(session, owner, event):
        policy.given(session, owner, [event])
    else:
        told["data"] = {}
    return orjson.dumps(told).decode()


def _call(post: Post, message: Message) -> Outcome:
    began = time.monotonic()
    try:
        answer = post(message.url, message.body, message.headers)
    except CallFailed as failure:
        error = str(failure)[:LONGEST_ERROR]
        return Outcome(now(), _since(began), error=error)
    asked = 0
    if answer.status in ASK_FOR_TIME:
        asked = _asked(answer.headers.get("retry-after", ""))
    text = answer.body.decode(errors="replace").replace("\0", "")
    return Outcome(now(), _since(began), answer.status, answer=text, retry_after=asked)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _asked(retry_after: str) -> int:
    """Seconds or an HTTP date → ms from now, bounded; what is neither asks for nothing."""
    try:
        if retry_after.strip().isdecimal():
            wait = int(retry_after) * SECOND
        else:
            moment = parsedate_to_datetime(retry_after)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            wait = round((aware - datetime.now(UTC)).total_seconds() * SECOND)
    except (ValueError, OverflowError):
        return 0
    return max(0, min(wait, LONGEST_ASKED))


# What an outcome changes


def _recording(
    webhook_id: int, message: Message, outcome: Outcome, owed: Owed, lease: int
) -> Callable[[Session], bool]:
    """Note the attempt, settle its message or say when it is tried again, and keep the webhook
    until ``lease``. False: another worker has it.
    """

    def record(session: Session) -> bool:
        lock = {"key_share": True}
        webhook = session.get(Webhook, webhook_id, with_for_update=lock)
        delivery = session.get(Delivery, message.delivery, with_for_update=True)
        if webhook is not None and delivery is not None:
            session.add(
                DeliveryAttempt(
                    delivery_id=delivery.id,
                    webhook_id=webhook_id,
                    time=outcome.ended - outcome.milliseconds,
                    milliseconds=outcome.milliseconds,
                    status=outcome.status,
                    error=outcome.error,
                    answer=outcome.answer[:LONGEST_ANSWER] or None,
                )
            )
            delivery.attempts += 1
            delivery.status, delivery.error = outcome.status, outcome.error
            if outcome.good and _echoed(delivery, outcome):
                _arrived(webhook, delivery, outcome)
            elif delivery.state == PENDING:
                _missed(session, webhook, delivery, outcome)
            session.flush()
        mine = (Outbox.id == owed.row_id, Outbox.lease == owed.lease)
        kept = session.execute(update(Outbox).where(*mine).values(lease=lease))
        return bool(kept.rowcount)  # type: ignore[attr-defined]  # an UPDATE always has one

    return record


def _echoed(delivery: Delivery, outcome: Outcome) -> bool:
    """A challenge has to come back: as the whole answer, or as its ``challenge``."""
    if delivery.kind != VERIFICATION or delivery.body is None:
        return True
    challenge, answer = json.loads(delivery.body)["challenge"], outcome.answer.strip()
    try:
        answered = json.loads(answer)
    except ValueError:
        answered = answer
    if isinstance(answered, dict):
        answered = answered.get("challenge")
    return isinstance(answered, str) and secrets.compare_digest(
        answered.encode(), challenge.encode()
    )


def _arrived(webhook: Webhook, delivery: Delivery, outcome: Outcome) -> None:
    delivery.state, delivery.finished = DELIVERED, outcome.ended
    webhook.held_until = 0
    if delivery.kind == VERIFICATION and webhook.state == PENDING:
        webhook.state, webhook.reason = ACTIVE, None
        log.info("webhook verified", webhook=webhook.id)


def _missed(session: Session, webhook: Webhook, delivery: Delivery, outcome: Outcome) -> None:
    delivery.tries += 1
    if outcome.good:
        delivery.error = "the answer did not hold the challenge"
    exhausted = delivery.tries > len(SCHEDULE)
    if delivery.kind == TEST or exhausted or outcome.status == GONE:
        delivery.state, delivery.finished = FAILED, outcome.ended
        if delivery.kind == TEST:
            return
        if outcome.status == GONE:
            disable(session, webhook, "the receiver answered 410 Gone")
        elif delivery.kind == VERIFICATION:
            disable(session, webhook, "the receiver did not answer the challenge")
        elif not _reached(session, delivery):
            why = delivery.error or f"status {delivery.status}"
            disable(session, webhook, f"nothing has arrived for days; lastly: {why}")
        return
    wait = round(SCHEDULE[delivery.tries - 1] * (1 + _dice.uniform(0, JITTER)))
    delivery.due = outcome.ended + max(wait, outcome.retry_after)
    if outcome.retry_after:
        webhook.held_until = outcome.ended + outcome.retry_after
    elif outcome.status is None:
        webhook.held_until = outcome.ended + min(wait, HOLD)


def _reached(session: Session, delivery: Delivery) -> bool:
    """Has the webhook answered well to anything since this message was first tried?"""
    log_, first = DeliveryAttempt, aliased(DeliveryAttempt)
    began = select(func.min(first.time)).where(first.delivery_id == delivery.id).scalar_subquery()
    good = exists().where(
        log_.webhook_id == delivery.webhook_id,
        log_.time >= began,
        log_.status >= 200,
        log_.status < 300,
    )
    return bool(session.scalar(select(good)))


def disable(session: Session, webhook: Webhook, reason: str) -> None:
    """Send nothing any more until the owner enables it again; the owner is told by mail. What was
    waiting has failed: it can be asked for again, since the events stay.
    """
    webhook.state, webhook.reason, webhook.held_until = DISABLED, reason[:LONGEST_ERROR], 0
    session.flush()
    session.execute(
        update(Delivery)
        .where(Delivery.webhook_id == webhook.id, Delivery.state == PENDING, Delivery.kind != TEST)
        .values(state=FAILED, finished=now(), error="the webhook was disabled")
    )
    mails.webhook_disabled(session, webhook)
    log.warning("webhook disabled", webhook=webhook.id, reason=reason)


def _put_off(session: Session, webhook_id: int, owed: Owed, rested: int) -> None:
    """Nothing is to be sent now: settle the row, or say when there will be."""
    webhook = session.get(Webhook, webhook_id, with_for_update={"key_share": True})
    due = None
    if webhook is not None:
        earliest = _waiting(webhook).with_only_columns(func.min(Delivery.due))
        due = session.scalar(earliest)
        if due is None and webhook.last is not None and not _owes(session, webhook_id):
            session.delete(webhook)  # its activity is gone, and its last event is settled
    if webhook is None or due is None:
        settle(session, owed.row_id, owed.generation)
        return
    held = webhook.held_until if webhook.state != DISABLED else 0
    postpone(session, owed.row_id, max(due, held, rested), owed.generation)


def _owes(session: Session, webhook_id: int) -> bool:
    waiting = exists().where(Delivery.webhook_id == webhook_id, Delivery.state == PENDING)
    return bool(session.scalar(select(waiting)))
