"""How the deliveries of all webhooks stand, for administrators. What was sent to one is in
core.services.delivery_log.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from core import policy
from core.models import Delivery, User, Webhook
from core.models.webhooks import DELIVERED, DISABLED, FAILED, PENDING
from core.policy import Actor


class Standing(NamedTuple):
    """One webhook's deliveries by state; ``latest``: when one last arrived, in Unix ms."""

    waiting: int = 0
    failed: int = 0
    delivered: int = 0
    latest: int | None = None


def listing(actor: Actor) -> Select[Webhook]:
    """Every webhook."""
    policy.require_administration_reader(actor)
    return select(Webhook)


def standings(session: Session, actor: Actor, webhook_ids: Sequence[int]) -> dict[int, Standing]:
    """How each of these webhooks stands."""
    policy.require_administration_reader(actor)
    rows = session.execute(
        select(
            Delivery.webhook_id,
            *(func.sum(case((Delivery.state == s, 1), else_=0)) for s in (PENDING, FAILED)),
            func.sum(case((Delivery.state == DELIVERED, 1), else_=0)),
            func.max(case((Delivery.state == DELIVERED, Delivery.finished))),
        )
        .where(Delivery.webhook_id.in_(webhook_ids))
        .group_by(Delivery.webhook_id)
    )
    found = {webhook: Standing(*rest) for webhook, *rest in rows}
    return dict.fromkeys(webhook_ids, Standing()) | found


def owners(session: Session, actor: Actor, user_ids: Sequence[int]) -> dict[int, str]:
    """The usernames of webhooks' owners."""
    policy.require_administration_reader(actor)
    rows = session.execute(select(User.id, User.username).where(User.id.in_(user_ids)))
    return dict(rows.all())


def disabled(session: Session, actor: Actor) -> int:
    """How many webhooks were disabled, since their receivers failed for days."""
    policy.require_administration_reader(actor)
    lame = select(func.count()).select_from(Webhook).where(Webhook.state == DISABLED)
    return session.scalar(lame) or 0
