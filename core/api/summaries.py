"""Summaries of activities: what the sport says of all time frames together."""

from typing import Any

import marshmallow as ma
import orjson
from flask import Response
from marshmallow import fields

from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import Actor
from core.services import summaries

blueprint = Blueprint(
    "summaries",
    __name__,
    url_prefix="/api/v1",
    description="Needs READ on every athlete of the activity over their time frames' intervals.",
)


class ActivitySummaryShape(ma.Schema):
    """The keys that every sport has; each that compares time frames adds its metrics. ``revision``
    0: there is none yet. ``through``: up to when the seconds of all time frames are counted,
    Unix ms. ``final``: every time frame has ended. ``error`` is there only where the last
    computation failed, and says why.
    """

    class Meta:
        unknown = ma.INCLUDE  # documents the further keys as allowed

    activity = fields.Integer()
    revision = fields.Integer()
    last_computation = fields.Integer(allow_none=True)
    through = fields.Integer(allow_none=True)
    final = fields.Boolean()
    timeframes = fields.List(fields.Integer())
    metrics = fields.Dict()
    notes = fields.List(fields.Dict())
    digest = fields.String(allow_none=True)
    error = fields.String()


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), mimetype="application/json")


@blueprint.route("/activities/<int:activity>/summary/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.response(200, ActivitySummaryShape)
def of_activity(actor: Actor, activity: int) -> Response:
    """What the time frames of an activity come to together."""
    app = platform()
    return _json(app.db.read(lambda s: summaries.of_activity(s, actor, app.registry, activity)))
