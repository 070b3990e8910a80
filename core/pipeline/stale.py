"""Results whose metrics have other versions now: how many, and the plan to compute them anew.

The plan stands in the database (``Recomputation``), a row a frame: it outlives whoever works on it.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.errors import BadInput
from core.models import (
    Activity,
    ComputedData,
    ComputeState,
    JsonSchema,
    Recomputation,
    TimeFrame,
)
from core.models.computed import FAILED, WAITING
from core.sport import versions
from core.sport.registry import Registry

Wanted = Select[*tuple[Any, ...]]


def summary(session: Session, registry: Registry, sport: str | None = None) -> dict[str, Any]:
    """``stale`` frames in all, and by sport with each metric's version before and now (null: there
    was none, or is none any more); ``plan``: frames of it by state.
    """
    sports = []
    for name in _sports(registry, sport):
        changes, frames = Counter[Any](), 0
        for stamp, count in _stamps(session, registry, name):
            frames += count
            before = _versions(session, stamp)
            current = _nearest(registry, name, before)
            for key in before.keys() | current.keys():
                if before.get(key) != current.get(key):
                    changes[key, before.get(key), current.get(key)] += count
        metrics = [
            {"key": key, "before": old, "after": new, "frames": count}
            for (key, old, new), count in sorted(changes.items(), key=lambda item: item[0][0])
        ]
        sports.append({"sport": name, "stale": frames, "metrics": metrics})
    return {
        "stale": sum(one["stale"] for one in sports),
        "sports": sports,
        "plan": progress(session, registry, sport),
    }


def extend(session: Session, registry: Registry, sport: str | None = None) -> None:
    """Put every stale frame into the plan. One that was finished is cleared away first; what failed
    before waits again.
    """
    if not session.scalar(select(exists().where(Recomputation.state == WAITING))):
        session.execute(delete(Recomputation))
    insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert
    for name in _sports(registry, sport):
        wanted = _of_sport(select(ComputeState.timeframe_id, literal(WAITING)), name)
        rows = insert(Recomputation).from_select(
            ["timeframe_id", "state"], wanted.where(_stale(registry, name))
        )
        again = {"state": WAITING, "reason": None, "finished": None}
        session.execute(rows.on_conflict_do_update(index_elements=["timeframe_id"], set_=again))


def waiting(
    session: Session, registry: Registry, sport: str | None, after: int, limit: int
) -> list[int]:
    """Frames of the plan that wait, by id."""
    statement = (
        _planned(select(Recomputation.timeframe_id), registry, sport)
        .where(Recomputation.state == WAITING, Recomputation.timeframe_id > after)
        .order_by(Recomputation.timeframe_id)
    )
    return list(session.scalars(statement.limit(limit)))


def progress(session: Session, registry: Registry, sport: str | None = None) -> dict[str, int]:
    """Frames of the plan by state."""
    columns = select(Recomputation.state, func.count())
    rows = session.execute(_planned(columns, registry, sport).group_by(Recomputation.state)).all()
    return {"waiting": 0, "done": 0, "failed": 0} | {row[0]: row[1] for row in rows}


def failures(session: Session, registry: Registry, sport: str | None) -> list[dict[str, Any]]:
    """Frames of the plan that could not be computed, with the reason."""
    columns = select(Recomputation.timeframe_id, Recomputation.reason)
    statement = _planned(columns, registry, sport).where(Recomputation.state == FAILED)
    rows = session.execute(statement.order_by(Recomputation.timeframe_id).limit(100))
    return [{"timeframe": frame, "reason": reason} for frame, reason in rows]


def _sports(registry: Registry, sport: str | None) -> list[str]:
    if sport is not None and sport not in registry.sports:
        known = ", ".join(registry.sports)
        raise BadInput.at("/sport", f"no sport {sport!r} is enabled here; there are {known}")
    return [sport] if sport else list(registry.sports)


def _nearest(registry: Registry, sport: str, before: Mapping[str, int]) -> dict[str, int]:
    """The versions now of what a result was of: the sport's, or those of one of its legs, whichever
    has most of its metrics.
    """
    found = (versions.of(one) for one in registry.of_frames(sport))
    return max(found, key=lambda now: len(now.keys() & before.keys()) - len(now) / 1000)


def _stale(registry: Registry, sport: str) -> ColumnElement[bool]:
    current = sorted(versions.stamp(one) for one in registry.of_frames(sport))
    known = ComputeState.versions.in_(current)
    return (ComputeState.edition > 0) & (ComputeState.versions.is_(None) | ~known)


def _of_sport(statement: Wanted, sport: str) -> Wanted:
    """Of states of frames of a sport."""
    return (
        statement.join(TimeFrame, TimeFrame.id == ComputeState.timeframe_id)
        .join(Activity, Activity.id == TimeFrame.activity_id)
        .join(JsonSchema, JsonSchema.id == Activity.json_schema_id)
        .where(JsonSchema.sport == sport)
    )


def _planned(statement: Wanted, registry: Registry, sport: str | None) -> Wanted:
    """Of the plan, or the part of it that is of a sport."""
    statement = statement.select_from(Recomputation)
    if sport is None:
        return statement
    frames = _of_sport(select(ComputeState.timeframe_id), *_sports(registry, sport))
    return statement.where(Recomputation.timeframe_id.in_(frames))


def _stamps(session: Session, registry: Registry, sport: str) -> list[tuple[str | None, int]]:
    """Stamps of stale results and how many frames have each."""
    columns = select(ComputeState.versions, func.count()).select_from(ComputeState)
    statement = _of_sport(columns, sport).where(_stale(registry, sport))
    rows = session.execute(statement.group_by(ComputeState.versions))
    return [(stamp, count) for stamp, count in rows]


def _versions(session: Session, stamp: str | None) -> dict[str, int]:
    """What a stamp stands for: read off one of the documents that have it."""
    found = session.scalar(
        select(ComputedData.document["metrics"])
        .join(ComputeState, ComputeState.timeframe_id == ComputedData.timeframe_id)
        .where(
            ComputeState.versions.is_not_distinct_from(stamp),
            ComputedData.edition == ComputeState.edition,
        )
        .limit(1)
    )
    return found or {}
