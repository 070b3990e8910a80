"""What Bluetooth accessories a device is paired with, and is to be paired with."""

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Document, moment


class BluetoothConfig(Base):
    """``current`` is what the device last said it runs, ``target`` what its owner wants. Each may
    hold ``pairing_1`` (heart-rate strap) and ``pairing_2`` (power meter). ``immediate``: the newest
    target is wanted at once, not at the device's next start.
    """

    __tablename__ = "bluetooth_config"

    device_id: Mapped[int] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    current: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    target: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    immediate: Mapped[bool] = mapped_column(default=False)
    targeted: Mapped[moment | None]
    reported: Mapped[moment | None]
