"""From samples to computed data: advance the folds that are behind, refold those that must be.

Three jobs share one way (design/architecture.md section 5): ``tick`` advances an activity's frames
after batches came, ``refold`` folds one frame anew after it was created or changed, ``close`` folds
a frame that has ended for the last time. Each reads and folds on one snapshot that blocks nobody,
then stores values, cursor and outbox in one short commit, guarded by the state's revision: a loser
leaves the work owed.
"""

import hashlib
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import now
from core.models import ComputedData, ComputeState, TimeFrame
from core.models.db import Database
from core.models.outbox import CLOSE, REFOLD, TICK, owe, postpone, settle
from core.sport import Sport, StateMismatch
from core.sport.parameters import Resolved, resolve_parameters
from core.sport.registry import Registry
from core.sport.runner import FrameFold

from . import results, store
from .columns import Columns
from .frames import Frame, load
from .preprocess import WANTED, chunk

REFOLD_EVERY = 10_000  # ms; late samples refold a frame at most this often (metrics.md R2)
CHECKPOINT_EVERY = 10_000  # ms between saved states of a fold that advances
GRACE = 5_000  # ms that a frame's last samples may take to arrive
QUIET = 10_000  # ms without new values, then a frame that has ended is closed
MOST_FAILURES = 3

Owed = tuple[int, int] | None  # the outbox row that asked: id and generation
# Folds that the one process of the live queue keeps between ticks: frame → (revision, fold).
Hot = MutableMapping[int, tuple[int, FrameFold]]

log = structlog.get_logger(__name__)


@dataclass
class Outcome:
    """What one computation of one frame came to, to be stored as it stands."""

    frame: Frame
    at: int
    fingerprint: str | None = None
    fold: FrameFold | None = None
    document: dict[str, Any] | None = None
    anew: bool = False
    dirty: bool = False
    error: str | None = None

    @property
    def ended(self) -> bool:
        return self.frame.end <= self.at


def tick(
    db: Database, registry: Registry, activity_id: int, owed: Owed = None, hot: Hot | None = None
) -> int:
    """Advance every frame of an activity that is behind; returns how many were computed."""
    at = now()
    hot = {} if hot is None else hot

    def compute(session: Session) -> tuple[list[Outcome], list[int]]:
        frames = load(session, TimeFrame.activity_id == activity_id, anew=False)
        # A frame whose fold raised waits for its refold: it is owed, or was given up.
        sound = [f for f in frames if f.state.error is None]
        behind = [f for f in sound if f.news is not None or f.state.dirty]
        outcomes = [_advance(session, registry, frame, at, hot) for frame in behind]
        put_off = [f for f, o in zip(behind, outcomes, strict=True) if o is None]
        again = [_refold_due(frame) for frame in put_off]
        return [o for o in outcomes if o is not None], again

    outcomes, again = db.read(compute)
    again += [_refold_due(o.frame) for o in outcomes if o.dirty]

    def commit(session: Session) -> None:
        if owed:
            settle(session, *owed)
        lost = _store(session, outcomes, hot)
        if lost:
            owe(session, TICK, activity_id)
        elif again:
            owe(session, TICK, activity_id, due=max(at, min(again)))
        for outcome in outcomes:
            if outcome.ended and not outcome.frame.state.closed:
                owe(session, CLOSE, outcome.frame.id, due=at + QUIET)

    db.write(commit)
    return len(outcomes)


def refold(db: Database, registry: Registry, timeframe_id: int, owed: Owed = None) -> bool:
    """Fold one frame from its first sample; False when there is no such frame any more."""
    at = now()
    outcomes = _anew(db, registry, timeframe_id, at)

    def commit(session: Session) -> None:
        closable = [o for o in outcomes if _closable(o.frame) <= at]
        if owed:
            settle(session, *owed)
        lost = _store(session, outcomes, close=bool(closable))
        if lost:
            owe(session, REFOLD, timeframe_id)
        for outcome in outcomes:
            if outcome not in closable:
                owe(session, CLOSE, timeframe_id, due=_closable(outcome.frame))

    db.write(commit)
    return bool(outcomes)


