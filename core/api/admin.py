"""What administrators keep: devices, who owned them when, JSON schemas; and what they changed."""

from typing import Any

import marshmallow as ma
from flask import request
from marshmallow import fields, validate
from sqlalchemy.orm import Session

from core.api.devices import LISTING as DEVICES
from core.api.devices import DeviceShape
from core.api.filters import Listing, exact, reference, span
from core.api.guard import authenticated
from core.api.json_schemas import JsonSchemaShape
from core.api.ownerships import OwnershipShape
from core.api.paging import page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Moment, Shape, Text
from core.errors import BadInput, UnsupportedMedia
from core.models import AuditEvent, Device, DeviceOwnership, JsonSchema
from core.models.users import ADMINISTRATOR
from core.policy import Actor
from core.services import audit, device_stock, devices, json_schemas, ownerships

CSV = "text/csv"

blueprint = Blueprint(
    "admin",
    __name__,
    url_prefix="/api/v1/admin",
    description="For administrators. Every change is written to the audit log.",
)

ALL_DEVICES = Listing("AdminDevice", DEVICES.key, DEVICES.filters, DEVICES.ordering, DEVICES.search)

AUDIT = Listing(
    "Audit",
    key=AuditEvent.id.desc(),
    filters={
        "actor": reference(AuditEvent.actor_id),
        "action": exact(AuditEvent.action),
        "kind": exact(AuditEvent.kind),
        "target": reference(AuditEvent.target_id),
        **span("time", AuditEvent.time),
    },
    ordering={"time": AuditEvent.time},
    search=(AuditEvent.actor, AuditEvent.action),
)


class DeviceWithTokenShape(DeviceShape):
    """``uplink_token`` is shown this once."""

    uplink_token = fields.String(dump_only=True)


class DeviceChangeShape(Shape):
    device_type = Text(255, allow_none=True)
    firmware_version = Text(255, allow_none=True)


class JsonSchemaVersionShape(Shape):
    sport = Text(50, shortest=1, required=True)
    type = fields.String(
        required=True, validate=validate.OneOf([json_schemas.ACTIVITY, json_schemas.TIMEFRAME])
    )
    schema = fields.Dict(required=True)


class AuditEventShape(ma.Schema):
    """``before`` and ``after`` hold what changed, without secrets; ``before`` is null for what was
    made. ``username`` is ``command line`` for the operator's commands.
    """

    id = fields.Integer()
    time = Moment()
    actor = fields.Integer(attribute="actor_id", allow_none=True)
    username = fields.String(attribute="actor")
    action = fields.String()
    kind = fields.String()
    target = fields.Integer(attribute="target_id")
    before = fields.Dict(allow_none=True)
    after = fields.Dict(allow_none=True)


def _with_token(given: tuple[Any, str]) -> dict[str, Any]:
    device, token = given
    return {**DeviceShape().dump(device), "uplink_token": token}


@blueprint.route("/devices/")
@authenticated(ADMINISTRATOR)
@blueprint.arguments(ALL_DEVICES.query(), location="query")
@blueprint.response(200, page_of(DeviceShape))
def list_devices(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Every device."""
    return read_page(query, lambda s: ALL_DEVICES.apply(device_stock.listing(actor), query))


@blueprint.route("/devices/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(DeviceShape)
@blueprint.response(201, DeviceWithTokenShape)
def create_device(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Register a device."""
    return platform().db.write(lambda session: _with_token(devices.create(session, actor, **body)))


@blueprint.route("/devices/bulk/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.doc(
    requestBody={
        "required": True,
        "content": {
            CSV: {
                "schema": {"type": "string"},
                "example": "device_name,serial_number,device_type\nvest-1,0001,vest\n",
            }
        },
    }
)
@blueprint.response(201, DeviceWithTokenShape(many=True))
def create_devices(actor: Actor) -> list[dict[str, Any]]:
    """Register many devices from CSV, all of them or none; each comes with its token."""
    if request.mimetype != CSV:
        raise UnsupportedMedia(f"devices come as {CSV}")
    try:
        text = request.get_data().decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("the body is not UTF-8") from None
    rows = device_stock.read_csv(text)
    return platform().db.write(
        lambda s: [_with_token(made) for made in device_stock.create_many(s, actor, rows)]
    )


@blueprint.route("/devices/<int:device>/", methods=["PATCH"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(DeviceChangeShape)
@blueprint.response(200, DeviceShape)
def change_device(actor: Actor, body: dict[str, Any], device: int) -> Device:
    """Set a device's type or firmware version."""
    return platform().db.write(lambda s: device_stock.change(s, actor, device, body))


@blueprint.route("/devices/<int:device>/rotate-token/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.response(200, DeviceWithTokenShape)
def rotate_token(actor: Actor, device: int) -> dict[str, Any]:
    """Give a device a new uplink token; the old one ends."""
    app = platform()

    def rotate(session: Session) -> dict[str, Any]:
        return _with_token(devices.rotate_token(session, actor, device))

    answer = app.db.write(rotate)
    app.tokens.forget()
    return answer


@blueprint.route("/device-ownerships/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(OwnershipShape)
@blueprint.response(201, OwnershipShape)
def create_ownership(actor: Actor, body: dict[str, Any]) -> DeviceOwnership:
    """Let a manager own a device over any window, also a past one."""
    return platform().db.write(
        lambda session: ownerships.create(
            session,
            actor,
            body["device_id"],
            body["manager_id"],
            body["start_time"],
            body["end_time"],
        )
    )


@blueprint.route("/json-schemas/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(JsonSchemaVersionShape)
@blueprint.response(201, JsonSchemaShape)
def create_schema(actor: Actor, body: dict[str, Any]) -> JsonSchema:
    """The next version of a sport's schema. What exists keeps the version it was made with."""
    return platform().db.write(
        lambda s: json_schemas.create_version(s, actor, body["sport"], body["type"], body["schema"])
    )


@blueprint.route("/audit-log/")
@authenticated(ADMINISTRATOR)
@blueprint.arguments(AUDIT.query(), location="query")
@blueprint.response(200, page_of(AuditEventShape))
def list_changes(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """What administrators changed, newest first."""
    return read_page(query, lambda s: AUDIT.apply(audit.listing(actor), query))
