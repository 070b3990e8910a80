"""Preprocessed data: a device's samples, as rows. No shape goes over them: columns become bytes in
the thread pool, and an answer leaves in pieces as they are made.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import marshmallow as ma
import orjson
from flask import Response
from marshmallow import fields
from numpy.typing import NDArray

from core import clock
from core.api.guard import authenticated
from core.api.paging import MAX_LIMIT, PageQuery, envelope, page_of
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Moment, QueryInteger
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER
from core.pipeline import columns, rows, store
from core.policy import Actor
from core.services import preprocessed

DEFAULT_ROWS, MAX_ROWS = 10_000, 25_000

# In every row, null where the sample has no value; other channels where the answer has any.
ALWAYS = (
    "gnss.latitude",
    "gnss.longitude",
    "gnss.altitude",
    "gnss.speed",
    "ecg.timestamp",
    "ecg.hr",
)

blueprint = Blueprint(
    "preprocessed",
    __name__,
    url_prefix="/api/v1/devices/<int:device>",
    description="A device's samples, for who owned it when they were made.",
)


class Instant(fields.Field):
    """A moment in a query string: Unix milliseconds, or ISO 8601 with an offset."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if re.fullmatch(r"\d{1,15}", value, re.ASCII):
            return int(value)
        try:
            return clock.from_iso(value)
        except ValueError:
            raise ma.ValidationError(
                "must be Unix milliseconds or an ISO 8601 date-time with an offset"
            ) from None


INSTANT = {"oneOf": [{"type": "integer"}, {"type": "string", "format": "date-time"}]}


class IntervalQuery(PageQuery):
    start = Instant(
        metadata={**INSTANT, "description": "First moment, inside: Unix ms or ISO 8601."}
    )
    stop = Instant(metadata={**INSTANT, "description": "End, outside: Unix ms or ISO 8601."})
    start_iso = Moment(metadata={"description": "Where start is not given.", "deprecated": True})
    stop_iso = Moment(metadata={"description": "Where stop is not given.", "deprecated": True})


class RowsQuery(IntervalQuery):
    limit = QueryInteger(
        load_default=DEFAULT_ROWS,
        metadata={"description": f"Page size, {MAX_ROWS} at most; more is clamped."},
    )


class LatestQuery(ma.Schema):
    size = QueryInteger(
        load_default=preprocessed.MAX_LATEST,
        metadata={"description": f"{preprocessed.MAX_LATEST} at most; more is clamped."},
    )


class TimestampShape(ma.Schema):
    timestamp = fields.Integer(required=True)
    datetime = Moment(required=True)


class RangeShape(ma.Schema):
    """``start`` and ``stop`` are the times of the first and the last sample."""

    start = Moment(required=True)
    stop = Moment(required=True)
    size = fields.Integer(required=True)


SampleShape = ma.Schema.from_dict(
    {
        columns.ROW_CLOCK: fields.Integer(required=True, metadata={"description": "Unix ms"}),
        **{
            name: fields.Float(
                allow_none=True, required=name in ALWAYS, metadata={"description": channel.unit}
            )
            for name, channel in columns.CHANNELS.items()
        },
        **{
            name: fields.Float(allow_none=True, metadata={"description": "m on the field"})
            for name in sorted(columns.READ_ONLY)
        },
    },
    name="SampleShape",
)


def _interval(query: dict[str, Any]) -> tuple[int | None, int | None]:
    start, stop = (query.get(name, query.get(f"{name}_iso")) for name in ("start", "stop"))
    return start, stop


def _shown(found: preprocessed.Rows) -> columns.Columns:
    samples = found.open()
    names = dict.fromkeys((*ALWAYS, *samples))
    return columns.ordered(columns.select(samples, names))


def _streamed(
    offload: Callable[[Callable[[], Any]], Any], head: bytes, shown: columns.Columns, tail: bytes
) -> Iterator[bytes]:
    """An array of rows between ``head`` and ``tail``; each piece is made in the thread pool while
    the one before is on its way.
    """
    between = head + b"["
    pieces = rows.chunks(shown)
    while (piece := offload(lambda: next(pieces, None))) is not None:
        yield between
        yield piece
        between = b","
    yield (b"" if between == b"," else between) + b"]" + tail


def _answer(head: bytes, shown: columns.Columns, tail: bytes) -> Response:
    body = _streamed(platform().offload, head, shown, tail)
    return Response(body, mimetype="application/json")


@blueprint.route("/preprocessed/latest-timestamp/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.response(200, TimestampShape)
def get_latest_timestamp(actor: Actor, device: int) -> dict[str, int]:
    """When the device's newest sample was made, for who owns it now."""
    newest = platform().db.read(lambda s: preprocessed.latest_timestamp(s, actor, device))
    return {"timestamp": newest, "datetime": newest}


@blueprint.route("/preprocessed/latest/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LatestQuery(unknown=ma.EXCLUDE), location="query")
@blueprint.response(200, SampleShape(many=True))
def get_latest(actor: Actor, query: dict[str, Any], device: int) -> Response:
    """The device's newest samples, newest first, for who owns it now."""
    app = platform()
    found = app.db.read(lambda s: preprocessed.latest(s, actor, device, query["size"]))
    return _answer(b"", app.offload(lambda: _newest_first(_shown(found))), b"")


def _newest_first(shown: dict[str, NDArray]) -> dict[str, NDArray]:
    return {name: values[::-1] for name, values in shown.items()}


@blueprint.route("/preprocessed-ranges/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.arguments(IntervalQuery(unknown=ma.EXCLUDE), location="query")
@blueprint.response(200, page_of(RangeShape))
def list_ranges(actor: Actor, query: dict[str, Any], device: int) -> dict[str, Any]:
    """When the device measured within 14 days: samples five minutes or less apart are one range."""
    start, stop = _interval(query)
    app, longest = platform(), preprocessed.MAX_RANGES_SPAN
    surveyed = app.db.read(lambda s: preprocessed.survey(s, actor, device, start, stop, longest))
    found = app.offload(lambda: store.joined(store.counted(surveyed)))
    page, limit = query["page"], min(query["limit"], MAX_LIMIT)
    body = envelope([], len(found), page, limit)
    body["results"] = found[(page - 1) * limit : page * limit]
    return body


@blueprint.route("/preprocessed/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.arguments(RowsQuery(unknown=ma.EXCLUDE), location="query")
@blueprint.response(200, page_of(SampleShape))
def list_samples(actor: Actor, query: dict[str, Any], device: int) -> Response:
    """The device's samples within two days, by time."""
    start, stop = _interval(query)
    app, longest = platform(), preprocessed.MAX_SPAN
    surveyed = app.db.read(lambda s: preprocessed.survey(s, actor, device, start, stop, longest))
    counts = app.offload(lambda: list(store.counted(surveyed)))
    page, limit = query["page"], min(query["limit"], MAX_ROWS)
    body = envelope([], sum(part.size for part in counts), page, limit)
    found = app.db.read(
        lambda s: preprocessed.page(s, actor, device, counts, (page - 1) * limit, limit)
    )
    head, tail = orjson.dumps(body).split(b"[]")
    return _answer(head, app.offload(lambda: _shown(found)), tail)
