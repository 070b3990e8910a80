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

from core.api.problems import invalid
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
        raise BadInput(f"the body is not JSON in UTF-8: {error}") from None
    _check_depth(document)
    if rb"\u0000" in body and _has_nul(document):
        raise BadInput("the body holds the character U+0000 in a text")
    return document


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
    raise BadInput(f"the body is nested more than {MAX_DEPTH} deep")


def _has_nul(document: Any) -> bool:
    if isinstance(document, dict):
        return any("\x00" in key or _has_nul(value) for key, value in document.items())
    if isinstance(document, list):
        return any(map(_has_nul, document))
    return isinstance(document, str) and "\x00" in document


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's, with our parser."""

    ARGUMENTS_PARSER = Parser()
