"""One-time links: what a person gets by mail to set their password or to confirm their address."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, moment, pk


class OneTimeLink(Base):
    """``token_hash`` is the keyed hash of what stands in the link; ``used`` is when it was, for a
    link opens once. ``email``: the new address that it confirms; None: it sets the password.
    """

    __tablename__ = "one_time_link"

    id: Mapped[pk]
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str | None] = mapped_column(String(254))
    created: Mapped[moment]
    expires: Mapped[moment]
    used: Mapped[int | None]
