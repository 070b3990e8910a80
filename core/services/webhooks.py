"""Webhook registrations of an activity: its owner's alone."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import policy
from core.auth.secrets import seal, unseal
from core.clock import now
from core.errors import NotFound
from core.models import Webhook
from core.policy import Actor

from . import activities

SHOWN = 2  # characters of a secret that are shown after it was given


def masked(webhook: Webhook) -> str:
    """Of its secret the first two characters, then one star for each of the others."""
    secret = unseal(webhook.secret_sealed)
    return secret[:SHOWN] + "*" * (len(secret) - SHOWN)


def create(session: Session, actor: Actor, activity_id: int, given: Mapping[str, Any]) -> Webhook:
    """``given``: webhook_url, secret_token, activity_events, timeframes_events, all checked."""
    _changeable(session, actor, activity_id)
    webhook = Webhook(activity_id=activity_id, created=now())
    _write(webhook, given)
    session.add(webhook)
    session.flush()
    return webhook


def listing(session: Session, actor: Actor, activity_id: int) -> Select[Webhook]:
    """The webhooks of an activity that the actor may read, the oldest first."""
    activities.get(session, actor, activity_id)
    return select(Webhook).where(Webhook.activity_id == activity_id).order_by(Webhook.id)


def get(session: Session, actor: Actor, activity_id: int, webhook_id: int) -> Webhook:
    activities.get(session, actor, activity_id)
    return _of(session, activity_id, webhook_id)


def update(
    session: Session, actor: Actor, activity_id: int, webhook_id: int, given: Mapping[str, Any]
) -> Webhook:
    """Replace a registration. A secret that comes back as it was shown stays what it was."""
    _changeable(session, actor, activity_id)
    webhook = _of(session, activity_id, webhook_id)
    kept = given["secret_token"] == masked(webhook)
    _write(webhook, {**given, "secret_token": unseal(webhook.secret_sealed)} if kept else given)
    return webhook


def remove(session: Session, actor: Actor, activity_id: int, webhook_id: int) -> None:
    _changeable(session, actor, activity_id)
    session.delete(_of(session, activity_id, webhook_id))


def _write(webhook: Webhook, given: Mapping[str, Any]) -> None:
    webhook.webhook_url = given["webhook_url"]
    webhook.secret_sealed = seal(given["secret_token"])
    webhook.activity_events = given["activity_events"]
    webhook.timeframes_events = given["timeframes_events"]


def _changeable(session: Session, actor: Actor, activity_id: int) -> None:
    activity = activities.existing(session, activity_id)
    policy.require(session, actor, "activity.change", activity)


def _of(session: Session, activity_id: int, webhook_id: int) -> Webhook:
    webhook = session.get(Webhook, webhook_id)
    if webhook is None or webhook.activity_id != activity_id:
        raise NotFound(f"no webhook {webhook_id} of activity {activity_id}")
    return webhook
