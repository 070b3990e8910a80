"""A time frame's samples as a chart draws them: lowest, mean, highest value per bucket of time."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import marshmallow as ma
import orjson
from flask import Response
from marshmallow import fields

from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.platform import Platform, platform
from core.api.preprocessed import INSTANT, Instant
from core.api.shapes import QueryInteger
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER
from core.pipeline import store
from core.pipeline.columns import Columns
from core.policy import Actor
from core.services import series

blueprint = Blueprint(
    "series",
    __name__,
    url_prefix="/api/v1/timeframes/<int:timeframe>",
    description="Samples for charts, with the right to the device's samples over the interval.",
)


class SeriesQuery(ma.Schema):
    start = Instant(
        metadata={**INSTANT, "description": "First moment, inside; else the frame's start."}
    )
    stop = Instant(metadata={**INSTANT, "description": "End, outside; else the frame's end."})
    width = QueryInteger(
        load_default=series.DEFAULT_WIDTH,
        metadata={
            "description": "How many buckets fit the picture (its pixels); "
            f"{series.MAX_WIDTH} at most, more is clamped."
        },
    )


class ChannelShape(ma.Schema):
    """``min``, ``mean`` and ``max`` stand beside the series' ``t``. ``source``: ``position`` for a
    speed that the device did not measure.
    """

    channel = fields.String(required=True)
    unit = fields.String(required=True)
    source = fields.String(required=True)
    min = fields.List(fields.Float(allow_none=True), required=True)
    mean = fields.List(fields.Float(allow_none=True), required=True)
    max = fields.List(fields.Float(allow_none=True), required=True)


class RouteShape(ma.Schema):
    """Fixes in degrees; ``breaks`` are the places in these lists at which a new line begins."""

    t = fields.List(fields.Integer(), required=True)
    latitude = fields.List(fields.Float(), required=True)
    longitude = fields.List(fields.Float(), required=True)
    breaks = fields.List(fields.Integer(), required=True)


class SeriesShape(ma.Schema):
    """``t``: when each bucket of ``bucket`` ms begins, Unix ms. Before a bucket that follows more
    than ``gap`` ms of silence stands a millisecond at which every channel is null.
    """

    timeframe = fields.Integer(required=True)
    start = fields.Integer(required=True, metadata={"description": "Unix ms"})
    stop = fields.Integer(required=True, metadata={"description": "Unix ms"})
    bucket = fields.Integer(required=True)
    gap = fields.Integer(required=True)
    samples = fields.Integer(required=True)
    t = fields.List(fields.Integer(), required=True)
    channels = fields.List(fields.Nested(ChannelShape), required=True)
    route = fields.Nested(RouteShape, required=True)


def drawn(
    app: Platform, actor: Actor, frame: int, start: int | None, stop: int | None, width: int
) -> dict[str, Any]:
    """The series of a frame, read a window at a time; columns become buckets in the thread pool."""
    planned = app.db.read(lambda s: series.plan(s, actor, frame, start, stop))
    found = planned.drawn(width)
    for columns in windows(app, planned, series.NEEDED):
        app.offload(partial(found.add, columns))
    document = app.offload(found.document)
    return {"timeframe": frame, "start": planned.start, "stop": planned.stop, **document}


def windows(app: Platform, planned: series.Plan, names: set[str]) -> Iterator[Columns]:
    """The samples of a plan, one window after another, opened in the thread pool."""
    for window in planned.windows:
        got = app.db.read(partial(series.fetch, planned=planned, window=window))
        yield app.offload(partial(store.open_parts, got.parts, got.start, got.stop, names))


@blueprint.route("/series/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.arguments(SeriesQuery(unknown=ma.EXCLUDE), location="query")
@blueprint.response(200, SeriesShape)
def get_series(actor: Actor, query: dict[str, Any], timeframe: int) -> Response:
    """What a chart draws of the frame's samples, without a sample being skipped."""
    app = platform()
    width = min(query["width"], series.MAX_WIDTH)
    document = drawn(app, actor, timeframe, query.get("start"), query.get("stop"), width)
    body = app.offload(lambda: orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))
    return Response(body, mimetype="application/json")
