"""Computed data as clients read it: the newest edition, or what stands in before the first."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import policy
from core.errors import Forbidden, NotFound
from core.models import ComputedData, ComputeState, JsonSchema, TimeFrame
from core.models.users import MANAGER
from core.pipeline import delta
from core.policy import Actor
from core.sport.document import empty_document
from core.sport.errors import UnknownSport
from core.sport.registry import Registry

from . import activities


def of_timeframe(
    session: Session, actor: Actor, registry: Registry, frame_id: int
) -> dict[str, Any]:
    """The computed document of a frame, for whoever may read the athlete over its interval.

    Before the first computation: ``edition`` 0 and null metrics. ``error`` says why the last
    attempt failed, beside what stood before it.
    """
    frame = session.get(TimeFrame, frame_id)
    if frame is None:
        raise NotFound(f"no time frame {frame_id}")
    policy.require(session, actor, "computed.read", frame)
    return _documents(session, registry, [frame])[frame.id]


def of_activity(
    session: Session, actor: Actor, registry: Registry, activity_id: int
) -> list[dict[str, Any]]:
    """``{"timeframe", "data"}`` of every frame of an activity, by start; only for who may read
    every athlete concerned over their frame. Without a frame yet, for the activity's owner.
    """
    activity = activities.existing(session, activity_id)
    frames = session.scalars(
        select(TimeFrame)
        .where(TimeFrame.activity_id == activity.id)
        .order_by(TimeFrame.start_time, TimeFrame.id)
    ).all()
    if actor.role != MANAGER and not actor.administers:
        raise Forbidden("only managers and administrators read an activity's computed data")
    if not frames:
        policy.require(session, actor, "activity.read", activity)
    for frame in frames:
        policy.require(session, actor, "computed.read", frame)
    documents = _documents(session, registry, frames)
    return [{"timeframe": frame.id, "data": documents[frame.id]} for frame in frames]


def live(
    session: Session, registry: Registry, frame_ids: Iterable[int]
) -> dict[int, tuple[int, dict[str, Any]]]:
    """Revision and document of each of the frames that has one, for whoever was let in already."""
    states = select(ComputeState.timeframe_id, ComputeState.revision).where(
        ComputeState.timeframe_id.in_(frame_ids), ComputeState.edition > 0
    )
    revisions = {row.timeframe_id: row.revision for row in session.execute(states)}
    if not revisions:
        return {}
    frames = session.scalars(select(TimeFrame).where(TimeFrame.id.in_(revisions))).all()
    documents = _documents(session, registry, frames)
    return {frame_id: (revisions[frame_id], documents[frame_id]) for frame_id in documents}


def _documents(
    session: Session, registry: Registry, frames: Sequence[TimeFrame]
) -> dict[int, dict[str, Any]]:
    ids = [frame.id for frame in frames]
    newest = (
        select(ComputedData.timeframe_id, func.max(ComputedData.edition).label("edition"))
        .where(ComputedData.timeframe_id.in_(ids))
        .group_by(ComputedData.timeframe_id)
        .subquery()
    )
    rows = session.execute(
        select(ComputedData.timeframe_id, ComputedData.document, ComputeState.live)
        .join(
            newest,
            (newest.c.timeframe_id == ComputedData.timeframe_id)
            & (newest.c.edition == ComputedData.edition),
        )
        .join(ComputeState, ComputeState.timeframe_id == ComputedData.timeframe_id)
    )
    documents = {frame_id: dict(delta.apply(document, live)) for frame_id, document, live in rows}
    for frame_id, sport in _sports(session, set(ids) - set(documents)):
        documents[frame_id] = _before_the_first(registry, sport)
    failures = session.execute(
        select(ComputeState.timeframe_id, ComputeState.error).where(
            ComputeState.timeframe_id.in_(ids), ComputeState.error.is_not(None)
        )
    )
    for frame_id, reason in failures:
        documents[frame_id]["error"] = reason
    return documents


def _before_the_first(registry: Registry, sport: str) -> dict[str, Any]:
    try:
        document = empty_document(registry.sport(sport))
    except UnknownSport:
        return {"edition": 0, "error": f"the sport {sport} is not enabled here"}
    nothing = {"samples": 0, "streams": {}, "digest": None}
    return {**document, "edition": 0, "last_computation": None, "input": nothing}


def _sports(session: Session, frame_ids: Iterable[int]) -> Sequence[Any]:
    return session.execute(
        select(TimeFrame.id, JsonSchema.sport)
        .join(JsonSchema, TimeFrame.json_schema_id == JsonSchema.id)
        .where(TimeFrame.id.in_(frame_ids))
    ).all()
