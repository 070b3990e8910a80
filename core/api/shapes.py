"""Marshmallow pieces that several resources share. Types are strict: ``"5"`` is no number and
``1`` is no boolean; query strings have their own fields, as everything there is text.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from core import clock

LARGEST = 2**63 - 1

# The document's schema of an answer that is a file.
BYTES = {"type": "string", "format": "binary"}


def _whole(low: int, high: int) -> validate.Range:
    return validate.Range(low, high, error=f"must be a whole number from {low} to {high}")


class Shape(ma.Schema):
    """A body. Unknown keys are refused; read-only ones are ignored, so that a client may send back
    what it has read.
    """

    class Meta:
        unknown = ma.RAISE

    error_messages = {"type": "must be an object"}  # noqa: RUF012 -- marshmallow merges it from the class

    @ma.pre_load
    def drop_read_only(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key not in self.dump_fields_only}

    @property
    def dump_fields_only(self) -> set[str]:
        return {field.data_key or name for name, field in self.fields.items() if field.dump_only}


class Id(fields.Integer):
    """The id of something: an integer that a column can hold."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=_whole(1, LARGEST), **kwargs)


class Real(fields.Float):
    """A finite JSON number, within bounds."""

    default_error_messages = {"invalid": "Not a valid number."}  # noqa: RUF012 -- marshmallow merges it from the class

    def __init__(self, low: float | None = None, high: float | None = None, **kwargs: Any) -> None:
        if low is not None or high is not None:
            kwargs.setdefault("validate", validate.Range(low, high))
        super().__init__(**kwargs)

    def _validated(self, value: Any) -> float:
        if not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class Text(fields.String):
    """A text of at most ``longest`` characters."""

    def __init__(self, longest: int, shortest: int = 0, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(shortest, longest), **kwargs)


class Flag(fields.Boolean):
    """``true`` or ``false``, nothing that looks like it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Moment(fields.DateTime):
    """ISO 8601 with an offset outside, integer Unix ms inside."""

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else clock.to_iso(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str):
            raise ma.ValidationError("not an ISO 8601 date-time")
        try:
            return clock.from_iso(value)
        except ValueError as error:
            raise ma.ValidationError(str(error)) from None


class Day(fields.Date):
    """``YYYY-MM-DD`` outside and inside."""

    def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> str | None:
        return value

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
            raise ma.ValidationError("not a date YYYY-MM-DD")
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise ma.ValidationError(str(error)) from None


class Start(Moment):
    """A moment from which something holds: as ``Moment``, or a date, which begins at 0:00 UTC."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and "T" not in value.upper():
            value = f"{Day().deserialize(value)}T00:00:00Z"
        return super()._deserialize(value, attr, data, **kwargs)


class QueryInteger(fields.Integer):
    """Decimal digits in a query string."""

    def __init__(self, low: int = 1, high: int = LARGEST, **kwargs: Any) -> None:
        super().__init__(validate=_whole(low, high), **kwargs)

    def _validated(self, value: Any) -> int:
        # A default of ours comes as a number, what a client sends as text.
        if not isinstance(value, int) and not re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
            raise self.make_error("invalid", input=value)
        return int(value)


class QueryFlag(fields.Boolean):
    """``true`` or ``false`` in a query string, in either case."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if str(value).lower() not in ("true", "false"):
            raise ma.ValidationError("must be true or false")
        return str(value).lower() == "true"


def computed(field: type[fields.Field], read: Callable[[Any], Any], **kwargs: Any) -> fields.Field:
    """A read-only field whose value ``read`` takes from the object."""

    class Computed(field):  # type: ignore[misc, valid-type]
        _CHECK_ATTRIBUTE = False

        def _serialize(self, value: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:
            return super()._serialize(read(obj), attr, obj, **kwargs)

    return Computed(dump_only=True, **kwargs)
