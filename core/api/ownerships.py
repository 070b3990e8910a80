"""Device ownerships: who owned what when."""

from typing import Any

from marshmallow import fields
from sqlalchemy.orm import Session

from core.api.devices import DeviceShape
from core.api.filters import Listing, exact, reference, span
from core.api.guard import authenticated
from core.api.paging import page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, Moment, Shape
from core.models import Device, DeviceOwnership
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import Actor
from core.services import ownerships

blueprint = Blueprint(
    "ownerships",
    __name__,
    url_prefix="/api/v1/device-ownerships",
    description="Windows of ownership; those of one device never overlap.",
)

LISTING = Listing(
    "Ownership",
    key=DeviceOwnership.id,
    filters={
        "device": reference(DeviceOwnership.device_id),
        "device_name": exact(Device.device_name),
        **span("start_time", DeviceOwnership.start_time),
        **span("end_time", DeviceOwnership.end_time),
    },
)


class OwnershipShape(Shape):
    id = Id(dump_only=True)
    start_time = Moment(required=True)
    end_time = Moment(required=True)
    device = Id(attribute="device_id", required=True)
    manager = Id(attribute="manager_id", required=True)
    device_details = fields.Nested(DeviceShape, attribute="device", dump_only=True)


@blueprint.route("/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(OwnershipShape))
def list_ownerships(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Your ownerships, past and present."""
    return read_page(query, lambda s: LISTING.apply(ownerships.listing(actor), query))


@blueprint.route("/<int:device_ownership>/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.retrieval(), location="query")
@blueprint.response(200, OwnershipShape)
def get_ownership(actor: Actor, query: dict[str, Any], device_ownership: int) -> DeviceOwnership:
    """Read one of your ownerships. A filter that does not match hides it."""

    def read(session: Session) -> DeviceOwnership:
        found = ownerships.get(session, actor, device_ownership)
        mine = ownerships.listing(actor).where(DeviceOwnership.id == device_ownership)
        LISTING.require(session, mine, query, f"device ownership {device_ownership}")
        return found

    return platform().db.read(read)
