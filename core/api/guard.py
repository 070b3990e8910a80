"""Who calls: ``@authenticated(roles…)`` hands the route its Actor, or refuses."""

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any

from flask import g

from core.api import throttle
from core.api.platform import platform
from core.errors import Forbidden, Unauthorized
from core.models.users import ROLES
from core.policy import DEVICE, Actor

Route = Callable[..., Any]


def bearer() -> Actor:
    """The actor behind the request's bearer token. Raises Unauthorized."""
    token = throttle.bearer_token()
    if token is None:
        raise Unauthorized("this needs an access token (Authorization: Bearer …)")
    actor: Actor | None = g.get("known") or platform().tokens.actor(token)
    if actor is None:
        raise Unauthorized(
            "the access token is unknown, expired or revoked",
            challenge='Bearer error="invalid_token"',
        )
    throttle.of_actor(actor)
    g.user_id, g.actor = actor.user_id, actor
    return actor


def again() -> Actor:
    """The actor once more, after the request has waited. Raises Unauthorized where the token has
    ended meanwhile.
    """
    actor = platform().tokens.actor(throttle.bearer_token() or "")
    if actor is None:
        raise Unauthorized("the access token has ended")
    return actor


def authenticated(*roles: str) -> Callable[[Route], Route]:
    """The route's first argument is the Actor. ``roles``: who may call at all; none given: every
    account, but no device.
    """
    allowed = roles or ROLES

    def decorate(route: Route) -> Route:
        @wraps(route)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            actor = bearer()
            if actor.role not in allowed:
                raise Forbidden(f"this needs the role {' or '.join(allowed)}")
            return route(actor, *args, **kwargs)

        guarded._apidoc = deepcopy(getattr(route, "_apidoc", {}))  # type: ignore[attr-defined]
        manual = guarded._apidoc.setdefault("manual_doc", {})  # type: ignore[attr-defined]
        manual["security"] = [{"bearer": []}, *([{"uplink": []}] if DEVICE in roles else [])]
        return guarded

    return decorate
