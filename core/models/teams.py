"""Teams: a manager's own, with groups, and members over time."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import LASTING, Base, Document, moment, pk


class Team(Base):
    """``groups`` are names, in the order in which they are shown: Defence, Midfield, …"""

    __tablename__ = "team"
    __table_args__ = LASTING

    id: Mapped[pk]
    name: Mapped[str] = mapped_column(String(255))
    groups: Mapped[list[Any]] = mapped_column(Document, default=list)
    owner_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    created: Mapped[moment]


class TeamMember(Base):
    """An athlete in a team over ``[start_time, end_time)``, in some of its groups. Windows of one
    athlete in one team never overlap.
    """

    __tablename__ = "team_member"
    __table_args__ = (
        CheckConstraint("start_time < end_time", name="order"),
        Index("ix_team_member_team", "team_id", "athlete_id", "start_time"),
        LASTING,
    )

    id: Mapped[pk]
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    athlete_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    start_time: Mapped[moment]
    end_time: Mapped[moment]
    groups: Mapped[list[Any]] = mapped_column(Document, default=list)
