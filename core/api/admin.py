"""What administrators change: devices, and who owned them when."""

from typing import Any

from marshmallow import fields
from sqlalchemy.orm import Session

from core.api.devices import DeviceShape
from core.api.guard import authenticated
from core.api.ownerships import OwnershipShape
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.models import DeviceOwnership
from core.models.users import ADMINISTRATOR
from core.policy import Actor
from core.services import devices, ownerships

blueprint = Blueprint(
    "admin",
    __name__,
    url_prefix="/api/v1/admin",
    description="For administrators.",
)


class DeviceWithTokenShape(DeviceShape):
    """``uplink_token`` is shown this once."""

    uplink_token = fields.String(dump_only=True)


def _with_token(given: tuple[Any, str]) -> dict[str, Any]:
    device, token = given
    return {**DeviceShape().dump(device), "uplink_token": token}


@blueprint.route("/devices/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(DeviceShape)
@blueprint.response(201, DeviceWithTokenShape)
def create_device(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Register a device."""
    return platform().db.write(lambda session: _with_token(devices.create(session, actor, **body)))


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
