"""A device's Bluetooth accessories: what its owner wants, and what the device says it runs.

The owner changes ``target`` only. The device takes the target when it starts, or sooner where the
owner asked for that, and reports what it runs, which becomes ``current``.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import NotFound
from core.models import BluetoothConfig, Device
from core.policy import Actor

from . import devices

PAIRINGS = ("pairing_1", "pairing_2")  # heart-rate strap, power meter

Pairings = Mapping[str, Mapping[str, Any] | None]


def get(session: Session, actor: Actor, device_id: int) -> BluetoothConfig:
    """The configuration, for who owns the device now."""
    devices.get(session, actor, device_id)
    return _known(session, device_id)


def change_target(
    session: Session, actor: Actor, device_id: int, changes: Pairings, *, immediate: bool = False
) -> BluetoothConfig:
    """Set the pairings that ``changes`` names; None takes one away, what is absent stays.

    ``immediate``: the device is to take it as soon as it can be reached.
    """
    device = session.get(Device, device_id)
    if device is None:
        raise NotFound(f"no device {device_id}")
    policy.require(session, actor, "device.change", device)
    config = _kept(session, device_id)
    wanted = {**config.target, **changes}
    config.target = {name: dict(wanted[name] or {}) for name in PAIRINGS if wanted.get(name)}
    config.immediate, config.targeted = immediate, now()
    return config


def for_device(session: Session, actor: Actor, device_id: int) -> BluetoothConfig:
    """What the device itself is to run, told to it and to nobody else but its owner now."""
    _require_uplink(session, actor, device_id)
    return _known(session, device_id)


def report(session: Session, actor: Actor, device_id: int, current: Pairings) -> BluetoothConfig:
    """The device says what it runs now."""
    _require_uplink(session, actor, device_id)
    config = _kept(session, device_id)
    config.current = {name: dict(current[name] or {}) for name in PAIRINGS if current.get(name)}
    config.reported = now()
    if config.current == config.target:
        config.immediate = False
    return config


def _require_uplink(session: Session, actor: Actor, device_id: int) -> None:
    device = session.get(Device, device_id)
    if device is None:
        raise NotFound(f"no device {device_id}")
    policy.require(session, actor, "device.uplink", device)


def _known(session: Session, device_id: int) -> BluetoothConfig:
    """The stored row, else one that says nothing and is not stored."""
    found = session.get(BluetoothConfig, device_id)
    return found or BluetoothConfig(device_id=device_id, current={}, target={}, immediate=False)


def _kept(session: Session, device_id: int) -> BluetoothConfig:
    """The row, locked; made where there is none. The device's row is what two first calls wait
    for."""
    session.get(Device, device_id, with_for_update=True)
    config = session.get(BluetoothConfig, device_id, with_for_update=True)
    if config is None:
        config = BluetoothConfig(device_id=device_id, current={}, target={}, immediate=False)
        session.add(config)
    return config
