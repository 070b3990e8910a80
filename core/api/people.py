"""The shapes of people that several resources share."""

import base64
import binascii
import re
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from core import clock
from core.api.shapes import Day, Id, Real, Shape, Text

TALLEST = 3.0  # metres; more is most likely centimetres
HEAVIEST = 700.0  # kg
DAY_MS = 86_400_000
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


def _metres(value: float) -> None:
    if not 0 <= value <= TALLEST:
        raise ma.ValidationError(f"height is in metres, from 0 to {TALLEST:g}")


def _past(value: str) -> None:
    """Nobody is born tomorrow; a day's grace for those who are ahead of UTC."""
    if value > clock.to_iso(clock.now() + DAY_MS)[:10]:
        raise ma.ValidationError("lies in the future")


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
    birth_date = Day(allow_none=True, validate=_past)
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


class ExternalIdQuery(ma.Schema):
    external_id = fields.String(
        data_key="external-id",
        required=True,
        metadata={"description": "Your own identifier, exactly."},
    )
