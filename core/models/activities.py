"""JSON schemas, activities, time frames."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import LASTING, Base, moment, pk


class JsonSchema(Base):
    """``activity_<sport>`` or ``timeframe_<sport>``; a new version is a new row of the same name,
    the highest id is current (contract/touchline.md section 5). ``by_hand``: an administrator's
    version, not the sport's own.
    """

    __tablename__ = "json_schema"
    __table_args__ = (
        CheckConstraint("type IN ('ACTIVITY', 'TIMEFRAME')", name="type"),
        Index("ix_json_schema_name", "name", "id"),
    )

    id: Mapped[pk]
    name: Mapped[str] = mapped_column(String(100))
    type: Mapped[str] = mapped_column(String(9))
    sport: Mapped[str] = mapped_column(String(50))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("json_schema.id"))
    schema: Mapped[dict[str, Any]]
    by_hand: Mapped[bool] = mapped_column(default=False)


class Activity(Base):
    __tablename__ = "activity"
    __table_args__ = LASTING

    id: Mapped[pk]
    name: Mapped[str] = mapped_column(String(255))
    json: Mapped[dict[str, Any]]
    json_schema_id: Mapped[int] = mapped_column(ForeignKey("json_schema.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    created: Mapped[moment]

    json_schema: Mapped[JsonSchema] = relationship(lazy="joined")


class TimeFrame(Base):
    """The unit of computation: one athlete, one device, one activity, one interval, one set of
    parameters (design/architecture.md section 0).
    """

    __tablename__ = "timeframe"
    __table_args__ = (
        CheckConstraint("start_time < end_time", name="order"),
        Index("ix_timeframe_device", "device_id", "start_time", "end_time"),
        Index("ix_timeframe_owner", "owner_id", "id"),
        Index("ix_timeframe_athlete", "athlete_id", "start_time"),
        LASTING,
    )

    id: Mapped[pk]
    start_time: Mapped[moment]
    end_time: Mapped[moment]
    params: Mapped[dict[str, Any]]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    activity_id: Mapped[int] = mapped_column(
        ForeignKey("activity.id", ondelete="CASCADE"), index=True
    )
    athlete_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    json_schema_id: Mapped[int] = mapped_column(ForeignKey("json_schema.id"))

    activity: Mapped[Activity] = relationship()
