"""One-time links: what a person gets by mail to set their password."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, moment, pk


class OneTimeLink(Base):
    """``token_hash`` is the keyed hash of what stands in the link; ``used`` is when it was, for a
    link opens once.
    """

    __tablename__ = "one_time_link"

    id: Mapped[pk]
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[moment]
    expires: Mapped[moment]
    used: Mapped[int | None]
