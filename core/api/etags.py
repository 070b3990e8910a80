"""ETags of single resources, and ``If-Match``: two editors do not overwrite each other.

An ETag stands for what a GET of the same address answers to the same caller. A PUT, PATCH or
DELETE with ``If-Match`` looks at that once more inside the transaction of its effect; there,
changes of one address come one after the other.
"""

import hashlib
from contextvars import Context, copy_context
from typing import Any

from flask import Flask, Response, request
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.datastructures import ETags
from werkzeug.exceptions import HTTPException

from core.api.problems import from_domain
from core.errors import PreconditionFailed
from core.models.db import around, joined

CHANGES = ("PUT", "PATCH", "DELETE")
JSON = "application/json"


def etag_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _is_single() -> bool:
    rule = request.url_rule
    return (
        rule is not None
        and rule.rule.startswith("/api/v1/")
        and rule.rule.rstrip("/").endswith(">")
    )


class Precondition:
    """``If-Match`` of one request, as core.models.db.Around."""

    def __init__(self, app: Flask, expected: ETags | None, path: str, context: Context) -> None:
        self._app, self._expected, self._path = app, expected, path
        self._context = context
        self._done = False

    def begin(self, session: Session) -> None:
        """Raises PreconditionFailed where the thing is not as the caller last saw it."""
        if self._done:
            return
        self._done = True
        if session.get_bind().dialect.name == "postgresql":
            lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:path, 0))")
            session.execute(lock, {"path": self._path})
        if self._expected is not None:
            current = etag_of(self._context.run(self._read, session))
            if not self._expected.contains(current):
                raise PreconditionFailed("this was changed since: read it again, then change it")
            session.expunge_all()

    def end(self, session: Session, result: Any) -> None:
        """The check came before the effect."""

    def _read(self, session: Session) -> bytes:
        """What a GET answers now, read in the transaction of the change."""
        joined.set(session)
        try:
            endpoint, args = self._app.create_url_adapter(request).match(method="GET")  # type: ignore[union-attr]
        except HTTPException:
            raise PreconditionFailed("this address has no ETag: it cannot be read") from None
        view: Any = self._app.view_functions[endpoint]
        return self._app.make_response(view(**args)).get_data()


def _begin(app: Flask) -> None:
    if request.method in CHANGES and _is_single():
        expected = request.if_match if "If-Match" in request.headers else None
        around.set(Precondition(app, expected, request.path.rstrip("/"), copy_context()))


def _end(response: Response) -> Response:
    if (
        request.method in ("GET", "HEAD")
        and response.status_code == 200
        and response.mimetype == JSON
        and _is_single()
    ):
        response.set_etag(etag_of(response.get_data()))
        response.make_conditional(request)
        if response.status_code == PreconditionFailed.status:
            return from_domain(PreconditionFailed("this is not what If-Match names any more"))
    return response


def _leave(_error: BaseException | None) -> None:
    around.set(None)


def register(app: Flask) -> None:
    app.before_request(lambda: _begin(app))
    app.after_request(_end)
    app.teardown_request(_leave)
