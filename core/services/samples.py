"""Samples from a device: who may send them, and where the device stands."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from core import policy
from core.errors import NotFound
from core.models import BluetoothConfig, Device
from core.pipeline import progress
from core.policy import Actor


class Standing(NamedTuple):
    """``last``: the highest number of a committed batch, 0 before the first. ``offset_ms``: the
    device's clock over ours. ``target``: the Bluetooth pairings that it is to run, decided at
    ``targeted`` (Unix ms) and wanted at once where ``immediate``.
    """

    last: int
    offset_ms: int | None
    target: Mapping[str, Any]
    targeted: int | None
    immediate: bool


def require_uplink(session: Session, actor: Actor, device_id: int) -> Device:
    """Pass the device itself and its owner now; an administrator's token is no uplink."""
    device = session.get(Device, device_id)
    if device is None:
        raise NotFound(f"no device {device_id}")
    policy.require(session, actor, "device.uplink", device)
    return device


def standing(session: Session, actor: Actor, device_id: int) -> Standing:
    """What a device is told when it connects, to who may send for it."""
    device = require_uplink(session, actor, device_id)
    config = session.get(BluetoothConfig, device_id)
    told = (config.target, config.targeted, config.immediate) if config else ({}, None, False)
    return Standing(device.last_number, progress.offset(device.clock_offsets), *told)
