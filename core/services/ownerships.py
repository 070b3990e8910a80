"""Who owns a device when. The database refuses overlaps; here its refusal becomes a sentence."""

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager, joinedload

from core import events, policy
from core.clock import FAR_FUTURE, to_iso
from core.errors import BadInput, Conflict, NotFound
from core.models import Device, DeviceOwnership, User
from core.models.announcements import changes, of_device, of_ownership
from core.models.users import MANAGER
from core.policy import Actor

from . import audit

# The exclusion constraint on PostgreSQL and the trigger's words on SQLite (first migration).
_OVERLAP_SIGNS = ("ex_device_ownership_overlap", "ownerships of one device overlap")


def create(
    session: Session, actor: Actor, device_id: int, manager_id: int, start: int, end: int
) -> DeviceOwnership:
    """An ownership with any start and end, by an administrator (contract/touchline.md section 3).

    Raises BadInput for an unknown device, one who is no manager or an empty window, Conflict
    where it would overlap another ownership of the device.
    """
    policy.require_administrator(actor)
    device = session.get(Device, device_id)
    if device is None:
        raise BadInput.at("/device", f"no device {device_id}")
    manager = session.get(User, manager_id)
    if manager is None or manager.role != MANAGER:
        raise BadInput.at("/manager", f"no manager {manager_id}")
    if start >= end:
        raise BadInput.at("/end_time", "must be after start_time")
    ownership = add(session, device, manager_id, start, end)
    audit.record(session, actor, "ownership.create", ownership)
    return ownership


def add(
    session: Session, device: Device, manager_id: int, start: int, end: int = FAR_FUTURE
) -> DeviceOwnership:
    """Store an ownership and activate the device; the first ownership's start is its activation.

    Raises Conflict on an overlap, as the database says it.
    """
    taken = f"device {device.id} is owned within {to_iso(start)} to {to_iso(end)} already"
    ownership = DeviceOwnership(
        device=device, manager_id=manager_id, start_time=start, end_time=end
    )
    if device.activation_time is None or start < device.activation_time:
        device.activation_time = start
    changed = changes(device)
    session.add(ownership)
    try:
        session.flush()
    except IntegrityError as error:
        if any(sign in str(error.orig) for sign in _OVERLAP_SIGNS):
            raise Conflict(taken) from error
        raise
    of_ownership(session, events.OWNERSHIP_CREATED, ownership)
    of_device(session, events.DEVICE_UPDATED, device, changed)
    return ownership


def at(session: Session, device_id: int, moment: int) -> DeviceOwnership | None:
    """The ownership of a device that holds at a moment."""
    return session.scalar(
        select(DeviceOwnership).where(
            DeviceOwnership.device_id == device_id,
            DeviceOwnership.start_time <= moment,
            DeviceOwnership.end_time > moment,
        )
    )


def listing(actor: Actor) -> Select[DeviceOwnership]:
    """The ownerships that the actor may see: a manager's own, past and present."""
    return (
        select(DeviceOwnership)
        .join(DeviceOwnership.device)
        .where(policy.clause(actor, "ownership.read", DeviceOwnership))
        .options(contains_eager(DeviceOwnership.device))
    )


def get(session: Session, actor: Actor, ownership_id: int) -> DeviceOwnership:
    ownership = session.get(
        DeviceOwnership, ownership_id, options=[joinedload(DeviceOwnership.device)]
    )
    if ownership is None:
        raise NotFound(f"no device ownership {ownership_id}")
    policy.require(session, actor, "ownership.read", ownership)
    return ownership