def close(db: Database, registry: Registry, timeframe_id: int, owed: Owed = None) -> bool:
    """The last fold of a frame that has ended; False when it is put off or there is none to do."""
    at = now()
    open_frames = (TimeFrame.id == timeframe_id) & ComputeState.closed.is_(False)
    frames = db.read(lambda s: load(s, open_frames, anew=True))
    due = max((_closable(frame) for frame in frames), default=0)
    if due > at:
        db.write(lambda s: postpone(s, owed[0], due) if owed else None)
        return False
    outcomes = _anew(db, registry, timeframe_id, at) if frames else []

    def commit(session: Session) -> None:
        if owed:
            settle(session, *owed)
        lost = _store(session, outcomes, close=True)
        if lost:
            owe(session, CLOSE, timeframe_id)

    db.write(commit)
    return bool(outcomes)


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


def _refold_due(frame: Frame) -> int:
    return (frame.state.refolded_at or 0) + REFOLD_EVERY


def _anew(db: Database, registry: Registry, timeframe_id: int, at: int) -> list[Outcome]:
    def compute(session: Session) -> list[Outcome]:
        frames = load(session, TimeFrame.id == timeframe_id, anew=True)
        return [_fold(session, registry, frame, at, None, anew=True) for frame in frames]

    return db.read(compute)


def _advance(
    session: Session, registry: Registry, frame: Frame, at: int, hot: Hot
) -> Outcome | None:
    """Fold what is new of one frame. None: it must be refolded, and was so too recently."""
    state = frame.state
    late = frame.news is not None and state.last_t is not None and frame.news.t0 <= state.last_t
    cannot_go_on = state.closed or state.checkpoint is None
    if cannot_go_on or late or state.dirty:
        if _refold_due(frame) <= at:
            return _fold(session, registry, frame, at, None, anew=True)
        if cannot_go_on:
            return None
    revision, fold = hot.get(frame.id, (None, None))
    outcome = _fold(session, registry, frame, at, fold if revision == state.revision else None)
    outcome.dirty = not outcome.anew and (late or state.dirty)
    return outcome


def _fold(
    session: Session,
    registry: Registry,
    frame: Frame,
    at: int,
    fold: FrameFold | None,
    *,
    anew: bool = False,
) -> Outcome:
    """Fold the frame's samples: on from ``fold``, else from the checkpoint, else (or with ``anew``)
    from the first. Whatever a sport raises is this frame's error and nobody else's.
    """
    outcome = Outcome(frame, at)
    try:
        sport = registry.sport(frame.sport)
        resolved = resolve_parameters(
            sport, frame.activity_json, frame.params, frame.profile, age=frame.age
        )
        outcome.fingerprint = _fingerprint(resolved, frame)
        if fold is None and not anew:
            fold = _restore(sport, resolved, frame)
        outcome.anew = fold is None
        if fold is None:
            fold = FrameFold(sport, resolved, frame.start, frame.end)
        since = frame.start if fold.last_t is None else fold.last_t + 1
        samples = chunk(store.read(session, frame.device_id, "samples", since, frame.end, WANTED))
        fold.advance(samples)
        outcome.fold = fold
        outcome.document = _document(fold, outcome, samples)
    except Exception as error:
        log.exception("time frame cannot be computed", timeframe=frame.id, sport=frame.sport)
        outcome.error = f"{type(error).__name__}: {error}"
    return outcome


def _fingerprint(resolved: Resolved, frame: Frame) -> str:
    """Of what a client may change of a frame: other parameters or another interval make another
    edition."""
    window = f"{resolved.fingerprint} {frame.start} {frame.end}"
    return hashlib.sha256(window.encode()).hexdigest()


def _restore(sport: Sport, resolved: Resolved, frame: Frame) -> FrameFold | None:
    if frame.state.checkpoint is None:
        return None
    try:
        return FrameFold.restore(sport, resolved, frame.start, frame.end, frame.state.checkpoint)
    except StateMismatch as mismatch:
        log.info("saved state does not fit", timeframe=frame.id, reason=str(mismatch))
        return None


def _document(fold: FrameFold, outcome: Outcome, samples: Columns) -> dict[str, Any]:
    """The sport's document and what only the pipeline knows (contract/touchline.md section 6)."""
    document = fold.document(final=outcome.ended)
    document["last_computation"] = outcome.at
    digest = input_digest(samples) if outcome.anew else None
    document["input"] = {"samples": fold.n, "digest": digest}
    document["quality"] = {**document["quality"], "arrival": _arrival(outcome)}
    return document


