"""Telling of stored results: that one is final or was replaced, and what moved in a closed one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.models import ComputedData, ComputeState, TimeFrame
from core.models.announcements import of_timeframe
from core.sport.document import OUTSIDE_DIGEST

MOST_CHANGES = 50  # numbers told with what they were and are; of the rest how many there are

Document = Mapping[str, Any]


def tell(
    session: Session, state: ComputeState, document: Document, was: ComputeState, *, replaced: bool
) -> None:
    """The result that ``state`` stands at was stored, after ``was``; ``replaced``: as the edition
    after another. Live ticks within an edition are no event. Call it with the state locked.
    """
    was_final = was.closed and was.edition > 0  # one that was closed without samples is no result
    closing = state.closed and not was_final
    if not (closing or replaced):
        return
    frame = session.get_one(TimeFrame, state.timeframe_id)
    data: dict[str, Any] = {
        "athlete": frame.athlete_id,
        "edition": state.edition,
        "digest": document["digest"],
        "final": state.closed,
    }
    of_timeframe(session, events.TIMEFRAME_COMPUTED, frame, state.revision, data)
    if was_final and replaced:
        before = session.scalars(
            select(ComputedData.document).where(
                ComputedData.timeframe_id == frame.id, ComputedData.edition == was.edition
            )
        ).one()
        data |= {"before": was.edition, **moved(before, document)}
        of_timeframe(session, events.TIMEFRAME_RESTATED, frame, state.revision, data)


def moved(before: Document, after: Document) -> dict[str, Any]:
    """``changes``: the top-level numbers that differ, as key, before, after; ``more``: how many of
    them are left out; ``keys``: whatever else differs, by name.
    """
    changes, keys = [], []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new or key in OUTSIDE_DIGEST or key == "quality":
            continue
        if _number(old) or _number(new):
            changes.append({"key": key, "before": old, "after": new})
        else:
            keys.append(key)
    more = max(0, len(changes) - MOST_CHANGES)
    return {"changes": changes[:MOST_CHANGES], "more": more, "keys": keys}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
