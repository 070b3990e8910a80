"""The caller's own account, and the shapes of people that several resources share."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Day, Id, Real, Shape, Text
from core.auth.passwords import MAX_LENGTH, MIN_LENGTH
from core.models.users import ATHLETE, MANAGER
from core.policy import Actor
from core.services import users

TALLEST = 3.0  # metres; more is most likely centimetres
HEAVIEST = 700.0  # kg
LARGEST_PICTURE = 512 * 1024  # bytes
# How pictures begin: PNG, JPEG, GIF, WebP. They are never opened here, only handed back.
IMAGES = tuple(
    re.compile(start, re.DOTALL)
    for start in (
        rb"\x89PNG\r\n\x1a\n",
        rb"\xff\xd8\xff",
        rb"GIF8[79]a",
        rb"RIFF.{4}WEBP",
    )
)

blueprint = Blueprint(
    "account", __name__, url_prefix="/api/v1/account", description="The caller's own account."
)


def _metres(value: float) -> None:
    if not 0 <= value <= TALLEST:
        raise ma.ValidationError(f"height is in metres, from 0 to {TALLEST:g}")


def _image(value: str) -> None:
    if len(value) > LARGEST_PICTURE * 4 // 3 + 4:
        raise ma.ValidationError(f"a picture has {LARGEST_PICTURE // 1024} KiB at most")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ma.ValidationError("not base64 (and no data: prefix)") from None
    if not any(image.match(data) for image in IMAGES):
        raise ma.ValidationError("neither a PNG, JPEG, GIF nor WebP image")


class ManagerProfileShape(Shape):
    id = Id(dump_only=True)
    first_name = Text(150, allow_none=True)
    last_name = Text(150, allow_none=True)


class AthleteProfileShape(Shape):
    """``weight`` in kg, ``height`` in m; 0 and null mean unknown."""

    id = Id(dump_only=True)
    external_id = Text(255, allow_none=True)
    first_name = Text(150, allow_none=True)
    last_name = Text(150, allow_none=True)
    gender = fields.String(validate=validate.OneOf(["M", "F"]), allow_none=True)
    weight = Real(0, HEAVIEST, allow_none=True)
    height = Real(validate=_metres, allow_none=True)
    birth_date = Day(allow_none=True)
    nationality = Text(100, allow_none=True)
    profile_picture = fields.String(validate=_image, allow_none=True)


class Address(fields.Email):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=254), **kwargs)


class UserShape(Shape):
    """What managers and athletes have in common."""

    id = Id(dump_only=True)
    username = Text(254, shortest=1, required=True)
    external_id = Text(255, allow_none=True)
    email = Address(required=True)


class Password(fields.String):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(MIN_LENGTH, MAX_LENGTH), load_only=True, **kwargs)


class AccountShape(ma.Schema):
    """Which profile it carries follows the role."""

    id = Id()
    username = fields.String()
    external_id = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    role = fields.String()
    extra_permissions = fields.List(fields.String())
    manager_profile = fields.Nested(ManagerProfileShape)
    athlete_profile = fields.Nested(AthleteProfileShape)
    managed_by = fields.Integer(attribute="managed_by_id", allow_none=True)

    @ma.post_dump(pass_original=True)
    def by_role(self, data: dict[str, Any], user: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        absent = set()
        if user["role"] != MANAGER:
            absent |= {"manager_profile"}
        if user["role"] != ATHLETE:
            absent |= {"athlete_profile", "managed_by"}
        return {key: value for key, value in data.items() if key not in absent}


@blueprint.route("/")
@authenticated()
@blueprint.response(200, AccountShape)
def get_account(actor: Actor) -> dict[str, Any]:
    """Who am I?"""
    return platform().db.read(lambda session: users.account(session, actor))
