"""Bodies and query strings → plain data, checked against a shape; every refusal is a 400 that
names the field, or a 415.
"""

from typing import Any, NoReturn

import flask_smorest
import marshmallow as ma
import orjson
from flask import Request
from webargs.core import is_json, missing
from webargs.flaskparser import FlaskParser

from core.api.problems import invalid, token
from core.errors import BadInput, UnsupportedMedia

MAX_DEPTH = 32


class Parser(FlaskParser):
    """Strict where webargs is lenient: media type, repeated query names, depth, NUL."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        body = req.get_data(cache=True)
        if not body:
            return missing
        if not is_json(req.mimetype):
            raise UnsupportedMedia("the body must be JSON (Content-Type: application/json)")
        return parse_json(body)

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        for name, values in req.args.lists():
            if len(values) > 1:
                raise BadInput.at(f"/{name}", "the parameter stands in the query more than once")
        return super().load_querystring(req, schema)

    def handle_error(
        self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_: Any
    ) -> NoReturn:
        assert isinstance(error.messages, dict), "webargs puts the location around the messages"
        location, messages = next(iter(error.messages.items()))
        raise invalid(messages, location) from None


def parse_json(body: bytes) -> Any:
    """JSON in UTF-8, at most ``MAX_DEPTH`` deep, without NaN and U+0000. Raises BadInput."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _whole(f"is not JSON in UTF-8: {error}") from None
    _check_depth(document)
    if rb"\u0000" in body and (found := _nul_at(document)) is not None:
        raise BadInput.at(found, "holds the character U+0000")
    return document


def _whole(sentence: str) -> BadInput:
    """The body as a whole is at fault: the pointer of the document itself is empty (RFC 6901)."""
    return BadInput(f"the body {sentence}", errors=[{"pointer": "", "detail": sentence}])


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _whole(f"is nested more than {MAX_DEPTH} deep")


def _nul_at(document: Any, pointer: str = "") -> str | None:
    """The pointer of the first text, or of the object with the first name, that holds U+0000."""
    if isinstance(document, str):
        return pointer if "\x00" in document else None
    if isinstance(document, dict):
        if any("\x00" in name for name in document):
            return pointer
        inner = ((token(name), value) for name, value in document.items())
    elif isinstance(document, list):
        inner = ((str(index), value) for index, value in enumerate(document))
    else:
        return None
    found = (_nul_at(value, f"{pointer}/{step}") for step, value in inner)
    return next((one for one in found if one is not None), None)


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's, with our parser."""

    ARGUMENTS_PARSER = Parser()
