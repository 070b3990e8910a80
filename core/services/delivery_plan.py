"""Which webhook is told of what: deliveries are planned in the commit that numbers their events,
and owed by one outbox row for each webhook (core.services.deliveries does what that row says).
"""

import secrets
from collections.abc import Sequence

import orjson
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import events, policy
from core.clock import now, to_iso
from core.models import Delivery, Event, Webhook
from core.models.outbox import DELIVER, owe
from core.models.users import MANAGER
from core.models.webhooks import ACTIVE, EVENT, PENDING, VERIFICATION
from core.policy import Actor

CHALLENGE_TYPE, TEST_TYPE = "webhook.verification", "webhook.test"


def wants(webhook: Webhook, type: str) -> bool:
    """Is the webhook told of events of this type?"""
    return type in told_types(webhook)


def told_types(webhook: Webhook) -> list[str]:
    """``events`` where it is given, else what the vendor's two flags stand for."""
    if webhook.events is not None:
        return [type for type in events.WEBHOOK_TYPES if type in webhook.events]
    chosen = {
        events.ACTIVITY_UPDATED: webhook.activity_events,
        events.ACTIVITY_DELETED: webhook.activity_events,
        events.TIMEFRAME_CREATED: webhook.timeframes_events,
        events.TIMEFRAME_UPDATED: webhook.timeframes_events,
        events.TIMEFRAME_DELETED: webhook.timeframes_events,
    }
    return [type for type, told in chosen.items() if told]


def plan(session: Session, numbered: Sequence[Event]) -> None:
    """Owe the deliveries of events that were just numbered; called in that commit."""
    told = [event for event in numbered if event.type in events.WEBHOOK_TYPES]
    hooks: dict[int, list[Webhook]] = {}
    for hook in session.scalars(
        select(Webhook)
        .where(Webhook.activity_id.in_({event.activity_id for event in told}))
        .where(Webhook.last.is_(None))
        .order_by(Webhook.id)
        .with_for_update(key_share=True)  # a delivery needs its webhook's row
    ):
        hooks.setdefault(hook.activity_id, []).append(hook)
    rows, owing = [], set()
    for event in told:
        for hook in hooks.get(event.activity_id or 0, ()):
            if hook.last is not None or event.number <= hook.since:
                continue
            wanted = hook.state == ACTIVE and wants(hook, event.type)
            # As in the feed: of a result an owner without READ is told nothing.
            if wanted and policy.event_allowed(session, Actor(hook.owner_id, MANAGER), event):
                rows.append(planned(hook.id, event))
                owing.add(hook.id)
            if event.type == events.ACTIVITY_DELETED:
                hook.last = event.sequence  # its end: nothing after it is about this activity
                owing.add(hook.id)
    if rows:
        session.execute(insert(Delivery), rows)
    for webhook_id in sorted(owing):
        owe(session, DELIVER, webhook_id)


def planned(webhook_id: int, event: Event) -> dict[str, object]:
    """The row of a delivery that has yet to be tried."""
    moment = now()
    return {
        "webhook_id": webhook_id,
        "message": event.id,
        "event_number": event.number,
        "kind": EVENT,
        "type": event.type,
        "sequence": event.sequence,
        "resource": f"{event.kind}:{event.resource_id}",
        "state": PENDING,
        "replay": False,
        "tries": 0,
        "attempts": 0,
        "created": moment,
        "due": moment,
    }


def send_own(session: Session, webhook: Webhook, kind: str) -> Delivery:
    """Owe a test message, or the challenge of a webhook that is to be verified."""
    moment, message = now(), f"{kind}_{secrets.token_hex(16)}"
    body: dict[str, object] = {
        "id": message,
        "type": CHALLENGE_TYPE if kind == VERIFICATION else TEST_TYPE,
        "created": to_iso(moment),
        "webhook": webhook.id,
        "activity": webhook.activity_id,
    }
    if kind == VERIFICATION:
        body["challenge"] = secrets.token_urlsafe(24)
    delivery = Delivery(
        webhook_id=webhook.id,
        message=message,
        kind=kind,
        type=body["type"],
        sequence=0,
        resource=message,
        body=orjson.dumps(body).decode(),
        state=PENDING,
        replay=True,
        tries=0,
        attempts=0,
        created=moment,
        due=moment,
    )
    session.add(delivery)
    owe(session, DELIVER, webhook.id)
    session.flush()
    return delivery
