"""People: managers, athletes, administrators, and their profiles."""

from typing import Any
from unicodedata import normalize

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from .base import LASTING, Base, Document, moment, pk

MANAGER, ATHLETE, ADMINISTRATOR = "MANAGER", "ATHLETE", "ADMINISTRATOR"
ROLES = (MANAGER, ATHLETE, ADMINISTRATOR)
CAN_CREATE_MANAGED_ATHLETES = "can_create_managed_athletes"


def spelled(username: str) -> str:
    """The one form in which a username is stored and looked up: what looks the same is the same,
    however the keyboard puts an accent on its letter (Unicode NFC).
    """
    return normalize("NFC", username)


class Username(TypeDecorator[str]):
    """A text that is written and compared as ``spelled``."""

    impl = String(254)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return spelled(value) if isinstance(value, str) else value


class User(Base):
    """One account. ``managed_by`` and ``is_default_athlete`` speak of athletes only. ``deleted``:
    since when the row is an empty one, kept so that its number never means anybody else.
    Nobody logs in to a ``disabled`` one, and none of its tokens is good.
    """

    __tablename__ = "user_account"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    id: Mapped[pk]
    username: Mapped[str] = mapped_column(Username, unique=True)
    email: Mapped[str | None] = mapped_column(String(254))
    external_id: Mapped[str | None] = mapped_column(String(255), index=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    extra_permissions: Mapped[list[Any]] = mapped_column(Document, default=list)
    managed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    is_default_athlete: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    created: Mapped[moment]
    deleted: Mapped[moment | None]

    manager_profile: Mapped["ManagerProfile | None"] = relationship(
        back_populates="user", cascade="all, delete-orphan", lazy="joined"
    )
    athlete_profile: Mapped["AthleteProfile | None"] = relationship(
        back_populates="user", cascade="all, delete-orphan", lazy="joined"
    )

    @validates("username")
    def _spelled(self, _key: str, value: str) -> str:
        return spelled(value)

    @property
    def name(self) -> str:
        """What people call them."""
        profile = self.manager_profile or self.athlete_profile
        parts = (profile.first_name, profile.last_name) if profile else ()
        return " ".join(filter(None, parts)) or self.username


class ManagerProfile(Base):
    __tablename__ = "manager_profile"

    id: Mapped[pk]
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), unique=True
    )
    first_name: Mapped[str | None] = mapped_column(String(150))
    last_name: Mapped[str | None] = mapped_column(String(150))

    user: Mapped[User] = relationship(back_populates="manager_profile")


class AthleteProfile(Base):
    """``weight`` in kg, ``height`` in m; ``external_id`` is another than the user's."""

    __tablename__ = "athlete_profile"
    __table_args__ = (Index("ix_athlete_profile_name", "last_name", "first_name"),)

    id: Mapped[pk]
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), unique=True
    )
    external_id: Mapped[str | None] = mapped_column(String(255))
    first_name: Mapped[str | None] = mapped_column(String(150))
    last_name: Mapped[str | None] = mapped_column(String(150))
    gender: Mapped[str | None] = mapped_column(String(1))
    weight: Mapped[float | None]
    height: Mapped[float | None]
    birth_date: Mapped[str | None] = mapped_column(String(10))  # YYYY-MM-DD sorts as it is
    nationality: Mapped[str | None] = mapped_column(String(100))
    profile_picture: Mapped[str | None]

    user: Mapped[User] = relationship(back_populates="athlete_profile")


class Permission(Base):
    """A right over one athlete's data, held by one manager over ``[start, expiration)``."""

    __tablename__ = "athlete_permission"
    __table_args__ = (
        CheckConstraint("permission IN ('READ', 'WRITE', 'SHARE')", name="permission"),
        CheckConstraint("start_time < expiration_time", name="order"),
        Index("ix_athlete_permission_pair", "athlete_id", "manager_id", "permission"),
        Index("ix_athlete_permission_manager", "manager_id", "permission", "expiration_time"),
        Index("ix_athlete_permission_expiration_time", "expiration_time"),
        LASTING,
    )

    id: Mapped[pk]
    athlete_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    manager_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    permission: Mapped[str] = mapped_column(String(5))
    start_time: Mapped[moment]
    expiration_time: Mapped[moment]
