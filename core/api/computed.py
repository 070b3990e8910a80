"""Computed data: what the sport made of a time frame's samples."""

from typing import Any

import marshmallow as ma
import orjson
from flask import Response
from marshmallow import fields

from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER
from core.policy import Actor
from core.services import computed

blueprint = Blueprint(
    "computed-data",
    __name__,
    url_prefix="/api/v1",
    description="Needs READ on the athlete over the time frame's interval, whatever holds today.",
)


class ComputedDataShape(ma.Schema):
    """The keys that every sport has; each adds its metrics. ``edition`` 0: not computed yet.
    ``error`` is there only where the last computation failed, and says why.
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


class ActivityComputedDataShape(ma.Schema):
    timeframe = fields.Integer()
    data = fields.Nested(ComputedDataShape)


def _json(document: Any) -> Response:
    # Documents are stored as they are answered: no shape goes over their thousands of numbers.
    return Response(orjson.dumps(document), mimetype="application/json")


@blueprint.route("/timeframes/<int:timeframe>/computed/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.response(200, ComputedDataShape)
def of_timeframe(actor: Actor, timeframe: int) -> Response:
    """The newest edition of a time frame's computed data."""
    app = platform()
    return _json(app.db.read(lambda s: computed.of_timeframe(s, actor, app.registry, timeframe)))


@blueprint.route("/activities/<int:activity>/computed/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.response(200, ActivityComputedDataShape(many=True))
def of_activity(actor: Actor, activity: int) -> Response:
    """The computed data of every time frame of an activity, by start."""
    app = platform()
    return _json(app.db.read(lambda s: computed.of_activity(s, actor, app.registry, activity)))
