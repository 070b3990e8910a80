"""Activities: what time frames belong to, checked against the schema of a sport."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from core import events, policy
from core.clock import now
from core.errors import BadInput, NotFound
from core.models import Activity, ComputeState, JsonSchema, TimeFrame
from core.models.announcements import changes, of_activity
from core.models.outbox import REFOLD, owe
from core.policy import Actor
from core.sport import geometry

from . import json_schemas, timeframes


def create(
    session: Session,
    actor: Actor,
    *,
    name: str,
    json: Mapping[str, Any],
    json_schema: int,
    owner: int,
) -> Activity:
    """An activity of the caller. Raises BadInput at ``/owner``, ``/json_schema``, in ``/json``."""
    policy.require_manager(actor)
    schema = _checked(session, actor, json, json_schema, owner)
    activity = Activity(
        name=name, json=dict(json), json_schema=schema, owner_id=owner, created=now()
    )
    session.add(activity)
    session.flush()
    of_activity(session, events.ACTIVITY_CREATED, activity)
    return activity


def listing(actor: Actor) -> Select[Activity]:
    """The activities that the actor may read: a manager's own."""
    return select(Activity).where(policy.clause(actor, "activity.read", Activity))


def existing(session: Session, activity_id: int) -> Activity:
    """An activity, whoever asks. Raises NotFound."""
    activity = session.get(Activity, activity_id)
    if activity is None:
        raise NotFound(f"no activity {activity_id}")
    return activity


def get(session: Session, actor: Actor, activity_id: int) -> Activity:
    activity = existing(session, activity_id)
    policy.require(session, actor, "activity.read", activity)
    return activity


def update(
    session: Session,
    actor: Actor,
    activity_id: int,
    *,
    name: str,
    json: Mapping[str, Any],
    json_schema: int,
    owner: int,
) -> Activity:
    """Replace an activity; every time frame of it is owed a new fold in the same commit.

    Raises BadInput also where the new schema is of another sport than its time frames.
    """
    activity, folds = _for_change(session, actor, activity_id)
    schema = _checked(session, actor, json, json_schema, owner)
    frames = session.execute(
        select(TimeFrame.id, JsonSchema.sport)
        .join(JsonSchema, TimeFrame.json_schema_id == JsonSchema.id)
        .where(TimeFrame.activity_id == activity.id)
        .order_by(TimeFrame.id)
    ).all()
    if any(sport != schema.sport for _, sport in frames):
        raise BadInput.at("/json_schema", "the activity has time frames of another sport")
    timeframes.restart(folds)
    activity.name, activity.json, activity.json_schema = name, dict(json), schema
    of_activity(session, events.ACTIVITY_UPDATED, activity, changes(activity))
    for frame_id, _ in frames:
        owe(session, REFOLD, frame_id)
    return activity


def remove(session: Session, actor: Actor, activity_id: int) -> None:
    """Delete an activity with its time frames and results; samples stay with their devices."""
    activity, _ = _for_change(session, actor, activity_id)
    # Nobody adds a frame from here on: what goes is what is told.
    session.refresh(activity, with_for_update={"of": Activity})
    timeframes.remove_all(session, TimeFrame.activity_id == activity.id)
    of_activity(session, events.ACTIVITY_DELETED, activity)
    session.execute(delete(Activity).where(Activity.id == activity.id))


def _for_change(
    session: Session, actor: Actor, activity_id: int
) -> tuple[Activity, list[ComputeState]]:
    # Folds, then frames, then activities: whoever locks several of them does so in this order.
    folds = timeframes.lock_folds(session, TimeFrame.activity_id == activity_id)
    lock = {"of": Activity, "key_share": True}
    activity = session.get(Activity, activity_id, with_for_update=lock)
    if activity is None:
        raise NotFound(f"no activity {activity_id}")
    policy.require(session, actor, "activity.change", activity)
    return activity, folds


def _checked(
    session: Session, actor: Actor, json: Mapping[str, Any], json_schema: int, owner: int
) -> JsonSchema:
    if owner != actor.user_id:
        raise BadInput.at("/owner", "must be the caller")
    schema = json_schemas.of_type(session, json_schema, json_schemas.ACTIVITY)
    json_schemas.check(schema, json, "/json")
    given = geometry.corners_of(json)
    if given is not None:
        name, corners = given
        try:
            geometry.fit(corners)
        except geometry.NotARectangle as error:
            raise BadInput.at(f"/json/{name}", str(error)) from None
    return schema
