"""Time frames: one athlete, one device, one activity, one interval, one set of parameters.

Creating or changing one is judged on the frame as it will stand, and owes its fold in the same
commit (contract/touchline.md sections 3 and 10).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core import events, policy
from core.clock import now
from core.errors import BadInput, NotFound
from core.models import Activity, ActivitySummary, ComputeState, Device, TimeFrame, User
from core.models.announcements import about, changes, of_timeframe
from core.models.outbox import REFOLD, SUMMARY, owe
from core.models.users import ATHLETE
from core.policy import Actor

from . import json_schemas, legs

KEEP_ACTIVITY = {"read": True, "key_share": True, "of": Activity}


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a client says of a frame: ids, Unix ms, and params as they came."""

    start_time: int
    end_time: int
    params: Mapping[str, Any]
    device: int
    activity: int
    athlete: int
    owner: int
    json_schema: int


def create(session: Session, actor: Actor, draft: Draft) -> TimeFrame:
    """A frame of the caller, with its fold owed.

    Raises BadInput for an empty interval, unknown ids, a schema of another sport or params that
    break it; Forbidden for another's activity, and where WRITE on the athlete or ownership of the
    device does not cover the interval (the detail says which).
    """
    policy.require_manager(actor)
    _check(session, actor, draft)
    frame = TimeFrame()
    _write(frame, draft)
    policy.require(session, actor, "timeframe.change", frame)
    session.add(frame)
    session.flush()
    session.add(ComputeState(timeframe_id=frame.id))
    of_timeframe(session, events.TIMEFRAME_CREATED, frame, 0, about(frame))
    owe(session, REFOLD, frame.id)
    return frame


def listing(actor: Actor) -> Select[TimeFrame]:
    """The frames that the actor may read: a manager's own, an athlete's of themselves."""
    return select(TimeFrame).where(policy.clause(actor, "timeframe.read", TimeFrame))


def get(session: Session, actor: Actor, frame_id: int) -> TimeFrame:
    frame = session.get(TimeFrame, frame_id)
    if frame is None:
        raise NotFound(f"no time frame {frame_id}")
    policy.require(session, actor, "timeframe.read", frame)
    return frame


def update(session: Session, actor: Actor, frame_id: int, wanted: Mapping[str, Any]) -> TimeFrame:
    """Change the members of Draft that ``wanted`` names; the resulting frame is judged whole."""
    frame, fold = _for_change(session, actor, frame_id)
    before = _draft(frame)
    draft = replace(before, **wanted)
    _check(session, actor, draft)
    _write(frame, draft)
    changed = changes(frame)
    policy.require(session, actor, "timeframe.change", frame)
    restart([fold])
    if frame.end_time > now():
        fold.closed = False
    if changed:
        _tell_update(session, frame, fold.revision, changed, before)
    owe(session, REFOLD, frame.id)
    _renew_summaries(session, {before.activity, frame.activity_id})
    return frame


def remove(session: Session, actor: Actor, frame_id: int) -> None:
    """Delete a frame with its results; samples stay with the device."""
    _for_change(session, actor, frame_id)
    remove_all(session, TimeFrame.id == frame_id)


def remove_all(session: Session, which: ColumnElement[bool]) -> int:
    """Delete the frames that ``which`` picks with their results, and tell of each; how many."""
    folds = {fold.timeframe_id: fold for fold in lock_folds(session, which)}
    frames = session.scalars(select(TimeFrame).where(which).order_by(TimeFrame.id)).all()
    for frame in frames:
        revision = folds[frame.id].revision + 1
        of_timeframe(session, events.TIMEFRAME_DELETED, frame, revision, about(frame))
    session.execute(delete(TimeFrame).where(TimeFrame.id.in_([frame.id for frame in frames])))
    _renew_summaries(session, {frame.activity_id for frame in frames})
    return len(frames)


def _renew_summaries(session: Session, activities: Iterable[int]) -> None:
    """What was said of an activity's frames together may speak of somebody whom the rights to those
    that are left say nothing of: it is not shown any more, and one that is being made from the
    facts of before is not stored.
    """
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    nothing = {"document": None, "live": None, "ticked": None}
    for activity in sorted(activities):
        first = {"activity_id": activity, "revision": 1, "computed_at": now(), **nothing}
        session.execute(
            dialect.insert(ActivitySummary)
            .values(first)
            .on_conflict_do_update(
                index_elements=[ActivitySummary.activity_id],
                set_={"revision": ActivitySummary.revision + 1, **nothing},
            )
        )
        owe(session, SUMMARY, activity)


