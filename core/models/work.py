"""Work that leaves through the database: jobs that a client can poll, and the outbox."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import LASTING, Base, moment, pk

PENDING, STARTED, SUCCESS, FAILURE = "PENDING", "STARTED", "SUCCESS", "FAILURE"


class Job(Base):
    """What a client polls at ``jobs/{job_id}/info/``."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("state IN ('PENDING', 'STARTED', 'SUCCESS', 'FAILURE')", name="state"),
        LASTING,
    )

    id: Mapped[pk]
    job_id: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(8), default=PENDING)
    details: Mapped[dict[str, Any]]
    arguments: Mapped[dict[str, Any]]
    submitter_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    created: Mapped[moment]
    finished: Mapped[moment | None]


class Outbox(Base):
    """Work owed. The row is the debt, a queue entry in Redis only its doorbell: the row goes in
    the commit that holds the work's effects, so Redis may be emptied at any moment.

    ``(topic, key)`` is unique: owing the same work twice raises ``generation``, and a worker
    deletes the row only if the generation is the one it started from. ``lease`` is until when the
    relay takes it that a worker has the row.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "key"),
        Index("ix_outbox_due", "due", "lease"),
    )

    id: Mapped[pk]
    topic: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]]
    generation: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    created: Mapped[moment]
    due: Mapped[moment]
    lease: Mapped[int] = mapped_column(default=0)
