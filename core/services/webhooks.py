"""Webhook registrations of an activity: its owner's alone."""

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from core import policy
from core.auth.secrets import seal, unseal
from core.clock import now
from core.errors import NotFound
from core.models import Activity, Delivery, Event, Webhook
from core.models.outbox import DELIVER, owe
from core.models.webhooks import ACTIVE, FAILED, PENDING, VERIFICATION
from core.policy import Actor

from . import activities
from .delivery_plan import send_own
from .signing import PREFIX

SHOWN = 2  # characters of a secret that are shown after it was given
OVERLAP = 24 * 3_600_000  # ms that a replaced secret goes on signing
_RANDOM_BYTES = 24


def masked(webhook: Webhook) -> str:
    """Of its secret the first two characters, then one star for each of the others."""
    secret = unseal(webhook.secret_sealed)
    return secret[:SHOWN] + "*" * (len(secret) - SHOWN)


def create(session: Session, actor: Actor, activity_id: int, given: Mapping[str, Any]) -> Webhook:
    """``given``: webhook_url, secret_token, activity_events, timeframes_events, events,
    secret_header, verify, all checked. It is told of what happens from now on.
    """
    activity = changeable(session, actor, activity_id)
    newest = session.scalar(select(func.max(Event.number)))
    webhook = Webhook(
        activity_id=activity_id,
        owner_id=activity.owner_id,
        secret_sealed=seal(given["secret_token"]),
        state=ACTIVE,
        since=newest or 0,
        created=now(),
    )
    _write(webhook, given)
    session.add(webhook)
    session.flush()
    if webhook.verify:
        _challenge(session, webhook)
    return webhook


def listing(session: Session, actor: Actor, activity_id: int) -> Select[Webhook]:
    """The webhooks of an activity that the actor may read, the oldest first."""
    activity = activities.get(session, actor, activity_id)
    return (
        select(Webhook)
        .where(Webhook.activity_id == activity_id, Webhook.owner_id == activity.owner_id)
        .where(Webhook.last.is_(None))
        .order_by(Webhook.id)
    )


def get(session: Session, actor: Actor, activity_id: int, webhook_id: int) -> Webhook:
    return _of(session, activities.get(session, actor, activity_id), webhook_id)


def update_(
    session: Session, actor: Actor, activity_id: int, webhook_id: int, given: Mapping[str, Any]
) -> Webhook:
    """Replace a registration, which makes a disabled one active again. A secret that comes back as
    it was shown stays what it was.
    """
    activity = changeable(session, actor, activity_id)
    webhook = _of(session, activity, webhook_id, lock=True)
    if given["secret_token"] != masked(webhook):
        rotate(webhook, given["secret_token"])
    verified = (
        webhook.verify and webhook.state == ACTIVE and webhook.webhook_url == given["webhook_url"]
    )
    _write(webhook, given)
    webhook.state, webhook.reason, webhook.held_until = ACTIVE, None, 0
    if webhook.verify and not verified:
        _challenge(session, webhook)
    owe(session, DELIVER, webhook.id)
    return webhook


def remove(session: Session, actor: Actor, activity_id: int, webhook_id: int) -> None:
    activity = changeable(session, actor, activity_id)
    session.delete(_of(session, activity, webhook_id, lock=True))


def change_secret(
    session: Session, actor: Actor, activity_id: int, webhook_id: int, secret: str | None
) -> tuple[Webhook, str]:
    """Sign with another secret, and for a day with the one before, too. Without ``secret`` a random
    one is made. Returns the new secret as well.
    """
    activity = changeable(session, actor, activity_id)
    webhook = _of(session, activity, webhook_id, lock=True)
    if secret is None:
        secret = PREFIX + base64.b64encode(secrets.token_bytes(_RANDOM_BYTES)).decode()
    rotate(webhook, secret)
    return webhook, secret


def rotate(webhook: Webhook, secret: str) -> None:
    if secret == unseal(webhook.secret_sealed):
        return
    webhook.previous_sealed, webhook.previous_until = webhook.secret_sealed, now() + OVERLAP
    webhook.secret_sealed = seal(secret)


def changeable(session: Session, actor: Actor, activity_id: int) -> Activity:
    """The activity, whose webhooks the actor may change. Raises Forbidden, NotFound."""
    # Not deleted before this commit: else a webhook could be made of nothing.
    lock = {"of": Activity, "read": True, "key_share": True}
    activity = session.get(Activity, activity_id, with_for_update=lock)
    if activity is None:
        raise NotFound(f"no activity {activity_id}")
    policy.require(session, actor, "activity.change", activity)
    return activity


def _write(webhook: Webhook, given: Mapping[str, Any]) -> None:
    for name in (
        "webhook_url",
        "activity_events",
        "timeframes_events",
        "events",
        "secret_header",
        "verify",
    ):
        setattr(webhook, name, given[name])


def _challenge(session: Session, webhook: Webhook) -> None:
    """Ask the receiver whether it wants this; until it says so, nothing else is sent."""
    session.execute(
        update(Delivery)
        .where(Delivery.webhook_id == webhook.id, Delivery.kind == VERIFICATION)
        .where(Delivery.state == PENDING)
        .values(state=FAILED, finished=now(), error="another challenge replaced this one")
    )
    webhook.state, webhook.reason = PENDING, "the receiver has yet to answer the challenge"
    send_own(session, webhook, VERIFICATION)


def _of(session: Session, activity: Activity, webhook_id: int, *, lock: bool = False) -> Webhook:
    webhook = session.get(
        Webhook, webhook_id, with_for_update={"key_share": True} if lock else None
    )
    if webhook is None or (webhook.activity_id, webhook.owner_id, webhook.last) != (
        activity.id,
        activity.owner_id,
        None,
    ):
        raise NotFound(f"no webhook {webhook_id} of activity {activity.id}")
    return webhook
