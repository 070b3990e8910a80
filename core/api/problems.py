"""Errors as RFC 9457 problem documents, for every path and every cause.

A document always carries ``detail``, so that a client used to ``{"detail": …}`` reads it, and
``errors`` (a list of ``{"pointer", "detail"}``) where input was at fault.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from core.api.requests import request_id
from core.errors import BadInput, TouchlineError, Unauthorized

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger(__name__)


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    errors: list[Any] | None = None,
    extra: Mapping[str, object] | None = None,
) -> Response:
    body: dict[str, object] = {
        **(extra or {}),
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id(),
    }
    if errors:
        body["errors"] = errors
    return Response(orjson.dumps(body, default=str), status, mimetype=MEDIA_TYPE)


def example(error: TouchlineError) -> dict[str, Any]:
    """``error`` as it is answered, for the OpenAPI document."""
    return orjson.loads(from_domain(error).get_data())


def from_domain(error: TouchlineError) -> Response:
    """A domain error; its extra keys (``message``) stand beside the document's own, but for the
    ``challenge``, which is a header.
    """
    extra = dict(error.extra)
    challenge = extra.pop("challenge", "Bearer")
    response = problem(
        error.status,
        error.code,
        error.title,
        error.detail,
        errors=[dict(row) for row in error.errors],
        extra=extra,
    )
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = str(challenge)
    return response


def from_http(error: HTTPException) -> Any:
    """What the framework raises: unknown paths, wrong methods, bodies that are too large."""
    if error.response is not None:  # a redirect of the router, made already
        return error.response
    status = error.code or 500
    code = error.name.lower().replace(" ", "_")
    response = problem(status, code, error.name, error.description or error.name)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def from_unexpected(error: Exception) -> Response:
    """A fault of ours: logged whole, told as little."""
    log.error("unexpected error", exc_info=error)
    return problem(
        500,
        "internal_error",
        "Internal error",
        "Something went wrong on the server. The request id finds it in the server's log.",
    )


def token(step: object) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return str(step).replace("~", "~0").replace("/", "~1")


def flatten(messages: Any, pointer: str = "") -> Iterator[dict[str, str]]:
    """Marshmallow's nested messages as rows of pointer and detail."""
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            yield from flatten(value, pointer if key == "_schema" else f"{pointer}/{token(key)}")
    elif isinstance(messages, list):
        for value in messages:
            yield from flatten(value, pointer)
    else:
        yield {"pointer": pointer, "detail": str(messages)}


def invalid(messages: Mapping[str, Any], location: str) -> BadInput:
    """What a shape refused, as a domain error. The sentence names the first field; for the query
    string it says ``parameter``.
    """
    rows = list(flatten(messages))
    first = rows[0]
    if location == "query":
        where = f"parameter {first['pointer'].lstrip('/')}"
    else:
        where = first["pointer"] or "the body"
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return BadInput(f"{where}: {first['detail']}{more}", errors=rows)


def register(app: Flask) -> None:
    app.register_error_handler(TouchlineError, from_domain)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, from_unexpected)
