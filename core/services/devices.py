"""Devices: registered by administrators, claimed, named and released by managers."""

import re

from sqlalchemy import Select, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events, policy
from core.auth import secrets
from core.clock import BEGINNING, FAR_FUTURE, now
from core.errors import BadInput, Conflict, Forbidden, NotFound
from core.models import Device, DeviceOwnership, TimeFrame
from core.models.announcements import changes, of_device, of_ownership
from core.models.devices import FILE_DEVICE
from core.policy import Actor

from . import audit, ownerships

UNKNOWN_RECORDER = "unknown"
MAX_CUSTOM_NAME = 60
# Letters of any script, digits, space and a few signs (contract/insiders.md section 11, no. 22).
_CUSTOM_NAME = re.compile(r"(?:[^\W_]|[ _\-.()#'])+")


def create(
    session: Session,
    actor: Actor,
    device_name: str,
    serial_number: str,
    device_type: str | None = None,
    firmware_version: str | None = None,
) -> tuple[Device, str]:
    """Register a device. Returns it and its uplink token, which is shown this once.

    Raises Conflict where the pair of serial number and name is taken.
    """
    policy.require_administrator(actor)
    if device_type == FILE_DEVICE:
        raise BadInput.at("/device_type", "the type 'file' is made by imports only")
    token = secrets.new_token()
    device = Device(
        device_name=device_name,
        serial_number=serial_number,
        device_type=device_type,
        firmware_version=firmware_version,
        uplink_token_hash=secrets.hash_token(token),
    )
    session.add(device)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(
            f"a device {device_name!r} with serial number {serial_number!r} exists"
        ) from error
    of_device(session, events.DEVICE_CREATED, device)
    audit.record(session, actor, "device.create", device)
    return device, token


def rotate_token(session: Session, actor: Actor, device_id: int) -> tuple[Device, str]:
    """Give the device a new uplink token; the old one ends with this commit."""
    policy.require_administrator(actor)
    device = _locked(session, device_id)
    if device.device_type == FILE_DEVICE:
        raise BadInput("a file device has no uplink")
    before, token = audit.snapshot(device), secrets.new_token()
    device.uplink_token_hash = secrets.hash_token(token)
    of_device(session, events.DEVICE_UPDATED, device, ["uplink_token"])
    audit.record(session, actor, "device.rotate_token", device, before, secret=True)
    return device, token


def file_device_name(manager_id: int | str, athlete_id: int) -> str:
    """What the file devices of one manager and one athlete are called."""
    return f"file-{manager_id}-{athlete_id}"


def for_file(session: Session, manager_id: int, athlete_id: int, recorder: str | None) -> Device:
    """The file device of a manager, an athlete and a recorder's serial number, made if it is not
    there: owned by that manager for ever, so that imported work keeps every rule of time frames
    (contract/touchline.md section 3).
    """
    serial, name = recorder or UNKNOWN_RECORDER, file_device_name(manager_id, athlete_id)
    pair = select(Device).where(Device.serial_number == serial, Device.device_name == name)
    device = session.scalar(pair)
    if device is not None:
        return device
    try:
        with session.begin_nested():
            device = Device(device_name=name, serial_number=serial, device_type=FILE_DEVICE)
            session.add(device)
            session.flush()
            of_device(session, events.DEVICE_CREATED, device)
            ownerships.add(session, device, manager_id, BEGINNING, FAR_FUTURE)
    except IntegrityError:  # another import made it meanwhile
        return session.scalars(pair).one()
    return device


def listing(
    actor: Actor, *, current: bool = False, activity_id: int | None = None
) -> Select[Device]:
    """The devices that the actor ever owned, or owns now; ``activity_id`` narrows to those that a
    time frame of the activity links, as far as the actor may read that.
    """
    action = "device.read" if current else "device.list"
    statement = select(Device).where(policy.clause(actor, action, Device))
    if activity_id is not None:
        statement = statement.where(
            exists().where(
                TimeFrame.device_id == Device.id,
                TimeFrame.activity_id == activity_id,
                policy.clause(actor, "timeframe.read", TimeFrame),
            )
        )
    return statement


def get(session: Session, actor: Actor, device_id: int) -> Device:
    """A device, for who owns it now."""
    device = session.get(Device, device_id)
    if device is None:
        raise NotFound(f"no device {device_id}")
    policy.require(session, actor, "device.read", device)
    return device


def claim(session: Session, actor: Actor, serial_number: str, device_name: str) -> Device:
    """Take ownership by what is printed on the device: both must match one device, else 404."""
    device_id = session.scalar(
        select(Device.id).where(
            Device.serial_number == serial_number, Device.device_name == device_name
        )
    )
    if device_id is None:
        raise NotFound("no device with this serial_number and device_name")
    return take_ownership(session, actor, device_id)


def take_ownership(session: Session, actor: Actor, device_id: int) -> Device:
    """Own a device from now on, until another's ownership of the future begins, if there is one.

    The owner who asks again gets the device and no second ownership. Raises BadInput, with
    ``message``, while another owns it.
    """
    policy.require_manager(actor)
    device = _locked(session, device_id)
    moment = now()
    held = ownerships.at(session, device.id, moment)
    if held is not None:
        if held.manager_id == actor.user_id:
            return device
        raise _refusal("this device is owned by another manager")
    next_start = session.scalar(
        select(DeviceOwnership.start_time)
        .where(DeviceOwnership.device_id == device.id, DeviceOwnership.start_time > moment)
        .order_by(DeviceOwnership.start_time)
        .limit(1)
    )
    assert actor.user_id is not None
    ownerships.add(session, device, actor.user_id, moment, next_start or FAR_FUTURE)
    return device


def release_ownership(session: Session, actor: Actor, device_id: int) -> None:
    """End the actor's ownership now. Raises BadInput, with ``message``, where nobody owns the
    device, Forbidden where another does.
    """
    policy.require_manager(actor)
    device = _locked(session, device_id)
    moment = now()
    held = ownerships.at(session, device.id, moment)
    if held is None:
        never = device.activation_time is None
        raise _refusal(
            "this device was never activated" if never else "this device has no ongoing ownership"
        )
    if held.manager_id != actor.user_id:
        raise Forbidden("this device is owned by another manager")
    if device.device_type == FILE_DEVICE:
        raise _refusal("a file device stays with its manager")
    # A window holds at least its first millisecond.
    held.end_time = max(moment, held.start_time + 1)
    of_ownership(session, events.OWNERSHIP_UPDATED, held)


def set_custom_name(
    session: Session, actor: Actor, device_id: int, custom_name: str | None
) -> Device:
    """Name a device, or with None take its name away."""
    device = session.get(Device, device_id)
    if device is None:
        raise NotFound(f"no device {device_id}")
    policy.require(session, actor, "device.change", device)
    if custom_name is not None and (
        len(custom_name) > MAX_CUSTOM_NAME or not _CUSTOM_NAME.fullmatch(custom_name)
    ):
        raise BadInput.at(
            "/custom_name",
            f"1 to {MAX_CUSTOM_NAME} letters, digits, spaces or any of _ - . ( ) # '",
        )
    device.custom_name = custom_name
    of_device(session, events.DEVICE_UPDATED, device, changes(device))
    return device


def _locked(session: Session, device_id: int) -> Device:
    # Ownerships of a device change one at a time; whoever waited sees what the other did.
    device = session.get(Device, device_id, with_for_update=True, populate_existing=True)
    if device is None:
        raise NotFound(f"no device {device_id}")
    return device


def _refusal(message: str) -> BadInput:
    """The vendor's form of this 400 has the key ``message``."""
    return BadInput(message, message=message)
