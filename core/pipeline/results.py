"""Telling of stored results: that one is final or was replaced, and what moved in a closed one."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.models import ComputedData, TimeFrame
from core.models.announcements import of_timeframe
from core.sport.document import OUTSIDE_DIGEST

from .frames import State

MOST_CHANGES = 50  # numbers told with what they were and are; of the rest how many there are

# Why, and how sure, is told apart.
NOT_MOVED = OUTSIDE_DIGEST | {"quality", "metrics", "parameters", "definition"}

Document = Mapping[str, Any]


def tell(
    session: Session,
    timeframe_id: int,
    state: State,
    document: Document,
    was: State,
    *,
    replaced: bool,
) -> None:
    """The result that a frame's ``state`` stands at was stored, after ``was``; ``replaced``: as the
    edition after another. Live ticks within an edition are no event. Call it with the state locked.
    """
    was_final = was.closed and was.edition > 0  # one that was closed without samples is no result
    closing = state.closed and not was_final
    if not (closing or replaced):
        return
    frame = session.get_one(TimeFrame, timeframe_id)
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
    """What differs between two editions of a frame. ``changes``: numbers, as key (of those inside
    an object with its path, ``power.normalized``), before, after; ``more``: how many of them are
    left out; ``keys``: whatever else differs, by key; ``because``: why.
    """
    changes: list[dict[str, Any]] = []
    keys: list[str] = []
    told = {key: value for key, value in before.items() if key not in NOT_MOVED}
    tells = {key: value for key, value in after.items() if key not in NOT_MOVED}
    _differences("", told, tells, changes, keys)
    more = max(0, len(changes) - MOST_CHANGES)
    return {
        "changes": changes[:MOST_CHANGES],
        "more": more,
        "keys": keys[:MOST_CHANGES],
        "because": because(before, after),
    }


def because(before: Document, after: Document) -> dict[str, Any]:
    """Why two editions may differ. ``metrics``: other versions, as key → [before, after], null
    where there was or is none; ``parameters``: other values, in the same form; ``samples``: whether
    other samples were folded.
    """
    values = [
        {name: one["value"] for name, one in (edition.get("parameters") or {}).items()}
        for edition in (before, after)
    ]
    was, now = before.get("input") or {}, after.get("input") or {}
    digests = was.get("digest"), now.get("digest")
    return {
        "metrics": _other(before.get("metrics") or {}, after.get("metrics") or {}),
        "parameters": _other(*values),
        "samples": was.get("samples") != now.get("samples")
        or (None not in digests and digests[0] != digests[1]),
    }


def _other(before: Document, after: Document) -> dict[str, list[Any]]:
    """Key → [before, after] of what differs; what was unset and is not there is the same."""
    pairs = {key: [before.get(key), after.get(key)] for key in sorted(before.keys() | after.keys())}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _differences(
    within: str, before: Document, after: Document, changes: list[dict[str, Any]], keys: list[str]
) -> None:
    for name in sorted(before.keys() | after.keys()):
        key, old, new = within + name, before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            _differences(f"{key}.", old, new, changes, keys)
        elif _number(old) or _number(new):
            changes.append({"key": key, "before": old, "after": new})
        else:
            keys.append(key)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
