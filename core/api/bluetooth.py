"""Bluetooth configuration: the owner's side, and the device's own.

A device that only POSTs asks here for its target and reports what it applied; the same over the
uplink socket comes with the sockets.
"""

import re
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Flag, QueryFlag, Shape, Text
from core.errors import BadInput
from core.models import BluetoothConfig
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import DEVICE, Actor
from core.services import bluetooth

LONGEST_NAME = 100
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", re.ASCII)

blueprint = Blueprint(
    "bluetooth",
    __name__,
    url_prefix="/api/v1/devices/<int:device>",
    description="Which heart-rate strap and power meter a device is paired with.",
)


def _mac(value: str) -> None:
    if not _MAC.fullmatch(value):
        raise ma.ValidationError("must be six hexadecimal pairs with colons, 02:32:f8:26:fa:ae")


class PairingShape(Shape):
    mac_address = fields.String(required=True, validate=_mac)
    name = Text(LONGEST_NAME, shortest=1, required=True)


class PairingsShape(Shape):
    """``pairing_1`` is the heart-rate sensor, ``pairing_2`` the power meter; both may be active."""

    pairing_1 = fields.Nested(PairingShape, allow_none=True)
    pairing_2 = fields.Nested(PairingShape, allow_none=True)


class ConfigurationsShape(ma.Schema):
    current = fields.Nested(PairingsShape)
    target = fields.Nested(PairingsShape)


class BluetoothShape(ma.Schema):
    status = fields.String(validate=validate.OneOf(["success"]))
    data = fields.Nested(ConfigurationsShape)


class BluetoothQuery(ma.Schema):
    immediate_sending = QueryFlag(
        load_default=False,
        metadata={"description": "Send it as soon as the device can be reached, not at its start."},
    )


class UplinkTargetShape(ma.Schema):
    """``immediate``: apply it now, not at the next start."""

    target = fields.Nested(PairingsShape)
    immediate = Flag()


class UplinkBluetoothShape(ma.Schema):
    bluetooth = fields.Nested(UplinkTargetShape)


class AppliedShape(Shape):
    current = fields.Nested(PairingsShape, required=True)


class UplinkReportShape(Shape):
    bluetooth = fields.Nested(AppliedShape, required=True)


def _answer(config: BluetoothConfig) -> dict[str, Any]:
    return {"status": "success", "data": {"current": config.current, "target": config.target}}


def _told(config: BluetoothConfig) -> dict[str, Any]:
    return {"bluetooth": {"target": config.target, "immediate": config.immediate}}


@blueprint.route("/bluetooth-config/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.response(200, BluetoothShape)
def get_bluetooth_config(actor: Actor, device: int) -> dict[str, Any]:
    """What a device that you own now runs (``current``) and is to run (``target``)."""
    return _answer(platform().db.read(lambda s: bluetooth.get(s, actor, device)))


@blueprint.route("/bluetooth-config/", methods=["PATCH"])
@authenticated(MANAGER)
@blueprint.arguments(BluetoothQuery, location="query")
@blueprint.arguments(PairingsShape)
@blueprint.response(200, BluetoothShape)
def change_bluetooth_config(
    actor: Actor, query: dict[str, Any], body: dict[str, Any], device: int
) -> dict[str, Any]:
    """Change the target: what is not named stays, null takes a pairing away.

    ``current`` follows when the device has taken the target and said so.
    """
    if not body:
        raise BadInput("name pairing_1 or pairing_2")
    immediate = query["immediate_sending"]
    return _answer(
        platform().db.write(
            lambda s: bluetooth.change_target(s, actor, device, body, immediate=immediate)
        )
    )


@blueprint.route("/uplink/config/")
@authenticated(MANAGER, DEVICE)
@blueprint.response(200, UplinkBluetoothShape)
def get_uplink_config(actor: Actor, device: int) -> dict[str, Any]:
    """For the device, with its uplink token: the configuration that it is to run."""
    return _told(platform().db.read(lambda s: bluetooth.for_device(s, actor, device)))


@blueprint.route("/uplink/config/", methods=["POST"])
@authenticated(MANAGER, DEVICE)
@blueprint.arguments(UplinkReportShape)
@blueprint.response(200, UplinkBluetoothShape)
def report_uplink_config(actor: Actor, body: dict[str, Any], device: int) -> dict[str, Any]:
    """For the device: report the configuration that it has applied; the answer is its target."""
    current = body["bluetooth"]["current"]
    return _told(platform().db.write(lambda s: bluetooth.report(s, actor, device, current)))
