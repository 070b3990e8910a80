"""Time frames: who wore which device, when, in which activity."""

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma
from marshmallow import fields
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import policy
from core.api.activities import ActivityShape
from core.api.athletes import AthleteShape
from core.api.devices import DeviceShape
from core.api.filters import Listing, reference, span
from core.api.guard import authenticated
from core.api.paging import page_of, paged
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, Moment, QueryFlag, Shape
from core.models import Activity, Device, TimeFrame, User
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER
from core.policy import Actor
from core.services import timeframes

blueprint = Blueprint(
    "timeframes",
    __name__,
    url_prefix="/api/v1/timeframes",
    description="The unit of computation: one athlete, one device, one activity, one interval.",
)

# What ``with_…`` embeds under ``…_details``: model, its shape, and the right to see it by itself.
# Where the caller lacks it the details are null.
EMBEDS: Mapping[str, tuple[Any, type[ma.Schema], str]] = {
    "device": (Device, DeviceShape, "device.list"),
    "activity": (Activity, ActivityShape, "activity.read"),
    "athlete": (User, AthleteShape, "athlete.read"),
}

LISTING = Listing(
    "TimeFrame",
    key=TimeFrame.id,
    filters={
        "device": reference(TimeFrame.device_id),
        "athlete": reference(TimeFrame.athlete_id),
        "owner": reference(TimeFrame.owner_id),
        "activity": reference(TimeFrame.activity_id),
        **span("start_time", TimeFrame.start_time),
        **span("end_time", TimeFrame.end_time),
    },
    ordering={
        "start_time": TimeFrame.start_time,
        "end_time": TimeFrame.end_time,
        "device": TimeFrame.device_id,
        "athlete": TimeFrame.athlete_id,
        "activity": TimeFrame.activity_id,
    },
    others={
        f"with_{noun}": QueryFlag(metadata={"description": f"true: also give {noun}_details."})
        for noun in EMBEDS
    },
)


class TimeFrameShape(Shape):
    """``params`` may be left out; ``owner`` is the caller where it is not given."""

    id = Id(dump_only=True)
    start_time = Moment(required=True)
    end_time = Moment(required=True)
    params = fields.Dict()
    device = Id(required=True, attribute="device_id")
    activity = Id(required=True, attribute="activity_id")
    athlete = Id(required=True, attribute="athlete_id")
    owner = Id(attribute="owner_id")
    json_schema = Id(required=True, attribute="json_schema_id")


class TimeFrameChangeShape(TimeFrameShape):
    """Any part of a time frame."""


class TimeFrameDetailsShape(TimeFrameShape):
    """With what ``with_device``, ``with_activity``, ``with_athlete`` embed."""

    device_details = fields.Nested(DeviceShape, dump_only=True, allow_none=True)
    activity_details = fields.Nested(ActivityShape, dump_only=True, allow_none=True)
    athlete_details = fields.Nested(AthleteShape, dump_only=True, allow_none=True)


def _changes(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removesuffix("_id"): value for name, value in body.items()}


def _draft(actor: Actor, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"params": {}, "owner": actor.user_id, **_changes(body)}


def _dumped(
    session: Session, actor: Actor, frames: Sequence[TimeFrame], query: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The frames as they are answered, with the details that the query asks for: one statement for
    each kind, however many frames.
    """
    shape = TimeFrameShape()
    dumped = [shape.dump(frame) for frame in frames]
    for noun, (model, details, action) in EMBEDS.items():
        if not query.get(f"with_{noun}"):
            continue
        ids = {row[noun] for row in dumped}
        visible = select(model).where(model.id.in_(ids), policy.clause(actor, action, model))
        rows = session.scalars(visible).unique().all()
        policy.given(session, actor, rows)
        found = {row.id: details().dump(row) for row in rows}
        for row in dumped:
            row[f"{noun}_details"] = found.get(row[noun])
    return dumped


@blueprint.route("/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.alt_response(200, schema=page_of(TimeFrameDetailsShape), success=True)
def list_timeframes(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Your time frames: those that you made, or as an athlete those of yourself."""

    def read(session: Session) -> dict[str, Any]:
        statement = LISTING.apply(timeframes.listing(actor), query)
        page = paged(session, statement, query["page"], query["limit"])
        page["results"] = _dumped(session, actor, page["results"], query)
        return page

    return platform().db.read(read)


@blueprint.route("/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(TimeFrameShape)
@blueprint.response(201, TimeFrameShape)
def create_timeframe(actor: Actor, body: dict[str, Any]) -> TimeFrame:
    """Create a time frame: needs WRITE on the athlete and ownership of the device throughout it."""
    draft = timeframes.Draft(**_draft(actor, body))
    return platform().db.write(lambda session: timeframes.create(session, actor, draft))


@blueprint.route("/<int:timeframe>/")
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.arguments(LISTING.retrieval(), location="query")
@blueprint.alt_response(200, schema=TimeFrameDetailsShape, success=True)
def get_timeframe(actor: Actor, query: dict[str, Any], timeframe: int) -> dict[str, Any]:
    """Read a time frame. A filter that does not match hides it."""

    def read(session: Session) -> dict[str, Any]:
        found = timeframes.get(session, actor, timeframe)
        mine = timeframes.listing(actor).where(TimeFrame.id == timeframe)
        LISTING.require(session, mine, query, f"time frame {timeframe}")
        return _dumped(session, actor, [found], query)[0]

    return platform().db.read(read)


@blueprint.route("/<int:timeframe>/", methods=["PUT"])
@authenticated(MANAGER)
@blueprint.arguments(TimeFrameShape)
@blueprint.response(200, TimeFrameShape)
def update_timeframe(actor: Actor, body: dict[str, Any], timeframe: int) -> TimeFrame:
    """Replace a time frame; its computed data follow."""
    changes = _draft(actor, body)
    return platform().db.write(lambda s: timeframes.update(s, actor, timeframe, changes))


@blueprint.route("/<int:timeframe>/", methods=["PATCH"])
@authenticated(MANAGER)
@blueprint.arguments(TimeFrameChangeShape(partial=True))
@blueprint.response(200, TimeFrameShape)
def patch_timeframe(actor: Actor, body: dict[str, Any], timeframe: int) -> TimeFrame:
    """Change parts of a time frame; its computed data follow."""
    changes = _changes(body)
    return platform().db.write(lambda s: timeframes.update(s, actor, timeframe, changes))


@blueprint.route("/<int:timeframe>/", methods=["DELETE"])
@authenticated(MANAGER)
@blueprint.response(204)
def delete_timeframe(actor: Actor, timeframe: int) -> None:
    """Delete a time frame with its results; samples stay with the device."""
    platform().db.write(lambda session: timeframes.remove(session, actor, timeframe))
