"""Legs: the parts of a triathlon, each in its own sport (design/metrics.md 3.7).

A recording of several sports becomes one activity with a time frame for each leg, whose parameter
``legs`` holds that leg. Its times are the recorder's, to the millisecond: from the session's start
for as long as it says that it took. The frame itself ends where the next session begins, when that
comes sooner, so that no sample is in two legs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.clock import from_iso, to_iso
from core.errors import BadInput
from core.pipeline.columns import Columns, between
from core.pipeline.decode import Decoded, Session
from core.sport import Sport
from core.sport.registry import Registry

DEVICE_DISTANCE = "device.distance"


@dataclass(frozen=True)
class Part:
    """What becomes a time frame: Unix ms, [start, end), and its parameters."""

    start: int
    end: int
    params: dict[str, Any]


def check(params: Mapping[str, Any]) -> None:
    """Legs of one frame follow each other. Raises BadInput naming the time at fault."""
    before: tuple[int, int] | None = None  # start and end
    for at, leg in enumerate(params.get("legs") or []):
        where = f"/params/legs/{at}"
        start, end = from_iso(leg["start_time"]), from_iso(leg["end_time"])
        if end <= start:
            raise BadInput.at(f"{where}/end_time", "must be after start_time")
        if before is not None and start < before[0]:
            raise BadInput.at(f"{where}/start_time", "legs must stand in order of time")
        if before is not None and start < before[1]:
            raise BadInput.at(f"{where}/start_time", "the leg overlaps the one before it")
        before = start, end


def parts(registry: Registry, sport: Sport, decoded: Decoded) -> list[Part]:
    """The time frames that a file becomes in an activity of ``sport``: one for each leg, in order,
    of a sport with legs; else one for all.
    """
    first, last = decoded.span
    sports = set(sport.legs) & set(registry.sports)
    legs = _legs(decoded.sessions, sports, last + 1)
    if not legs:
        return [_part(registry, sport, decoded.columns, first, last + 1, {})]
    return [
        _part(registry, sport, decoded.columns, start, end, {"legs": [leg]})
        for start, end, leg in legs
    ]


def recorded(sport: Sport, sessions: Sequence[Session]) -> dict[str, Any]:
    """What the recorder knows of a new activity of ``sport``: the length of the pool, and of a
    sport with legs how long the ways between them took.
    """
    known: dict[str, Any] = {}
    lengths = [session.pool_length for session in sessions if session.pool_length]
    if lengths and "pool_length" in sport.activity_schema["properties"]:
        known["pool_length"] = lengths[0]
        units = [session.pool_unit for session in sessions if session.pool_unit]
        known |= {"pool_unit": units[0]} if units else {}
    if sport.legs:
        known["transitions"] = [
            {"duration": session.elapsed}
            for session in sessions
            if session.sport == "transition" and session.elapsed is not None
        ]
    return known


def _legs(
    sessions: Sequence[Session], sports: set[str], stop: int
) -> list[tuple[int, int, dict[str, Any]]]:
    """Start and end of each leg's frame, and the leg. A session that does not say how long it took
    lasts until the next one, or until ``stop``.
    """
    found = []
    for at, session in enumerate(sessions):
        following = min((s.start for s in sessions[at + 1 :] if s.start > session.start), default=0)
        last = session.stop if session.elapsed else following or stop
        end = min(last, following or last)
        if session.sport in sports and session.start < end:
            leg: dict[str, Any] = {
                "sport": session.sport,
                "start_time": to_iso(session.start),
                "end_time": to_iso(last),
            }
            if session.distance is not None:
                leg["distance"] = session.distance
            found.append((session.start, end, leg))
    return found


def _part(
    registry: Registry, sport: Sport, columns: Columns, start: int, end: int, params: dict[str, Any]
) -> Part:
    max_gap = registry.of_frame(sport.name, params).timeframe_schema["properties"]["max_gap"]
    if _is_sparse(between(columns, start, end), round(max_gap["default"] * 1000)):
        params = {**params, "distance_source": "device"}
    return Part(start, end, params)


def _is_sparse(columns: Columns, max_gap: int) -> bool:
    """Whether a position comes more seldom than gaps are long (half of the time), and the recorder
    counted the distance itself.
    """
    distance = columns.get(DEVICE_DISTANCE)
    if distance is None or np.count_nonzero(~np.isnan(distance)) < 2:
        return False
    t, latitude = columns["t"], columns.get("gnss.latitude")
    fixes = t[:0] if latitude is None else t[~np.isnan(latitude)]
    return any(len(times) > 1 and np.median(np.diff(times)) > max_gap for times in (t, fixes))
