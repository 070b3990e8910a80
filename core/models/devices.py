"""Devices and who owns them when."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import LASTING, Base, Document, moment, pk

FILE_DEVICE = "file"


class Device(Base):
    """``ingest_seq`` numbers accepted batches: raised under this row's lock, so that the order of
    numbers is the order of commits. ``clock_offsets`` keeps the newest differences between the
    device's ``sent`` and our clock, in ms; their median is the device's offset. ``newest_t`` is the
    time of its newest sample, ``newest`` that of each other stream's newest row, ``battery`` the
    newest level that it told, in percent, ``last_number`` the highest ``n`` that the device gave a
    batch which is committed (0: none).
    """

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("serial_number", "device_name"), LASTING)

    id: Mapped[pk]
    device_name: Mapped[str] = mapped_column(String(255), index=True)
    serial_number: Mapped[str] = mapped_column(String(255), index=True)
    device_type: Mapped[str | None] = mapped_column(String(255))
    firmware_version: Mapped[str | None] = mapped_column(String(255))
    custom_name: Mapped[str | None] = mapped_column(String(60))
    activation_time: Mapped[moment | None]
    uplink_token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    ingest_seq: Mapped[int] = mapped_column(default=0)
    clock_offsets: Mapped[list[Any]] = mapped_column(Document, default=list)
    last_contact: Mapped[moment | None]
    newest_t: Mapped[moment | None]
    newest: Mapped[dict[str, Any] | None]
    battery: Mapped[int | None]
    last_number: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))


class DeviceOwnership(Base):
    """One manager's window on one device. The database itself refuses overlaps: an exclusion
    constraint on PostgreSQL, triggers on SQLite (migrations/, first revision).
    """

    __tablename__ = "device_ownership"
    __table_args__ = (
        CheckConstraint("start_time < end_time", name="order"),
        Index("ix_device_ownership_device", "device_id", "start_time", "end_time"),
        Index("ix_device_ownership_manager", "manager_id", "device_id"),
        LASTING,
    )

    id: Mapped[pk]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    manager_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    start_time: Mapped[moment]
    end_time: Mapped[moment]

    device: Mapped[Device] = relationship()