def input_digest(samples: Columns) -> str:
    """SHA-256 over the folded samples: each column's name and little-endian values, in the order of
    names. None of a fold that went on from a saved state: it did not see all samples.
    """
    digest = hashlib.sha256()
    for name in sorted(samples):
        digest.update(name.encode())
        digest.update(samples[name].tobytes())
    return digest.hexdigest()


def _arrival(outcome: Outcome) -> dict[str, Any]:
    frame, news = outcome.frame, outcome.frame.news
    before = {} if outcome.frame.news_is_all else frame.state.arrival
    return {
        "late": before.get("late", 0) + (news.late if news else 0),
        "duplicates": before.get("duplicates", 0) + (news.duplicates if news else 0),
        "batches": before.get("batches", 0) + (news.batches if news else 0),
        "offset_ms": frame.offset_ms,
    }


def _store(
    session: Session, outcomes: Sequence[Outcome], hot: Hot | None = None, *, close: bool = False
) -> bool:
    """Store what was computed of frames that nobody changed meanwhile; True when one was lost."""
    states = {
        state.timeframe_id: state
        for state in session.scalars(
            select(ComputeState)
            .where(ComputeState.timeframe_id.in_([o.frame.id for o in outcomes]))
            .order_by(ComputeState.timeframe_id)
            .with_for_update()
        )
    }
    hot = {} if hot is None else hot
    lost = False
    for outcome in outcomes:
        state = states.get(outcome.frame.id)
        hot.pop(outcome.frame.id, None)
        if state is None:
            continue  # deleted meanwhile
        if state.revision != outcome.frame.state.revision:
            lost = True
            continue
        _store_state(state, outcome, close=close)
        if outcome.error is not None and state.failures < MOST_FAILURES:
            owe(session, REFOLD, outcome.frame.id, due=outcome.at + REFOLD_EVERY)
        if outcome.document is not None and outcome.fold is not None:
            _store_document(session, state, outcome)
            hot[outcome.frame.id] = (state.revision, outcome.fold)
    return lost


def _store_state(state: ComputeState, outcome: Outcome, *, close: bool) -> None:
    state.revision += 1
    state.computed_at = outcome.at
    if outcome.fold is None or outcome.document is None:
        state.error = outcome.error
        state.failures += 1
        return
    state.seq = outcome.frame.ingest_seq
    state.error, state.failures = None, 0
    state.last_t = outcome.fold.last_t
    state.fingerprint = outcome.fingerprint
    state.dirty = outcome.dirty
    state.arrival = outcome.document["quality"]["arrival"]
    state.closed = state.closed or (close and outcome.ended and outcome.fold.n > 0)
    if outcome.anew:
        state.refolded_at = outcome.at
    if outcome.anew or outcome.at - (state.checkpoint_at or 0) >= CHECKPOINT_EVERY:
        state.checkpoint = outcome.fold.snapshot()
        state.checkpoint_at = outcome.at


def _store_document(session: Session, state: ComputeState, outcome: Outcome) -> None:
    """Live ticks stay within their edition; a closed result or other parameters make the next."""
    document, frame = outcome.document, outcome.frame
    assert document is not None
    assert outcome.fold is not None
    if outcome.fold.n == 0 and frame.stored is None:
        return  # nothing to say before the first sample: the API answers edition 0
    digest = document["digest"]
    fresh = frame.stored is None
    if frame.stored is not None and frame.stored[0] != digest:
        fresh = frame.state.closed or frame.stored[1] != outcome.fingerprint
    edition = frame.state.edition + 1 if fresh else frame.state.edition
    values = {
        "document": {**document, "edition": edition},
        "digest": digest,
        "fingerprint": outcome.fingerprint,
        "created": outcome.at,
    }
    if fresh:
        session.add(ComputedData(timeframe_id=frame.id, edition=edition, **values))
        state.edition = edition
    else:
        row = session.scalars(
            select(ComputedData).where(
                ComputedData.timeframe_id == frame.id, ComputedData.edition == edition
            )
        ).one()
        for name, value in values.items():
            setattr(row, name, value)
    replaced = fresh and frame.stored is not None
    results.tell(session, state, document, frame.state, replaced=replaced)
