"""What people let OAuth clients do, and the codes by which clients learn of it."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, moment, pk
from .oauth import OAuthClient


class Consent(Base):
    """A user let a client act with this scope, until they withdraw it."""

    __tablename__ = "oauth_consent"
    __table_args__ = (UniqueConstraint("user_id", "client_id"),)

    id: Mapped[pk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    client_id: Mapped[int] = mapped_column(
        ForeignKey("oauth_client.id", ondelete="CASCADE"), index=True
    )
    scope: Mapped[str] = mapped_column(String(255))
    granted: Mapped[moment]

    client: Mapped[OAuthClient] = relationship()


class AuthorizationCode(Base):
    """``family`` is what the tokens issued for it will be called, so that a code that comes back
    can end them. ``used`` is when it was exchanged: once.
    """

    __tablename__ = "oauth_code"

    id: Mapped[pk]
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    client_id: Mapped[int] = mapped_column(
        ForeignKey("oauth_client.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    family: Mapped[str] = mapped_column(String(36))
    redirect_uri: Mapped[str]
    scope: Mapped[str] = mapped_column(String(255))
    code_challenge: Mapped[str | None] = mapped_column(String(128))
    expires: Mapped[moment]
    used: Mapped[int | None]
