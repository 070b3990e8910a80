"""Cross-origin calls: a browser may call from where an OAuth client's allow-list says.

A preflight carries no token, so it is allowed if any client lists the origin; the call itself is
readable only if the client behind its token does. Cookies are never taken.
"""

import time

from flask import Flask, Response, current_app, g, request
from sqlalchemy import select

from core.api.platform import Platform, platform
from core.models import OAuthClient

METHODS = "GET, POST, PUT, PATCH, DELETE"
ASKED = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
SHOWN = (
    "ETag, Idempotency-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
    "Retry-After, X-Request-ID"
)
KEY = "touchline-cors"
KEEP_SECONDS = 5.0  # how long a change of an allow-list may take to be seen
PREFLIGHT_SECONDS = "600"


class Origins:
    """Who lists which origin, remembered for a moment."""

    def __init__(self) -> None:
        self._until = 0.0
        self._listed: dict[str, set[int]] = {}

    def listed(self, app: Platform, origin: str) -> set[int]:
        """The clients that list the origin."""
        if time.monotonic() >= self._until:
            wanted = select(OAuthClient.id, OAuthClient.cors_origins)
            found: dict[str, set[int]] = {}
            for client, origins in app.db.read(lambda s: s.execute(wanted).all()):
                for each in origins:
                    found.setdefault(each, set()).add(client)
            self._listed, self._until = found, time.monotonic() + KEEP_SECONDS
        return self._listed.get(origin, set())


def _listed(origin: str) -> set[int]:
    origins: Origins = current_app.extensions[KEY]
    return origins.listed(platform(), origin)


def register(app: Flask) -> None:
    @app.before_request
    def preflight() -> Response | None:
        asked = request.headers.get("Access-Control-Request-Method")
        if request.method != "OPTIONS" or asked is None or "Origin" not in request.headers:
            return None
        response = Response(status=204)
        if _listed(request.headers["Origin"]):
            response.headers["Access-Control-Allow-Methods"] = METHODS
            response.headers["Access-Control-Allow-Headers"] = ASKED
            response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        return response

    @app.after_request
    def allow(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if origin is None:
            return response
        clients = _listed(origin)
        actor = g.get("actor")
        if actor.client_id in clients if actor is not None else clients:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = SHOWN
        response.vary.add("Origin")
        return response
