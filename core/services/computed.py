"""Computed data as clients read it: the newest edition, or what stands in before the first."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import policy
from core.errors import Forbidden, NotFound
from core.models import ComputedData, ComputeState, JsonSchema, TimeFrame
from core.models.users import MANAGER
from core.pipeline import delta, results
from core.policy import Actor
from core.sport.document import empty_document
from core.sport.errors import UnknownSport
from core.sport.registry import Registry
from core.sport.versions import stamps

from . import activities

# Of a document: what tells why it differs from the one before.
_WHY = ("metrics", "parameters", "input")


def of_timeframe(
    session: Session, actor: Actor, registry: Registry, frame_id: int
) -> dict[str, Any]:
    """The computed document of a frame, for whoever may read the athlete over its interval.

    Before the first computation: ``edition`` 0 and null metrics. ``error`` says why the last
    attempt failed, beside what stood before it; ``stale`` that a metric has another version now.
    """
    frame = _readable(session, actor, frame_id)
    return _documents(session, registry, [frame])[frame.id]


def edition(session: Session, actor: Actor, frame_id: int, number: int) -> dict[str, Any]:
    """One edition of a frame's document, with ``moved``: what differs from the edition before it
    (core.pipeline.results.moved), null for the first. Raises NotFound where there is none.
    """
    frame = _readable(session, actor, frame_id)
    rows = session.execute(
        select(ComputedData.edition, ComputedData.document, ComputeState.edition, ComputeState.live)
        .join(ComputeState, ComputeState.timeframe_id == ComputedData.timeframe_id)
        .where(ComputedData.timeframe_id == frame.id)
        .where(ComputedData.edition.in_([number - 1, number]))
    )
    found = {
        one: delta.apply(document, live) if one == current else document
        for one, document, current, live in rows
    }
    if number not in found:
        raise NotFound(f"time frame {frame_id} has no edition {number}")
    before = found.get(number - 1)
    moved = None if before is None else results.moved(before, found[number])
    return {**found[number], "moved": moved}


def editions(
    session: Session, actor: Actor, registry: Registry, frame_id: int
) -> list[dict[str, Any]]:
    """The editions of a frame, newest first: when each was stored, its digest, whether it is the
    current one, whether that is stale, and why it came after the one before (None for the first).
    """
    frame = _readable(session, actor, frame_id)
    state = session.get_one(ComputeState, frame.id)
    parts = [ComputedData.document[name].label(name) for name in _WHY]
    rows = session.execute(
        select(ComputedData.edition, ComputedData.created, ComputedData.digest, *parts)
        .where(ComputedData.timeframe_id == frame.id)
        .order_by(ComputedData.edition)
    )
    found: list[dict[str, Any]] = []
    before: dict[str, Any] | None = None
    for row in rows:
        document = {name: row._mapping[name] for name in _WHY}
        current = row.edition == state.edition
        one = {
            "edition": row.edition,
            "created": row.created,
            "digest": row.digest,
            "current": current,
            "stale": current and state.versions not in stamps(registry),
            "because": None if before is None else results.because(before, document),
        }
        found.insert(0, one)
        before = document
    return found


def _readable(session: Session, actor: Actor, frame_id: int) -> TimeFrame:
    frame = session.get(TimeFrame, frame_id)
    if frame is None:
        raise NotFound(f"no time frame {frame_id}")
    policy.require(session, actor, "computed.read", frame)
    return frame


def of_activity(
    session: Session, actor: Actor, registry: Registry, activity_id: int
) -> list[dict[str, Any]]:
    """``{"timeframe", "data"}`` of every frame of an activity, by start; only for who may read
    every athlete concerned over their frame. Without a frame yet, for the activity's owner.
    """
    frames = require_all(session, actor, activity_id)
    documents = _documents(session, registry, frames)
    return [{"timeframe": frame.id, "data": documents[frame.id]} for frame in frames]


def require_all(session: Session, actor: Actor, activity_id: int) -> Sequence[TimeFrame]:
    """The time frames of an activity, by start, for who may read the computed data of every one;
    without a frame yet, for the activity's owner. Raises NotFound, Forbidden.
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
    return frames


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
    # No message takes ``stale`` back when a frame is computed anew.
    documents = _documents(session, registry, frames, say_stale=False)
    return {frame_id: (revisions[frame_id], documents[frame_id]) for frame_id in documents}


def of_frames(
    session: Session, registry: Registry, frames: Sequence[TimeFrame]
) -> dict[int, dict[str, Any]]:
    """The newest document of each of the frames, for whoever was let in already."""
    return _documents(session, registry, frames) if frames else {}


def _documents(
    session: Session, registry: Registry, frames: Sequence[TimeFrame], *, say_stale: bool = True
) -> dict[int, dict[str, Any]]:
    ids = [frame.id for frame in frames]
    newest = (
        select(ComputedData.timeframe_id, func.max(ComputedData.edition).label("edition"))
        .where(ComputedData.timeframe_id.in_(ids))
        .group_by(ComputedData.timeframe_id)
        .subquery()
    )
    rows = session.execute(
        select(
            ComputedData.timeframe_id,
            ComputedData.document,
            ComputeState.live,
            ComputeState.versions,
        )
        .join(
            newest,
            (newest.c.timeframe_id == ComputedData.timeframe_id)
            & (newest.c.edition == ComputedData.edition),
        )
        .join(ComputeState, ComputeState.timeframe_id == ComputedData.timeframe_id)
    )
    fresh, documents = stamps(registry), {}
    for frame_id, document, live, versions in rows:
        documents[frame_id] = dict(delta.apply(document, live))
        if say_stale and versions not in fresh:
            documents[frame_id]["stale"] = True
    for frame_id, sport, params in _sports(session, set(ids) - set(documents)):
        documents[frame_id] = _before_the_first(registry, sport, params)
    failures = session.execute(
        select(ComputeState.timeframe_id, ComputeState.error).where(
            ComputeState.timeframe_id.in_(ids), ComputeState.error.is_not(None)
        )
    )
    for frame_id, reason in failures:
        documents[frame_id]["error"] = reason
    return documents


def _before_the_first(registry: Registry, sport: str, params: Mapping[str, Any]) -> dict[str, Any]:
    try:
        document = empty_document(registry.of_frame(sport, params))
    except UnknownSport as unknown:
        return {"edition": 0, "error": f"the sport {unknown} is not enabled here"}
    nothing = {"samples": 0, "streams": {}, "digest": None}
    return {**document, "edition": 0, "last_computation": None, "input": nothing}


def _sports(session: Session, frame_ids: Iterable[int]) -> Sequence[Any]:
    return session.execute(
        select(TimeFrame.id, JsonSchema.sport, TimeFrame.params)
        .join(JsonSchema, TimeFrame.json_schema_id == JsonSchema.id)
        .where(TimeFrame.id.in_(frame_ids))
    ).all()
