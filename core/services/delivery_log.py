"""What a webhook was sent, and what its owner can do about it: read, test, send again, enable."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select, update
from sqlalchemy.orm import Session, selectinload

from core import policy
from core.clock import now
from core.errors import Conflict, NotFound
from core.models import Delivery, Event, Webhook
from core.models.outbox import DELIVER, owe
from core.models.webhooks import ACTIVE, DELIVERED, FAILED, PENDING, TEST
from core.policy import Actor

from .delivery_plan import planned, send_own, told_types

MISSING = "missing"  # an event of which no delivery was planned
STATES = (DELIVERED, PENDING, FAILED, MISSING)


class Told(NamedTuple):
    """An event that the webhook is for, and its delivery, if one was ever planned."""

    event: Event
    delivery: Delivery | None

    @property
    def state(self) -> str:
        return MISSING if self.delivery is None else self.delivery.state

    @property
    def resource(self) -> Mapping[str, object]:
        return {"kind": self.event.kind, "id": self.event.resource_id}

    @property
    def attempts(self) -> int:
        return 0 if self.delivery is None else self.delivery.attempts

    @property
    def delivered(self) -> int | None:
        """When it arrived, in Unix ms."""
        arrived = self.delivery is not None and self.delivery.state == DELIVERED
        return self.delivery.finished if arrived and self.delivery else None


def readable(session: Session, actor: Actor, webhook_id: int) -> Webhook:
    """A webhook by itself; it may have outlived its activity. Raises Forbidden, NotFound."""
    return _one(session, actor, "webhook.read", webhook_id)


def listing(webhook: Webhook) -> Select[Delivery]:
    """Its deliveries, each with its log of attempts."""
    log = selectinload(Delivery.log)
    return select(Delivery).where(Delivery.webhook_id == webhook.id).options(log)


def send_test(session: Session, actor: Actor, webhook_id: int) -> Delivery:
    """Owe a message that is no event, tried once, whatever the state of the webhook."""
    webhook = _one(session, actor, "webhook.change", webhook_id)
    delivery = send_own(session, webhook, TEST)
    delivery.log = []
    return delivery


def enable(session: Session, actor: Actor, webhook_id: int) -> Webhook:
    """Make a disabled webhook active again. What it missed is sent when it is asked for."""
    webhook = _one(session, actor, "webhook.change", webhook_id)
    if webhook.state == PENDING:
        raise Conflict("the receiver has yet to answer the challenge")
    webhook.state, webhook.reason, webhook.held_until = ACTIVE, None, 0
    owe(session, DELIVER, webhook.id)
    return webhook


def redeliver(session: Session, actor: Actor, webhook_id: int, message: str) -> Delivery:
    """Send one event again, or the first time where none was planned. Raises NotFound, Conflict."""
    webhook = _sending(session, actor, webhook_id)
    event = session.scalars(
        select(Event).where(Event.id == message, *_of_its_activity(webhook))
    ).first()
    if event is None:
        raise NotFound(f"webhook {webhook_id} is not for an event {message}")
    _again(session, webhook, Event.number == event.number)
    return session.scalars(listing(webhook).where(Delivery.message == message)).one()


def redeliver_range(session: Session, actor: Actor, webhook_id: int, start: int, stop: int) -> int:
    """Send every event created in ``[start, stop)`` again that the webhook is for; returns their
    number.
    """
    webhook = _sending(session, actor, webhook_id)
    return _again(
        session,
        webhook,
        and_(Event.created >= start, Event.created < stop, Event.type.in_(told_types(webhook))),
    )


def reconciled(webhook: Webhook, start: int, stop: int | None) -> Select[Event]:
    """The events created in ``[start, stop)`` that the webhook is for, in the feed's order."""
    return _within(webhook, start, stop).order_by(Event.sequence)


def with_deliveries(session: Session, webhook: Webhook, events: Sequence[Event]) -> list[Told]:
    """Each event with what became of it."""
    numbers = [event.number for event in events]
    found = {
        delivery.event_number: delivery
        for delivery in session.scalars(
            select(Delivery).where(
                Delivery.webhook_id == webhook.id, Delivery.event_number.in_(numbers)
            )
        )
    }
    return [Told(event, found.get(event.number)) for event in events]


def counts(session: Session, webhook: Webhook, start: int, stop: int | None) -> Mapping[str, int]:
    """Over the whole range: how many events are in each state."""
    state = func.coalesce(Delivery.state, MISSING)
    statement = _within(webhook, start, stop).with_only_columns(state, func.count()).group_by(state)
    return dict.fromkeys(STATES, 0) | dict(iter(session.execute(statement)))


def _within(webhook: Webhook, start: int, stop: int | None) -> Select[Event]:
    its = and_(Delivery.event_number == Event.number, Delivery.webhook_id == webhook.id)
    statement = (
        select(Event)
        .outerjoin(Delivery, its)
        .where(*_of_its_activity(webhook), Event.created >= start)
        .where(or_(Event.type.in_(told_types(webhook)), Delivery.id.is_not(None)))
    )
    return statement if stop is None else statement.where(Event.created < stop)


def _of_its_activity(webhook: Webhook) -> list[ColumnElement[bool]]:
    """From the registration to the end of the activity: its number may be given to another."""
    known = [
        Event.activity_id == webhook.activity_id,
        Event.number > webhook.since,
        Event.sequence.is_not(None),
    ]
    return known if webhook.last is None else [*known, Event.sequence <= webhook.last]


def _again(session: Session, webhook: Webhook, which: ColumnElement[bool]) -> int:
    """A fresh round of attempts for these events, beside what waits anyway."""
    moment = now()
    numbers = select(Event.number).where(which, *_of_its_activity(webhook))
    mine = (Delivery.webhook_id == webhook.id, Delivery.event_number.in_(numbers))
    waiting = session.execute(
        update(Delivery).where(*mine, Delivery.state == PENDING).values(due=moment, tries=0)
    )
    settled = session.execute(
        update(Delivery)
        .where(*mine, Delivery.state != PENDING)
        .values(state=PENDING, replay=True, tries=0, due=moment, finished=None)
    )
    kept = select(Delivery.event_number).where(
        Delivery.webhook_id == webhook.id, Delivery.event_number.is_not(None)
    )
    missing = session.scalars(
        select(Event)
        .where(which, *_of_its_activity(webhook), Event.number.not_in(kept))
        .order_by(Event.sequence)
    ).all()
    if missing:
        rows = [{**planned(webhook.id, event), "replay": True} for event in missing]
        session.execute(insert(Delivery), rows)
    webhook.held_until = 0
    owe(session, DELIVER, webhook.id)
    return waiting.rowcount + settled.rowcount + len(missing)  # type: ignore[attr-defined]


def _sending(session: Session, actor: Actor, webhook_id: int) -> Webhook:
    webhook = _one(session, actor, "webhook.change", webhook_id)
    if webhook.state != ACTIVE:
        raise Conflict(f"the webhook is {webhook.state}: {webhook.reason}")
    return webhook


def _one(session: Session, actor: Actor, action: str, webhook_id: int) -> Webhook:
    lock = {"key_share": True} if action == "webhook.change" else None
    webhook = session.get(Webhook, webhook_id, with_for_update=lock)
    if webhook is None:
        raise NotFound(f"no webhook {webhook_id}")
    policy.require(session, actor, action, webhook)
    return webhook