def _tell_update(
    session: Session, frame: TimeFrame, revision: int, changed: Collection[str], before: Draft
) -> None:
    """A frame that went to another activity or athlete is also told of where it was: without what
    it is now, which may be none of their business there.
    """
    left = {"activity": before.activity, "athlete": before.athlete}
    if left != {"activity": frame.activity_id, "athlete": frame.athlete_id}:
        was = TimeFrame(id=frame.id)
        _write(was, before)
        of_timeframe(session, events.TIMEFRAME_UPDATED, was, revision, {"left": left})
    data = {**about(frame), "changed": sorted(changed)}
    of_timeframe(session, events.TIMEFRAME_UPDATED, frame, revision, data)


def lock_folds(session: Session, which: ColumnElement[bool]) -> list[ComputeState]:
    """The states of the frames that ``which`` (a condition on TimeFrame) picks, locked in the order
    that computations lock them: before frames and activities, or two would wait for each other.
    """
    ids = select(TimeFrame.id).where(which)
    return list(
        session.scalars(
            select(ComputeState)
            .where(ComputeState.timeframe_id.in_(ids))
            .order_by(ComputeState.timeframe_id)
            .with_for_update()
        )
    )


def restart(folds: Iterable[ComputeState]) -> None:
    """What is being computed from the facts of before is not stored: its revision is outdated."""
    for fold in folds:
        fold.revision += 1


def _for_change(session: Session, actor: Actor, frame_id: int) -> tuple[TimeFrame, ComputeState]:
    folds = lock_folds(session, TimeFrame.id == frame_id)
    frame = session.get(TimeFrame, frame_id, with_for_update=True)
    if frame is None:
        raise NotFound(f"no time frame {frame_id}")
    policy.require(session, actor, "timeframe.delete", frame)
    return frame, folds[0]


def _draft(frame: TimeFrame) -> Draft:
    return Draft(
        start_time=frame.start_time,
        end_time=frame.end_time,
        params=frame.params,
        device=frame.device_id,
        activity=frame.activity_id,
        athlete=frame.athlete_id,
        owner=frame.owner_id,
        json_schema=frame.json_schema_id,
    )


def _write(frame: TimeFrame, draft: Draft) -> None:
    frame.start_time, frame.end_time = draft.start_time, draft.end_time
    frame.params = dict(draft.params)
    frame.device_id, frame.activity_id = draft.device, draft.activity
    frame.athlete_id, frame.owner_id = draft.athlete, draft.owner
    frame.json_schema_id = draft.json_schema


def _check(session: Session, actor: Actor, draft: Draft) -> None:
    """What must hold of a frame apart from the rights over its interval."""
    if draft.owner != actor.user_id:
        raise BadInput.at("/owner", "must be the caller")
    if draft.start_time >= draft.end_time:
        raise BadInput.at("/end_time", "must be after start_time")
    if session.get(Device, draft.device) is None:
        raise BadInput.at("/device", f"no device {draft.device}")
    athlete = session.get(User, draft.athlete)
    if athlete is None or athlete.role != ATHLETE:
        raise BadInput.at("/athlete", f"no athlete {draft.athlete}")
    # Held against a deletion meanwhile, which would take the frame with it or trip over it.
    activity = session.get(Activity, draft.activity, with_for_update=KEEP_ACTIVITY)
    if activity is None:
        raise BadInput.at("/activity", f"no activity {draft.activity}")
    policy.require(session, actor, "activity.change", activity)
    schema = json_schemas.of_type(session, draft.json_schema, json_schemas.TIMEFRAME)
    if schema.sport != activity.json_schema.sport:
        raise BadInput.at(
            "/json_schema",
            f"{schema.name} is not of the activity's sport ({activity.json_schema.sport})",
        )
    known = schema.schema.get("properties", {})  # of these, null is unset
    said = {k: v for k, v in draft.params.items() if v is not None or k not in known}
    json_schemas.check(schema, said, "/params")
    legs.check(draft.params)
