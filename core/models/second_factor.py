"""The second factor of an account: a shared secret for one-time codes, and codes for its loss."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, moment, pk


class SecondFactor(Base):
    """``secret_sealed`` is read back for each code. Until ``confirmed`` it protects nothing.
    ``last_step``: the newest 30 s step (RFC 6238) whose code was taken; none before it is good.
    """

    __tablename__ = "second_factor"

    id: Mapped[pk]
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), unique=True
    )
    secret_sealed: Mapped[str] = mapped_column(String(255))
    last_step: Mapped[int] = mapped_column(default=0)
    created: Mapped[moment]
    confirmed: Mapped[moment | None]


class RecoveryCode(Base):
    """Good once instead of a code. The row goes when it is used."""

    __tablename__ = "recovery_code"

    id: Mapped[pk]
    factor_id: Mapped[int] = mapped_column(
        ForeignKey("second_factor.id", ondelete="CASCADE"), index=True
    )
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
