"""Computed data: what the sport made of a time frame's samples."""

from typing import Any

import marshmallow as ma
import orjson
from flask import Response
from marshmallow import fields

from core.api.guard import authenticated
from core.api.paging import MAX_LIMIT, PageQuery, envelope, page_of
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Moment, QueryInteger
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER
from core.policy import Actor
from core.services import computed

blueprint = Blueprint(
    "computed-data",
    __name__,
    url_prefix="/api/v1",
    description="Needs READ on the athlete over the time frame's interval, whatever holds today.",
)


class BecauseShape(ma.Schema):
    """``metrics``: other versions, ``parameters``: other values, each as key → [before, after];
    ``samples``: whether other samples were folded.
    """

    metrics = fields.Dict()
    parameters = fields.Dict()
    samples = fields.Boolean()


class ChangeShape(ma.Schema):
    key = fields.String()
    before = fields.Float(allow_none=True)
    after = fields.Float(allow_none=True)


class MovedShape(ma.Schema):
    """``changes``: numbers, at most 50 of them; ``more``: how many are left out; ``keys``: whatever
    else differs.
    """

    changes = fields.List(fields.Nested(ChangeShape))
    more = fields.Integer()
    keys = fields.List(fields.String())
    because = fields.Nested(BecauseShape)


class ComputedDataShape(ma.Schema):
    """The keys that every sport has; each adds its metrics. ``edition`` 0: not computed yet.
    ``error`` is there only where the last computation failed, and says why; ``stale`` only where a
    metric has another version since: the values are those of the versions in ``metrics``. ``moved``
    is there where an edition was asked for: what differs from the one before it.
    """

    class Meta:
        unknown = ma.INCLUDE  # documents the further keys as allowed

    edition = fields.Integer()
    first_timestamp = fields.Float(allow_none=True)
    last_timestamp = fields.Float(allow_none=True)
    last_computation = fields.Integer(allow_none=True)
    metrics = fields.Dict()
    parameters = fields.Dict()
    input = fields.Dict()
    quality = fields.Dict()
    notes = fields.List(fields.Dict())
    digest = fields.String()
    error = fields.String()
    stale = fields.Boolean()
    moved = fields.Nested(MovedShape, allow_none=True)


class EditionShape(ma.Schema):
    """``because``: why it came after the one before it; null of the first."""

    edition = fields.Integer()
    created = Moment()
    digest = fields.String()
    current = fields.Boolean()
    stale = fields.Boolean()
    because = fields.Nested(BecauseShape, allow_none=True)


class EditionQuery(ma.Schema):
    edition = QueryInteger(
        metadata={"description": "This edition, with what moved in it; without it the newest."}
    )

    class Meta:
        unknown = ma.EXCLUDE


class ActivityComputedDataShape(ma.Schema):
    timeframe = fields.Integer()
    data = fields.Nested(ComputedDataShape)


def _json(document: Any) -> Response:
    # Documents are stored as they are answered: no shape goes over their thousands of numbers.
    return Response(orjson.dumps(document), mimetype="application/json")


@blueprint.route("/timeframes/<int:timeframe>/computed/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.arguments(EditionQuery, location="query")
@blueprint.response(200, ComputedDataShape)
def of_timeframe(actor: Actor, query: dict[str, Any], timeframe: int) -> Response:
    """The newest edition of a time frame's computed data, or an earlier one."""
    app, number = platform(), query.get("edition")
    if number is not None:
        return _json(app.db.read(lambda s: computed.edition(s, actor, timeframe, number)))
    return _json(app.db.read(lambda s: computed.of_timeframe(s, actor, app.registry, timeframe)))


@blueprint.route("/timeframes/<int:timeframe>/computed/editions/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(EditionShape))
def editions(actor: Actor, query: dict[str, Any], timeframe: int) -> dict[str, Any]:
    """The editions of a time frame's computed data, newest first."""
    app, page, limit = platform(), query["page"], min(query["limit"], MAX_LIMIT)
    found = app.db.read(lambda s: computed.editions(s, actor, app.registry, timeframe))
    return envelope(found[(page - 1) * limit : page * limit], len(found), page, limit)


@blueprint.route("/activities/<int:activity>/computed/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.response(200, ActivityComputedDataShape(many=True))
def of_activity(actor: Actor, activity: int) -> Response:
    """The computed data of every time frame of an activity, by start."""
    app = platform()
    return _json(app.db.read(lambda s: computed.of_activity(s, actor, app.registry, activity)))
