"""Webhooks: where a manager's server wants to be told of an activity's events."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, moment, pk


class Webhook(Base):
    """A registration. ``secret_sealed``: each call carries the secret, so it can be read back."""

    __tablename__ = "webhook"

    id: Mapped[pk]
    activity_id: Mapped[int] = mapped_column(
        ForeignKey("activity.id", ondelete="CASCADE"), index=True
    )
    webhook_url: Mapped[str] = mapped_column(String(200))
    secret_sealed: Mapped[str]
    activity_events: Mapped[bool]
    timeframes_events: Mapped[bool]
    created: Mapped[moment]
