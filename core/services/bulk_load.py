"""Bulk load: a device's own file, base64 in a JSON body, becomes its samples by the import job."""

import base64
import binascii
import io

from sqlalchemy.orm import Session

from core.errors import BadInput
from core.models import Device, Job
from core.pipeline import container
from core.pipeline.decode import asi, device_file
from core.policy import Actor

from . import files

POINTER = "/asi_b64"


def unwrap(text: str) -> bytes:
    """base64 → the file. Raises BadInput where it is none, or not a device's file."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput.at(POINTER, "not base64") from None
    if not (device_file.recognise(data) or asi.recognise(data)):
        raise BadInput.at(POINTER, "neither an ASI file nor a Touchline device file (magic)")
    return data


def add(session: Session, actor: Actor, device_id: int, sha256: str, data: bytes) -> Job:
    """Owe the import of bytes that the object store holds already. Raises BadInput where the file
    says that another device recorded it.
    """
    files.may_add_for_device(session, actor, device_id)
    serial = _serial(data)
    device = session.get_one(Device, device_id)
    if serial is not None and serial != device.serial_number:
        raise BadInput.at(POINTER, f"this file is of the device with serial number {serial!r}")
    name = "bulk.tldf" if device_file.recognise(data) else "bulk.asi"
    stored = {"name": name, "sha256": sha256, "size": len(data)}
    return files.add_for_device(session, actor, device_id, stored)


def _serial(data: bytes) -> str | None:
    """The recorder's serial number, where the file says it; the import tells what else is wrong."""
    try:
        return container.Reader(io.BytesIO(data)).header.about.get("serial_number")
    except container.ContainerError:
        return None
