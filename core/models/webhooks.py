"""Webhooks: where a manager's server wants to be told of an activity's events, and what was sent
there with what outcome.
"""

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import LASTING, Base, Id, moment, pk

# States of a webhook. A pending one has yet to answer its challenge.
ACTIVE, PENDING, DISABLED = "active", "pending", "disabled"
# States of a delivery, beside PENDING.
DELIVERED, FAILED = "delivered", "failed"
# Kinds of a delivery: an event, or a message of ours that is none.
EVENT, TEST, VERIFICATION = "event", "test", "verification"

DEFAULT_HEADER = "X-Secret-Token"

_MAYBE = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Webhook(Base):
    """A registration. ``secret_sealed``: each call carries the secret, so it can be read back;
    ``previous_sealed`` goes on signing until ``previous_until``. ``events``: the types told, or
    null, and then the two flags decide.

    It refers to no activity's row, since it outlives the activity until the last event is settled:
    ``since`` is the newest event before it, ``last`` the number of the activity's deletion.
    ``held_until``: nothing is sent before, since the receiver asked for that or is away.
    """

    __tablename__ = "webhook"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'pending', 'disabled')", name="state"),
        LASTING,
    )

    id: Mapped[pk]
    activity_id: Mapped[int] = mapped_column(Id, index=True)
    owner_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    webhook_url: Mapped[str] = mapped_column(String(200))
    secret_sealed: Mapped[str]
    previous_sealed: Mapped[str | None]
    previous_until: Mapped[moment | None]
    activity_events: Mapped[bool]
    timeframes_events: Mapped[bool]
    events: Mapped[list[Any] | None] = mapped_column(_MAYBE)
    secret_header: Mapped[str] = mapped_column(String(64), default=DEFAULT_HEADER)
    verify: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(8), default=ACTIVE)
    reason: Mapped[str | None] = mapped_column(String(300))
    since: Mapped[int] = mapped_column(default=0)
    last: Mapped[int | None]
    held_until: Mapped[int] = mapped_column(default=0)
    created: Mapped[moment]


class Delivery(Base):
    """One message to one webhook. ``message`` is its ``webhook-id``, for an event the event's id;
    ``body`` is what a message of ours says. ``tries`` counts the attempts of the present round,
    which a redelivery begins anew; ``replay``: it was asked for, and holds up nothing.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "message"),
        CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
        Index("ix_delivery_next", "webhook_id", "state", "resource", "sequence"),
    )

    id: Mapped[pk]
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    message: Mapped[str] = mapped_column(String(64))
    event_number: Mapped[int | None] = mapped_column(
        ForeignKey("event.number", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(12))
    type: Mapped[str] = mapped_column(String(32))
    sequence: Mapped[int]
    resource: Mapped[str] = mapped_column(String(64))
    body: Mapped[str | None]
    state: Mapped[str] = mapped_column(String(9))
    replay: Mapped[bool]
    tries: Mapped[int]
    attempts: Mapped[int]
    created: Mapped[moment]
    due: Mapped[moment]
    finished: Mapped[moment | None]
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(String(300))

    log: Mapped[list["DeliveryAttempt"]] = relationship(order_by="DeliveryAttempt.id")


class DeliveryAttempt(Base):
    """One request: ``status`` of the answer, or ``error`` where there was none; ``answer`` is how
    its body begins.
    """

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("ix_delivery_attempt_webhook", "webhook_id", "time"),)

    id: Mapped[pk]
    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("delivery.id", ondelete="CASCADE"), index=True
    )
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    time: Mapped[moment]
    milliseconds: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(String(300))
    answer: Mapped[str | None] = mapped_column(String(500))
