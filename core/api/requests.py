"""What happens around every request: its id, its line in the access log, the checks on its path
and query that no route has to repeat.
"""

import re
import time
from urllib.parse import unquote_to_bytes
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.routing import IntegerConverter

from core.errors import BadInput, UnsupportedMedia

HEADER = "X-Request-ID"
LARGEST_ID = 10**18 - 1  # a column holds some more, but no id will ever need them

# Asked every few seconds by whatever watches the platform.
PROBES = ("/healthz", "/readyz", "/metrics")

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger("touchline.access")


class IdConverter(IntegerConverter):
    """``<int:…>`` in a path: what no column can hold is no path. By the pattern, as werkzeug looks
    at a converter's bounds only after the method, and would answer 405.
    """

    regex = "[0-9]{1,18}"

    def __init__(self, map, fixed_digits=0, min=None, max=LARGEST_ID, signed=False):  # type: ignore[no-untyped-def]
        super().__init__(map, fixed_digits, min, max, signed)


def request_id() -> str:
    """The id of this request: the caller's own if it is sane, else one of ours."""
    if "request_id" not in g:
        given = request.headers.get(HEADER, "")
        g.request_id = given if _SANE.fullmatch(given) else uuid4().hex
    return g.request_id


def _undecodable(query: bytes) -> str | None:
    """The name of the first parameter that is no UTF-8; decoded leniently it would ask for another
    thing than was meant.
    """
    if b"%" not in query and query.isascii():
        return None
    for part in query.split(b"&"):
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            return unquote_to_bytes(part.partition(b"=")[0]).decode(errors="replace")
    return None


def _begin() -> None:
    g.started = time.perf_counter()
    clear_contextvars()
    bind_contextvars(request_id=request_id())
    # PostgreSQL has no NUL in its texts: refused here, once for every path and parameter.
    if "\x00" in request.path:
        raise BadInput("the path holds the character U+0000")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("bodies are taken as they are, without a Content-Encoding")
    if not request.query_string:
        return
    if (broken := _undecodable(request.query_string)) is not None:
        raise BadInput.at(f"/{broken}", "is not UTF-8")
    for name, values in request.args.lists():
        if any("\x00" in value for value in (name, *values)):
            raise BadInput.at(f"/{name.replace(chr(0), '')}", "holds the character U+0000")


def _end(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    started = g.get("started")
    tell = log.debug if request.path in PROBES else log.info
    tell(
        "request",
        method=request.method,
        path=request.path,  # never the query: it may carry what should not be logged
        status=response.status_code,
        ms=round((time.perf_counter() - started) * 1000, 1) if started else None,
        user=g.get("user_id"),
    )
    return response


def register(app: Flask) -> None:
    app.url_map.converters["int"] = IdConverter
    app.before_request(_begin)
    app.after_request(_end)
