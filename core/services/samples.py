"""Samples from a device: who may send them."""

from sqlalchemy.orm import Session

from core import policy
from core.errors import NotFound
from core.models import Device
from core.policy import Actor


def require_uplink(session: Session, actor: Actor, device_id: int) -> None:
    """Pass the device itself and its owner now; an administrator's token is no uplink."""
    device = session.get(Device, device_id)
    if device is None:
        raise NotFound(f"no device {device_id}")
    policy.require(session, actor, "device.uplink", device)
