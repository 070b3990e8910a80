"""The audit log: everything that an administrator changes."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Document, moment, pk


class AuditEvent(Base):
    """One change, stored in its own commit. ``actor`` is the administrator's username, or
    ``command line``. ``before`` and ``after`` hold the columns that changed, without secrets;
    ``before`` is empty for what was made, ``after`` for what is gone.
    """

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_target", "kind", "target_id"),)

    id: Mapped[pk]
    time: Mapped[moment]
    actor_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="SET NULL"), index=True
    )
    actor: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    target_id: Mapped[int]
    before: Mapped[dict[str, Any] | None] = mapped_column(Document)
    after: Mapped[dict[str, Any] | None] = mapped_column(Document)
