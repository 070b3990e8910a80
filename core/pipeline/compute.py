"""From samples to computed data: advance the folds that are behind, refold those that must be.

Three jobs share one way (design/architecture.md section 5): ``tick`` advances an activity's frames
after batches came, ``refold`` folds one frame anew after it was created or changed, ``close`` folds
a frame that has ended for the last time. Each reads and folds on one snapshot that blocks nobody
(core.pipeline.folding), then stores values, cursor and outbox in one short commit, guarded by the
state's revision (core.pipeline.outcomes): a loser leaves the work owed. After the commit the values
are told to whoever listens (core.pipeline.publish).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import now
from core.models import ComputeState, TimeFrame
from core.models.db import Database
from core.models.outbox import CLOSE, REFOLD, SUMMARY, TICK, owe, postpone, settle
from core.sport.registry import Registry

from . import folding, summaries
from .folding import QUIET, refold_due
from .frames import Frame, of_activity, of_frame
from .outcomes import MOST_FAILURES, Hot, Outcome, forget, keep, messages, store
from .publish import Message
from .summaries import HotSummaries, Made
from .writer import COALESCE

GROUP = 10  # frames of a tick that are computed, stored and told together
GRACE = 5_000  # ms that a frame's last samples may take to arrive

Owed = tuple[int, int] | None  # the outbox row that asked: id and generation
Send = Callable[[Sequence[Message]], bool]


def tick(
    db: Database,
    registry: Registry,
    activity_id: int,
    owed: Owed = None,
    hot: Hot | None = None,
    send: Send | None = None,
    hot_summaries: HotSummaries | None = None,
) -> int:
    """Advance every frame of an activity that is behind and due, and its summary with them; returns
    how many frames were computed. They are stored and told in groups, so that nobody waits for the
    last of a squad.
    """
    hot = {} if hot is None else hot
    hot_summaries = {} if hot_summaries is None else hot_summaries
    done: set[int] = set()
    again: list[int] = []
    while True:
        advance = partial(_advance, registry, activity_id, done, hot, hot_summaries)
        group = db.read(advance)
        again += group.again
        stored, summed = db.write(partial(_store_group, activity_id, group, again, owed))
        keep(stored, hot)
        _tell(stored, send)
        done |= {outcome.frame.id for outcome in group.outcomes}
        if summed and group.made is not None:
            summaries.keep(group.made, hot_summaries)
            _tell_summary(group.made, send)
        if group.last:
            forget(hot, group.at)
            summaries.forget(hot_summaries, group.at)
            return len(done)


class _Group(NamedTuple):
    """Frames of a tick, computed together: ``again`` are moments at which there is more to do. The
    summary is made with the last of them.
    """

    at: int
    outcomes: list[Outcome]
    again: list[int]
    made: Made | None
    last: bool


def _advance(
    registry: Registry,
    activity_id: int,
    done: set[int],
    hot: Hot,
    hot_summaries: HotSummaries,
    session: Session,
) -> _Group:
    at = now()
    frames = of_activity(session, activity_id)
    # A frame whose fold raised waits for its refold: it is owed, or was given up.
    sound = [f for f in frames if f.state.error is None and f.id not in done]
    behind = [f for f in sound if f.news is not None or f.state.dirty]
    outcomes, again, last = folding.advance(session, registry, behind, at, hot, GROUP)
    again += [refold_due(o.frame) for o in outcomes if o.dirty]
    made = None
    if last:
        kept = hot_summaries.pop(activity_id, None)
        made = summaries.advance(session, registry, frames, outcomes, hot, kept, at)
        if made is None and kept is not None:
            hot_summaries[activity_id] = kept
    return _Group(at, outcomes, again, made, last)


def _store_group(
    activity_id: int, group: _Group, again: list[int], owed: Owed, session: Session
) -> tuple[list[Outcome], bool]:
    """Returns what was stored, and whether the summary was. The tick's row is settled with the last
    group, and owed for the first of the moments ``again``.
    """
    at, outcomes = group.at, group.outcomes
    if group.last and owed:
        settle(session, *owed, due=at + COALESCE)
    stored = store(session, outcomes)
    whole = len(stored) == len(outcomes)
    if not whole:
        again.append(at)
    # What was made of frames that were not stored is not stored either: the next tick does it.
    summed = whole and group.made is not None and summaries.store(session, group.made)
    if group.last and again:
        owe(session, TICK, activity_id, due=max(at, min(again)))
    for outcome in outcomes:
        if outcome.ended and not outcome.was_closed:
            owe(session, CLOSE, outcome.frame.id, due=at + QUIET)
    return stored, summed


def refold(
    db: Database,
    registry: Registry,
    timeframe_id: int,
    owed: Owed = None,
    send: Send | None = None,
) -> bool:
    """Fold one frame from its first sample; False when there is no such frame any more."""
    at = now()
    outcomes = fold_anew(db, registry, timeframe_id, at)

    def commit(session: Session) -> list[Outcome]:
        closable = [o for o in outcomes if _closable(o.frame) <= at]
        if owed:
            settle(session, *owed)
        stored = store(session, outcomes, close=bool(closable))
        if len(stored) < len(outcomes):
            owe(session, REFOLD, timeframe_id)
        for outcome in outcomes:
            if outcome not in closable:
                owe(session, CLOSE, timeframe_id, due=_closable(outcome.frame))
        summaries.owe_anew(session, registry, [o.frame for o in stored], at)
        return stored

    _tell(db.write(commit), send)
    return bool(outcomes)


def close(
    db: Database,
    registry: Registry,
    timeframe_id: int,
    owed: Owed = None,
    send: Send | None = None,
) -> bool:
    """The last fold of a frame that has ended; False when it is put off or there is none to do."""
    at = now()
    frames = [f for f in db.read(lambda s: of_frame(s, timeframe_id)) if not f.state.closed]
    due = max((_closable(frame) for frame in frames), default=0)
    if due > at:
        db.write(lambda s: postpone(s, owed[0], due) if owed else None)
        return False
    outcomes = fold_anew(db, registry, timeframe_id, at) if frames else []

    def commit(session: Session) -> list[Outcome]:
        if owed:
            settle(session, *owed)
        stored = store(session, outcomes, close=True)
        if len(stored) < len(outcomes):
            owe(session, CLOSE, timeframe_id)
        summaries.owe_anew(session, registry, [o.frame for o in stored], at)
        return stored

    _tell(db.write(commit), send)
    return bool(outcomes)


def summarise(
    db: Database,
    registry: Registry,
    activity_id: int,
    owed: Owed = None,
    send: Send | None = None,
) -> bool:
    """The summary of an activity from what is stored; False when there is nothing new to store."""
    at = now()
    made = db.read(lambda session: summaries.anew(session, registry, activity_id, at))

    def commit(session: Session) -> bool:
        if owed:
            settle(session, *owed)
        stored = made is not None and summaries.store(session, made)
        if made is not None and not stored:
            owe(session, SUMMARY, activity_id, due=at + summaries.SOON)
        return stored

    stored = db.write(commit)
    if made is not None and stored:
        _tell_summary(made, send)
    return stored


def record_failure(db: Database, topic: str, key: str, reason: str) -> None:
    """A job that was given up says so on every frame it was for."""
    which = TimeFrame.activity_id if topic == TICK else TimeFrame.id

    def commit(session: Session) -> None:
        states = session.scalars(
            select(ComputeState)
            .join(TimeFrame, TimeFrame.id == ComputeState.timeframe_id)
            .where(which == int(key))
            .with_for_update(of=ComputeState)
        )
        for state in states:
            state.error, state.failures = reason, MOST_FAILURES

    db.write(commit)


def _closable(frame: Frame) -> int:
    """From when on the frame may be closed: it has ended, and nothing new comes."""
    return max(frame.end + GRACE, (frame.state.computed_at or -QUIET) + QUIET)


def fold_anew(db: Database, registry: Registry, timeframe_id: int, at: int) -> list[Outcome]:
    """The frame folded from its first sample, nothing of it stored; [] when there is none."""

    def compute(session: Session) -> list[Outcome]:
        frames = of_frame(session, timeframe_id)
        return [folding.anew(session, registry, frame, at) for frame in frames]

    return db.read(compute)


def _tell_summary(made: Made, send: Send | None) -> None:
    """As ``_tell``."""
    message = summaries.message(made)
    if send is not None and not send([message]):
        made.kept.whole_due = 0


def _tell(stored: Sequence[Outcome], send: Send | None) -> None:
    """A message that was not sent makes the next one whole."""
    if send is not None and (told := messages(stored)) and not send(told):
        for outcome in stored:
            if outcome.kept is not None:
                outcome.kept.whole_due = 0
