"""The forms of pages, read by the shapes of the REST routes, so that both refuse the same."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import request

from core.api.problems import invalid
from core.errors import BadInput, TouchlineError


def filled(*names: str) -> dict[str, Any]:
    """The named fields that were not left empty, without the spaces around them."""
    given = {name: request.form.get(name, "").strip() for name in names}
    return {name: value for name, value in given.items() if value}


def lines(name: str) -> list[str]:
    """What stands in a text area, line by line, without empty ones."""
    return [line for text in request.form.get(name, "").splitlines() if (line := text.strip())]


def moment(name: str) -> str | None:
    """A ``datetime-local`` field, which has no offset: pages speak UTC."""
    text = request.form.get(name, "").strip()
    return f"{text}Z" if text else None


def read(shape: ma.Schema, body: Mapping[str, Any]) -> dict[str, Any]:
    """What the REST route would take. Raises BadInput as it would."""
    for name, value in body.items():
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and "\x00" in text for text in texts):
            raise BadInput.at(f"/{name}", "holds the character U+0000")
    return load(shape, body)


def load(shape: ma.Schema, body: Any) -> dict[str, Any]:
    """The body of a request, checked. Raises BadInput."""
    try:
        checked: dict[str, Any] = shape.load(body)
    except ma.ValidationError as error:
        raise invalid(error.normalized_messages(), "json") from None
    return checked


def faults(error: TouchlineError) -> dict[str, str]:
    """What is wrong, by the name of the field; what is of no field stands under ``""``."""
    found: dict[str, str] = {}
    for row in error.errors:
        name, _, rest = row["pointer"].removeprefix("/").partition("/")
        where = f"{int(rest) + 1}: " if rest.isdecimal() else ""
        found.setdefault(name, f"{where}{row['detail']}")
    return found or {"": error.detail}
