"""Summaries of activities as clients read them."""

from collections.abc import Container
from typing import Any

from sqlalchemy.orm import Session

from core.models import ActivitySummary
from core.pipeline import delta
from core.policy import Actor
from core.sport.registry import Registry
from core.sport.summary import empty_summary

from . import activities, computed


def of_activity(
    session: Session, actor: Actor, registry: Registry, activity_id: int
) -> dict[str, Any]:
    """The summary of an activity, for whoever may read the computed data of all its time frames:
    what one of them holds cannot be told from the rest. Without a frame, for the activity's owner.

    Before the first computation: ``revision`` 0 and null metrics.
    """
    frames = computed.require_all(session, actor, activity_id)
    found = live(session, activity_id, {frame.id for frame in frames})
    if found is None:
        sport = activities.existing(session, activity_id).json_schema.sport
        document = empty_summary(registry.activity_metrics(sport))
        found = 0, {**document, "last_computation": None}
    revision, document = found
    return {"activity": activity_id, "revision": revision, **document}


def live(
    session: Session, activity_id: int, frames: Container[int]
) -> tuple[int, dict[str, Any]] | None:
    """Revision and document, for whoever was let in to these time frames; None before the first,
    and where it speaks of others.
    """
    row = session.get(ActivitySummary, activity_id)
    if row is None or row.document is None:
        return None
    document = delta.apply(row.document, row.live)
    if any(frame not in frames for frame in document["timeframes"]):
        return None
    return row.revision, document
