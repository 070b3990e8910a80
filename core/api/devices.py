"""Devices: claim one by what is printed on it, name it, release it."""

from typing import Any

from marshmallow import fields
from sqlalchemy.orm import Session

from core.api.filters import Listing, contains, exact, span
from core.api.guard import authenticated
from core.api.paging import page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, QueryFlag, QueryInteger, Shape, Text
from core.models import Device
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import Actor
from core.services import devices

blueprint = Blueprint(
    "devices",
    __name__,
    url_prefix="/api/v1/devices",
    description="Devices belong to one manager at a time; who owned one keeps what it recorded.",
)

LISTING = Listing(
    "Device",
    key=Device.id,
    filters={
        "device_name": contains(Device.device_name),
        "serial_number": contains(Device.serial_number),
        "device_type": exact(Device.device_type),
        "custom_name": contains(Device.custom_name),
        **span("activation_time", Device.activation_time),
    },
    ordering={
        "device_name": Device.device_name,
        "custom_name": Device.custom_name,
        "serial_number": Device.serial_number,
        "device_type": Device.device_type,
        "activation_time": Device.activation_time,
    },
    search=(Device.device_name, Device.serial_number, Device.custom_name, Device.device_type),
    others={
        "current": QueryFlag(
            metadata={"description": "true: only those that you own now; false: all."}
        ),
        "activity": QueryInteger(
            metadata={"description": "Only those that a time frame of this activity names."}
        ),
    },
)


class DeviceShape(Shape):
    id = Id(dump_only=True)
    device_name = Text(255, shortest=1, required=True)
    serial_number = Text(255, shortest=1, required=True)
    device_type = Text(255, allow_none=True)
    firmware_version = Text(255, allow_none=True)
    custom_name = fields.String(dump_only=True, allow_none=True)


class ClaimShape(Shape):
    """Both, because claiming needs what is printed on the device."""

    serial_number = fields.String(required=True)
    device_name = fields.String(required=True)


class CustomNameShape(Shape):
    """Null takes the name away."""

    custom_name = fields.String(required=True, allow_none=True)


@blueprint.route("/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(DeviceShape))
def list_devices(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """The devices that you ever owned; with current=true those that you own now."""
    mine = devices.listing(
        actor, current=query.get("current", False), activity_id=query.get("activity")
    )
    return read_page(query, lambda s: LISTING.apply(mine, query))


@blueprint.route("/take-ownership/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(ClaimShape)
@blueprint.response(201, DeviceShape)
def claim(actor: Actor, body: dict[str, Any]) -> Device:
    """Own a device from now on. Who owns it already gets it again, without a second ownership."""
    return platform().db.write(lambda session: devices.claim(session, actor, **body))


@blueprint.route("/<int:device>/take-ownership/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.doc(deprecated=True)
@blueprint.response(201, DeviceShape)
def take_ownership(actor: Actor, device: int) -> Device:
    """The older form of the same, by id."""
    return platform().db.write(lambda session: devices.take_ownership(session, actor, device))


@blueprint.route("/<int:device>/release-ownership/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.response(204)
def release_ownership(actor: Actor, device: int) -> None:
    """End your ownership now; what was recorded during it stays yours to read."""
    platform().db.write(lambda session: devices.release_ownership(session, actor, device))


@blueprint.route("/<int:device>/set-custom-name/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.doc(deprecated=True)
@blueprint.arguments(CustomNameShape)
@blueprint.response(200, DeviceShape)
def set_custom_name(actor: Actor, body: dict[str, Any], device: int) -> Device:
    """Give a device a name of your own."""
    name = body["custom_name"]
    return platform().db.write(lambda s: devices.set_custom_name(s, actor, device, name))


@blueprint.route("/<int:device>/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.retrieval(), location="query")
@blueprint.response(200, DeviceShape)
def get_device(actor: Actor, query: dict[str, Any], device: int) -> Device:
    """Read a device that you own now. A filter that does not match hides it."""

    def read(session: Session) -> Device:
        found = devices.get(session, actor, device)
        mine = devices.listing(actor, activity_id=query.get("activity"))
        LISTING.require(session, mine.where(Device.id == device), query, f"device {device}")
        return found

    return platform().db.read(read)
