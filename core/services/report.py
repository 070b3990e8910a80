"""What an activity's page shows: its time frames as far as the reader may read them, their results
and how the computation of each stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import Forbidden
from core.models import Activity, ComputeState, JsonSchema, TimeFrame
from core.models.users import ATHLETE
from core.policy import Actor
from core.sport.registry import Registry

from . import activities, computed, roster, summaries

STALE_MS = 30_000


@dataclass(frozen=True)
class Line:
    """One time frame. ``document`` is None for who may not read its results; ``samples``: may they
    be read? ``state`` is one of planned, live, stale, computing, ready, failed; ``why`` says more.
    """

    timeframe: int
    athlete: int
    number: int
    name: str
    start: int
    stop: int
    sport: str
    samples: bool
    document: Mapping[str, Any] | None
    state: str
    why: str


@dataclass(frozen=True)
class Report:
    """``owned``: the reader may read the activity itself, not only time frames of it. ``summary``
    is what its time frames come to together, for who may read the results of all of them.
    """

    activity: Activity
    sport: str
    owned: bool
    lines: Sequence[Line]
    summary: Mapping[str, Any] | None


def of_activity(session: Session, actor: Actor, registry: Registry, activity_id: int) -> Report:
    """The activity for who may read it or anything in it, with the frames of which the actor may
    read the frame, its results or its samples. Raises NotFound, Forbidden.
    """
    activity = activities.existing(session, activity_id)
    owned = policy.allowed(session, actor, "activity.read", activity)
    found = session.execute(_frames(actor, activity_id)).all()
    if not found and not owned:
        raise Forbidden("this is for who owns the activity, or may read somebody who took part")
    frames = [row.TimeFrame for row in found]
    readable = [row.TimeFrame for row in found if row.computed]
    policy.given(session, actor, frames)
    policy.given(session, actor, readable, "computed")
    documents = computed.of_frames(session, registry, readable)
    numbers = roster.numbers(session, activity_id)
    names = roster.names(session, actor, {frame.athlete_id for frame in frames})
    moment = now()

    def line(row: Any) -> Line:
        frame, number = row.TimeFrame, numbers[row.TimeFrame.athlete_id]
        document = documents.get(frame.id)
        state, why = _state(row, document, moment)
        return Line(
            timeframe=frame.id,
            athlete=frame.athlete_id,
            number=number,
            name=names.get(frame.athlete_id, f"Athlete {number}"),
            start=frame.start_time,
            stop=frame.end_time,
            sport=_sport_of(registry, row.sport, frame),
            samples=bool(row.samples),
            document=document,
            state=state,
            why=why,
        )

    lines = sorted(map(line, found), key=lambda line: (line.number, line.start, line.timeframe))
    sport = session.get_one(JsonSchema, activity.json_schema_id).sport
    together = _summary(session, actor, activity_id, {frame.id for frame in readable})
    return Report(activity, sport, owned, lines, together)


def _sport_of(registry: Registry, sport: str, frame: TimeFrame) -> str:
    """That of the leg, where the frame is one leg of several sports."""
    if sport not in registry.sports:
        return sport
    return registry.of_frame(sport, frame.params).name


def _summary(
    session: Session, actor: Actor, activity_id: int, readable: set[int]
) -> Mapping[str, Any] | None:
    """As ``activities/{id}/summary/`` has it, which is not for athletes."""
    counted = select(func.count()).where(TimeFrame.activity_id == activity_id)
    everything = len(readable) == session.scalar(counted)
    if not readable or not everything or actor.role == ATHLETE:
        return None
    found = summaries.live(session, activity_id, readable)
    return None if found is None else found[1]


def _frames(actor: Actor, activity_id: int) -> Any:
    may = {
        name: policy.clause(actor, action, TimeFrame)
        for name, action in (
            ("frame", "timeframe.read"),
            ("computed", "computed.read"),
            ("samples", "samples.read"),
        )
    }
    return (
        select(
            TimeFrame,
            JsonSchema.sport,
            ComputeState.edition,
            ComputeState.closed,
            ComputeState.error,
            ComputeState.dirty,
            ComputeState.computed_at,
            *(case((clause, 1), else_=0).label(name) for name, clause in may.items()),
        )
        .join(JsonSchema, JsonSchema.id == TimeFrame.json_schema_id)
        .outerjoin(ComputeState, ComputeState.timeframe_id == TimeFrame.id)
        .where(TimeFrame.activity_id == activity_id, or_(*may.values()))
    )


def _state(row: Any, document: Mapping[str, Any] | None, moment: int) -> tuple[str, str]:
    frame = row.TimeFrame
    if row.error:
        return "failed", row.error
    if moment < frame.start_time:
        return "planned", "it has not begun"
    if moment < frame.end_time:
        if not row.computed_at:
            return "stale", "no samples yet"
        age = moment - row.computed_at
        return ("live", "") if age < STALE_MS else ("stale", f"no news for {age // 1000} s")
    if not row.closed:
        return "computing", "the final result follows within a minute of the last sample"
    if row.dirty:
        return "computing", "samples that came late are being worked in"
    if not row.edition:
        return "ready", "no samples came"
    if document is not None and document.get("stale"):
        return "stale", "a metric has another version now; it is computed anew by a recompute"
    return "ready", ""
