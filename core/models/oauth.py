"""OAuth clients and tokens. Secrets and tokens stand here only as keyed hashes."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, Document, moment, pk
from .users import User


class OAuthClient(Base):
    """``secret_hash`` is empty for a public client. ``owner``: who runs it, in words for people.
    ``cors_origins``: where browsers may call from. ``throttle_class`` names a row of
    core.services.clients.THROTTLE_CLASSES.
    """

    __tablename__ = "oauth_client"

    id: Mapped[pk]
    client_id: Mapped[str] = mapped_column(String(48), unique=True)
    secret_hash: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    owner: Mapped[str] = mapped_column(String(255), default="")
    grants: Mapped[list[Any]] = mapped_column(Document)
    redirect_uris: Mapped[list[Any]] = mapped_column(Document, default=list)
    scope: Mapped[str] = mapped_column(String(255), default="all")
    cors_origins: Mapped[list[Any]] = mapped_column(Document, default=list)
    throttle_class: Mapped[str] = mapped_column(String(16), default="standard")
    created: Mapped[moment]


class OAuthToken(Base):
    """One access token and the refresh token given with it. ``family`` joins all tokens that
    descend from one grant: the reuse of a spent refresh token revokes the whole family.
    """

    __tablename__ = "oauth_token"
    __table_args__ = (Index("ix_oauth_token_family", "family"),)

    id: Mapped[pk]
    client_id: Mapped[int] = mapped_column(ForeignKey("oauth_client.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    family: Mapped[str] = mapped_column(String(36))
    scope: Mapped[str] = mapped_column(String(255))
    access_hash: Mapped[str] = mapped_column(String(64), unique=True)
    refresh_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    issued: Mapped[moment]
    expires: Mapped[moment]
    revoked: Mapped[int | None]
    refresh_spent: Mapped[int | None]

    client: Mapped[OAuthClient] = relationship()
    user: Mapped[User] = relationship()
