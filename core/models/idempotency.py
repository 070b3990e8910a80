"""Answers kept by ``Idempotency-Key``, so that a repeated POST has no second effect."""

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, moment, pk


class KeptAnswer(Base):
    """``scope`` hashes client, user, method, path and key; ``body_hash`` the request's body. Until
    ``status`` is there, the first request is still running, or failed without a trace: then
    ``lease`` runs out. ``answer`` is empty where it held credentials.
    """

    __tablename__ = "kept_answer"

    id: Mapped[pk]
    scope: Mapped[str] = mapped_column(String(64), unique=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    created: Mapped[int] = mapped_column(index=True)
    lease: Mapped[moment]
    status: Mapped[int | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
