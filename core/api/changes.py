"""The change feed: what happened, in one order, to be followed by a cursor."""

import time
from functools import partial
from typing import Any

import marshmallow as ma
import orjson
from flask import Response, current_app
from marshmallow import fields, validate

from core import events
from core.api import guard
from core.api.deliveries import ResourceShape
from core.api.paging import DEFAULT_LIMIT, MAX_LIMIT
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Moment, QueryInteger
from core.policy import Actor
from core.services import changes
from core.waiting import Bell

MAX_WAIT = 30
KEY = "touchline-changes"

blueprint = Blueprint(
    "changes",
    __name__,
    url_prefix="/api/v1/changes",
    description="Everything that happened and that you may see, in one order.",
)


class ChangesQuery(ma.Schema):
    """More ``wait`` or ``limit`` than the maximum is clamped."""

    cursor = fields.String(
        metadata={
            "description": "From an earlier answer. Without it: from the oldest event that is kept."
            f" `{changes.NOW}`: no events, and the cursor after the newest."
        }
    )
    wait = QueryInteger(
        low=0,
        load_default=0,
        metadata={
            "description": "Seconds to wait for an event where there is none yet,"
            f" {MAX_WAIT} at most; more is clamped."
        },
    )
    limit = QueryInteger(
        load_default=DEFAULT_LIMIT,
        metadata={"description": f"Events at most; {MAX_LIMIT}, more is clamped."},
    )


class EventShape(ma.Schema):
    """``id`` is the same wherever the event is told, the ``webhook-id`` included; ``event`` and
    ``timestamp`` repeat ``type`` and ``created``.
    """

    id = fields.UUID(required=True)
    sequence = fields.Integer(required=True)
    type = fields.String(required=True, validate=validate.OneOf(events.TYPES))
    created = Moment(required=True)
    activity = fields.Integer(required=True, allow_none=True)
    timeframe = fields.Integer(required=True, allow_none=True)
    resource = fields.Nested(ResourceShape, required=True)
    revision = fields.Integer(required=True)
    data = fields.Dict(required=True)
    event = fields.String(required=True)
    timestamp = Moment(required=True)


class ChangesShape(ma.Schema):
    results = fields.List(fields.Nested(EventShape), required=True)
    cursor = fields.String(required=True)


@blueprint.route("/")
@guard.authenticated()
@blueprint.arguments(ChangesQuery, location="query")
@blueprint.response(200, ChangesShape)
def list_changes(actor: Actor, query: dict[str, Any]) -> Response:
    """What happened after the cursor: ask again with the cursor of the answer, and so on for ever.

    With ``wait`` the answer comes as soon as there is an event, and is empty when there was none in
    that time. A cursor that is older than what is kept is answered 410 with ``resync``.
    """
    asked = query.get("cursor")
    if asked == changes.NOW:
        return _answer(changes.Changes([], platform().db.read(changes.newest)))
    after = None if asked is None else changes.position(asked)
    return _answer(_after(actor, after, query["wait"], min(query["limit"], MAX_LIMIT)))


def _after(actor: Actor, after: int | None, wait: int, limit: int) -> changes.Changes:
    """The events after a position, waited for outside of any transaction."""
    bell: Bell = current_app.extensions[KEY]
    until = time.monotonic() + min(wait, MAX_WAIT)
    while True:
        mark = bell.mark()
        found = platform().db.read(partial(changes.since, actor=actor, after=after, limit=limit))
        left = until - time.monotonic()
        if found.events or left <= 0 or bell.closed:
            return found
        after = found.last
        bell.wait(mark, min(left, bell.patience))
        actor = guard.again()  # the token may have ended meanwhile


def _answer(found: changes.Changes) -> Response:
    body = {
        "results": [events.payload(event) for event in found.events],
        "cursor": changes.cursor(found.last),
    }
    response = Response(orjson.dumps(body), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
