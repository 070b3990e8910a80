"""Summaries of activities: what the sport says of all time frames together.

Two ways lead to the same numbers, as with time frames. While an activity is live, each tick takes
what the frames' folds have gained and goes on (``advance``; kept in the process of the live queue).
After a refold or a close, and where another process ticks, a job folds all seconds anew from what
is stored (``anew``): the points of the grid stand in the saved states. What both store is guarded
by the summary's revision: who comes second stores nothing.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.channels import TEAM
from core.models import (
    Activity,
    ActivitySummary,
    ComputeCheckpoint,
    ComputedData,
    ComputeState,
)
from core.models.outbox import SUMMARY, owe
from core.sport.contract import ActivityMetrics, Member
from core.sport.document import Memory
from core.sport.errors import StateMismatch
from core.sport.grid import ActivityGrid, points_of
from core.sport.metrics.shape import Shape
from core.sport.metrics.spans import bounds
from core.sport.registry import Registry
from core.sport.runner import FrameFold
from core.sport.summary import assemble, empty_summary

from . import delta, publish
from .folding import basis_of
from .frames import Frame, of_activity
from .outcomes import Basis, Hot, Outcome

LATENESS = 5  # s that a second waits for players whose samples are late (design/metrics.md 2.12)
FOR_EVER = 2**40  # s
KEPT_FOR = 600_000  # ms that an activity without ticks stays in memory
TICKS_WITHIN = 3_000  # ms: a live process that stored so lately goes on by itself
SOON = 1_000  # ms after a frame's result: those of its activity come together

log = structlog.get_logger(__name__)


@dataclass
class Source:
    """What a frame brings, as of its ``revision``."""

    revision: int
    points: np.ndarray | None
    document: Mapping[str, Any] | None
    last_t: int | None


@dataclass
class Kept:
    """What the process of the live queue keeps of an activity's summary, good for ``revision``.
    ``given`` is what it is of: frames, teams, the activity's json.
    """

    given: Any
    grid: ActivityGrid | None
    sources: dict[int, Source] = field(default_factory=dict)
    memory: Memory = field(default_factory=dict)
    revision: int = 0
    stored: dict[str, Any] | None = None
    told: publish.Told | None = None
    whole_due: int = 0
    used: int = 0


HotSummaries = MutableMapping[int, Kept]  # by activity


@dataclass
class Made:
    """A summary to be stored as it stands, on the one of revision ``stands_on`` (0: there is none).
    ``ticked``: by a process that goes on with it.
    """

    activity: int
    at: int
    stands_on: int
    document: dict[str, Any]
    kept: Kept
    whole: bool
    ticked: bool

    @property
    def revision(self) -> int:
        return self.stands_on + 1


def declared(registry: Registry, frames: Iterable[Frame]) -> ActivityMetrics | None:
    """What the sport of these frames, all of one activity, says of activities."""
    return next((registry.activity_metrics(frame.sport) for frame in frames), None)


def owe_anew(session: Session, registry: Registry, frames: Iterable[Frame], at: int) -> None:
    """These frames have results of their own: owe the summaries of their activities."""
    for frame in frames:
        if declared(registry, [frame]) is not None:
            owe(session, SUMMARY, frame.activity_id, due=at + SOON)


def advance(
    session: Session,
    registry: Registry,
    frames: Sequence[Frame],
    outcomes: Sequence[Outcome],
    hot: Hot,
    kept: Kept | None,
    at: int,
) -> Made | None:
    """What the activity of these frames comes to with these outcomes; None where it has no summary
    or nothing changed. A sport that raises is the summary's error alone.
    """
    metrics = declared(registry, frames)
    if metrics is None or not outcomes:
        return None
    row = session.get(ActivitySummary, frames[0].activity_id)
    if kept is not None and (row is None or row.revision != kept.revision):
        kept = None
    return _make(session, registry, metrics, frames, outcomes, hot, kept, row, at, ticked=True)


def anew(session: Session, registry: Registry, activity_id: int, at: int) -> Made | None:
    """The summary from what is stored; None where nothing changed, or a live process goes on."""
    frames = of_activity(session, activity_id)
    metrics = declared(registry, frames)
    row = session.get(ActivitySummary, activity_id)
    if metrics is None or (_goes_on(row, at) and any(frame.end > at for frame in frames)):
        return None
    return _make(session, registry, metrics, frames, [], {}, None, row, at, ticked=False)


def _goes_on(row: ActivitySummary | None, at: int) -> bool:
    """A live process has stored it just now, and will again."""
    if row is None or row.document is None or row.ticked is None:
        return False
    return row.ticked > at - TICKS_WITHIN


def _make(
    session: Session,
    registry: Registry,
    metrics: ActivityMetrics,
    frames: Sequence[Frame],
    outcomes: Sequence[Outcome],
    hot: Hot,
    kept: Kept | None,
    row: ActivitySummary | None,
    at: int,
    *,
    ticked: bool,
) -> Made | None:
    frames = sorted(frames, key=lambda frame: (frame.start, frame.id))
    try:
        bases = _bases(registry, frames, outcomes, hot)
        kept = _kept(metrics, frames, bases, kept)
        _collect(session, metrics, frames, bases, outcomes, hot, kept.sources, at)
        document = _document(metrics, frames, bases, kept, at)
    except Exception as error:
        log.exception("activity cannot be summarised", activity=frames[0].activity_id)
        reason = f"{type(error).__name__}: {error}"
        kept, document = Kept(None, None), {**empty_summary(metrics), "error": reason}
    before = kept.told.document if kept.told is not None else _standing(row)
    if before is not None and _alike(before, document):
        return None
    kept.used = at
    document["last_computation"] = at
    stands_on = 0 if row is None else row.revision
    whole = kept.stored is None or at >= kept.whole_due or document["final"]
    return Made(frames[0].activity_id, at, stands_on, document, kept, whole, ticked)


def _standing(row: ActivitySummary | None) -> dict[str, Any] | None:
    """The summary as it is stored."""
    return None if row is None or row.document is None else delta.apply(row.document, row.live)


def _alike(before: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    keys = ("digest", "through", "final", "error")
    return all(before.get(key) == document.get(key) for key in keys)


def _bases(
    registry: Registry, frames: Sequence[Frame], outcomes: Sequence[Outcome], hot: Hot
) -> dict[int, Basis]:
    just = {o.frame.id: o.basis for o in outcomes if o.basis is not None}
    return {
        frame.id: just.get(frame.id) or basis_of(registry, frame, hot.get(frame.id))
        for frame in frames
    }


def _kept(
    metrics: ActivityMetrics,
    frames: Sequence[Frame],
    bases: Mapping[int, Basis],
    kept: Kept | None,
) -> Kept:
    """What was kept, where it is of the same; else something new."""
    activity = frames[0].activity_json
    values = [bases[frame.id].resolved.values for frame in frames]
    teams = [(each.get("team"), each.get("role")) for each in values]
    given = [activity, [(frame.id, frame.start, frame.end) for frame in frames], teams]
    if kept is not None and kept.given == given:
        return kept
    grid = None
    if metrics.points is not None:
        spans = bounds(activity.get(metrics.spans) or []) if metrics.spans else []
        grid = ActivityGrid(_members(frames, bases, {}), spans)
    return Kept(given, grid)


def _members(
    frames: Sequence[Frame], bases: Mapping[int, Basis], sources: Mapping[int, Source]
) -> list[Member]:
    return [
        Member(
            frame.id,
            frame.start,
            frame.end,
            bases[frame.id].resolved.values,
            sources[frame.id].document if frame.id in sources else None,
            frame.athlete_id,
            frame.params,
        )
        for frame in frames
    ]


def _collect(
    session: Session,
    metrics: ActivityMetrics,
    frames: Sequence[Frame],
    bases: Mapping[int, Basis],
    outcomes: Sequence[Outcome],
    hot: Hot,
    sources: dict[int, Source],
    at: int,
) -> None:
    """Bring the sources up to date: from what was just computed, what this process holds, else from
    what is stored.
    """
    just = {o.frame.id: o for o in outcomes if o.document is not None}
    stored = []
    for frame in frames:
        ended, revision = frame.end <= at, frame.state.revision
        outcome, held = just.get(frame.id), hot.get(frame.id)
        if outcome is not None and outcome.fold is not None:
            sources[frame.id] = _source(
                metrics, outcome.fold, outcome.revision, outcome.document, ended=ended
            )
        elif frame.id in sources and sources[frame.id].revision == revision:
            continue
        elif held is not None and held.revision == revision:
            document = held.document
            sources[frame.id] = _source(metrics, held.fold, revision, document, ended=ended)
        else:
            stored.append(frame)
    if stored:
        sources |= _stored(session, metrics, stored, bases, at)


def _source(
    metrics: ActivityMetrics, fold: FrameFold, revision: int, document: Any, *, ended: bool
) -> Source:
    kernel = metrics.points
    points = None if kernel is None else points_of(fold, kernel.name, ended=ended)
    return Source(revision, points, document, fold.last_t)


def _stored(
    session: Session,
    metrics: ActivityMetrics,
    frames: Sequence[Frame],
    bases: Mapping[int, Basis],
    at: int,
) -> dict[int, Source]:
    """From saved states and documents, in two statements. A state that does not fit any more waits
    for its frame's refold.
    """
    ids = [frame.id for frame in frames]
    current = (
        select(ComputedData.timeframe_id, ComputedData.document, ComputeState.live)
        .join(ComputeState, ComputeState.timeframe_id == ComputedData.timeframe_id)
        .where(ComputedData.timeframe_id.in_(ids), ComputedData.edition == ComputeState.edition)
    )
    documents = {
        row.timeframe_id: delta.apply(row.document, row.live) for row in session.execute(current)
    }
    states = select(ComputeCheckpoint.timeframe_id, ComputeCheckpoint.saved).where(
        ComputeCheckpoint.timeframe_id.in_(ids if metrics.points is not None else [])
    )
    saved = {row.timeframe_id: row.saved for row in session.execute(states)}
    found = {}
    for frame in frames:
        document = documents.get(frame.id)
        source = Source(frame.state.revision, None, document, frame.state.last_t)
        fold = _restored(bases[frame.id], frame, saved.get(frame.id))
        if fold is not None:
            ended = frame.end <= at
            source = _source(metrics, fold, frame.state.revision, document, ended=ended)
        found[frame.id] = source
    return found


def _restored(basis: Basis, frame: Frame, saved: bytes | None) -> FrameFold | None:
    if saved is None:
        return None
    try:
        return FrameFold.restore(basis.sport, basis.resolved, frame.start, frame.end, saved)
    except StateMismatch as mismatch:
        log.info("saved state does not fit", timeframe=frame.id, reason=str(mismatch))
        return None


def _document(
    metrics: ActivityMetrics,
    frames: Sequence[Frame],
    bases: Mapping[int, Basis],
    kept: Kept,
    at: int,
) -> dict[str, Any]:
    shape: Shape | None = None
    if kept.grid is not None:
        for frame in frames:
            points = kept.sources[frame.id].points
            if points is not None:
                kept.grid.put(frame.id, points)
        shape = kept.grid.fold(_until(frames, kept.sources, at))
    final = all(frame.state.closed for frame in frames)
    members = _members(frames, bases, kept.sources)
    activity = frames[0].activity_json
    return assemble(metrics, activity, members, shape, final=final, memory=kept.memory)


def _until(frames: Sequence[Frame], sources: Mapping[int, Source], at: int) -> int:
    """The second up to which nobody's samples are awaited any more."""
    late = at // 1000 - LATENESS
    going_on = [frame for frame in frames if frame.end > at and not frame.state.closed]
    if not going_on:
        return FOR_EVER
    reached = (max(sources[f.id].last_t or 0, f.start - 1) // 1000 for f in going_on)
    return max(late, min(reached))


def store(session: Session, made: Made) -> bool:
    """False: somebody else stored one meanwhile. The summary of an activity that was deleted
    meanwhile is neither stored nor lost.
    """
    live = None if made.whole else delta.delta(made.kept.stored, made.document)
    values: dict[str, Any] = {"revision": made.revision, "computed_at": made.at, "live": live}
    values["ticked"] = made.at if made.ticked else None
    if made.whole:
        values["document"] = made.document
    if made.stands_on == 0:
        lock = {"read": True, "key_share": True, "of": Activity}
        kept = session.get(Activity, made.activity, with_for_update=lock)
        if kept is None:
            return True
        if session.get(ActivitySummary, made.activity) is not None:
            return False
        session.add(ActivitySummary(activity_id=made.activity, **values))
        session.flush()
        return True
    done = session.execute(
        update(ActivitySummary)
        .where(
            ActivitySummary.activity_id == made.activity,
            ActivitySummary.revision == made.stands_on,
        )
        .values(values)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE always has one


def keep(made: Made, hot: HotSummaries) -> None:
    """After the commit: this process may go on with it."""
    kept = made.kept
    if made.whole:
        kept.stored, kept.whole_due = made.document, made.at + publish.WHOLE_EVERY
    kept.revision = made.revision
    hot.pop(made.activity, None)
    hot[made.activity] = kept


def forget(hot: HotSummaries, at: int) -> None:
    """Let go of activities without ticks for long."""
    for activity, kept in list(hot.items()):
        if kept.used > at - KEPT_FOR:
            break
        del hot[activity]


def message(made: Made) -> publish.Message:
    """What to tell. ``timeframes`` is in every message: who may not read all of them is not given
    it (core.live.reader).
    """
    kept = made.kept
    final = bool(made.document["final"])
    if kept.told is None:
        kept.told = publish.Told.nothing(made.at, final=final)
    data = publish.message(kept.told, made.document, made.at, whole=made.whole)
    data["timeframes"] = made.document["timeframes"]
    return publish.Message(made.activity, TEAM, made.revision, data)
