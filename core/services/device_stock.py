"""All devices of the platform, as administrators keep them: one by one, or a list of many."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import events, policy
from core.clock import now
from core.errors import BadInput, NotFound, TouchlineError
from core.models import Device, DeviceOwnership, User
from core.models.announcements import changes as changed
from core.models.announcements import of_device
from core.models.devices import FILE_DEVICE
from core.policy import Actor

from . import audit, devices

COLUMNS = ("device_name", "serial_number", "device_type", "firmware_version")
REQUIRED = COLUMNS[:2]
LONGEST = 255
MOST_ROWS = 5000


def listing(actor: Actor) -> Select[Device]:
    policy.require_administration_reader(actor)
    return select(Device)


def owners(session: Session, actor: Actor, device_ids: Sequence[int]) -> dict[int, str]:
    """The usernames of who owns these devices now, by device."""
    policy.require_administration_reader(actor)
    moment = now()
    rows = session.execute(
        select(DeviceOwnership.device_id, User.username)
        .join(User, User.id == DeviceOwnership.manager_id)
        .where(
            DeviceOwnership.device_id.in_(device_ids),
            DeviceOwnership.start_time <= moment,
            DeviceOwnership.end_time > moment,
        )
    )
    return dict(rows.all())


def history(session: Session, actor: Actor, device_id: int) -> list[tuple[DeviceOwnership, str]]:
    """Who owned a device when, the latest first, with usernames."""
    policy.require_administration_reader(actor)
    rows = session.execute(
        select(DeviceOwnership, User.username)
        .join(User, User.id == DeviceOwnership.manager_id)
        .where(DeviceOwnership.device_id == device_id)
        .order_by(DeviceOwnership.start_time.desc())
    )
    return [(ownership, username) for ownership, username in rows]


def change(session: Session, actor: Actor, device_id: int, changes: dict[str, Any]) -> Device:
    """Set ``device_type`` or ``firmware_version``."""
    policy.require_administrator(actor)
    device = session.get(Device, device_id)
    if device is None:
        raise NotFound(f"no device {device_id}")
    if "device_type" in changes and FILE_DEVICE in (changes["device_type"], device.device_type):
        raise BadInput.at("/device_type", "the type 'file' is made by imports only")
    before = audit.snapshot(device)
    for name, value in changes.items():
        setattr(device, name, value)
    of_device(session, events.DEVICE_UPDATED, device, changed(device))
    audit.record(session, actor, "device.change", device, before)
    return device


def read_csv(text: str) -> list[dict[str, str]]:
    """Rows of COLUMNS, named by the first line; empty cells are left out.

    Raises BadInput; pointers are ``/row/column``, the row after the header being 0.
    """
    try:
        reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
        header = reader.fieldnames or []
        missing = [name for name in REQUIRED if name not in header]
        unknown = [name for name in header if name not in COLUMNS]
        if missing or unknown or len(set(header)) != len(header):
            raise BadInput(
                f"the first line names the columns: {', '.join(COLUMNS)}; the first two are needed"
            )
        rows = list(reader)
    except csv.Error as error:
        raise BadInput(f"not CSV: {error}") from None
    if not rows or len(rows) > MOST_ROWS:
        raise BadInput(f"1 to {MOST_ROWS} rows after the header, not {len(rows)}")
    faults = [fault for number, row in enumerate(rows) for fault in _faults(number, row)]
    if faults:
        raise BadInput(f"{faults[0]['pointer']}: {faults[0]['detail']}", errors=faults)
    return [{name: value for name, value in row.items() if value} for row in rows]


def _faults(number: int, row: dict[Any, Any]) -> list[dict[str, str]]:
    if None in row or None in row.values():
        return [{"pointer": f"/{number}", "detail": "another number of cells than the header"}]
    found = []
    for name, value in row.items():
        if len(value) > LONGEST or "\x00" in value or (name in REQUIRED and not value):
            detail = f"{1 if name in REQUIRED else 0} to {LONGEST} characters"
            found.append({"pointer": f"/{number}/{name}", "detail": detail})
    return found


def create_many(
    session: Session, actor: Actor, rows: list[dict[str, str]]
) -> list[tuple[Device, str]]:
    """Register all of them, or none; each with its uplink token, shown this once."""
    policy.require_administrator(actor)
    made = []
    for number, row in enumerate(rows):
        try:
            made.append(devices.create(session, actor, **row))
        except TouchlineError as error:
            raise BadInput.at(f"/{number}", error.detail) from error
    return made
