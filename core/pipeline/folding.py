"""Folding frames: on from what this process kept, else from the saved state, else anew.

Nothing is stored here. Whatever a sport raises is the error of that one frame.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.orm import Session

from core.sport import StateMismatch
from core.sport.parameters import resolve_parameters
from core.sport.registry import Registry
from core.sport.runner import FrameFold

from . import publish, store
from .columns import Columns
from .frames import Frame, checkpoint
from .outcomes import Basis, Hot, Kept, Outcome, edition
from .preprocess import WANTED, chunk

REFOLD_EVERY = 10_000  # ms; late samples refold a frame at most this often (metrics.md R2)
QUIET = 10_000  # ms without new values, then a frame that has ended is closed
MESSAGE_EVERY = 900  # ms between two computations of a frame that goes on
TOGETHER = 60_000  # ms: frames whose new samples begin so close are read in one statement

log = structlog.get_logger(__name__)


def refold_due(frame: Frame) -> int:
    return (frame.state.refolded_at or 0) + REFOLD_EVERY


def anew(session: Session, registry: Registry, frame: Frame, at: int) -> Outcome:
    """The frame folded from its first sample."""
    outcome = Outcome(frame, at, anew=True)
    _fold(session, registry, outcome, None)
    return outcome


def advance(
    session: Session, registry: Registry, behind: Sequence[Frame], at: int, hot: Hot
) -> tuple[list[Outcome], list[int]]:
    """What is new of frames that are behind, folded; and when those that were put off are due."""
    outcomes, again = [], []
    for frame in behind:
        late = _late(frame)
        due, whole = _due(frame, late, at)
        if due > at:
            again.append(due)
            continue
        outcome = Outcome(frame, at, anew=whole, dirty=not whole and (late or frame.state.dirty))
        # Taken out: a fold that went on and was not stored is of no further use.
        kept = hot.pop(frame.id, None)
        if not whole and kept is not None and kept.revision == frame.state.revision:
            outcome.kept = kept
        outcomes.append(outcome)
    samples = _read_together(session, [o for o in outcomes if o.kept is not None])
    for outcome in outcomes:
        _fold(session, registry, outcome, samples.get(outcome.frame.id))
    return outcomes, again


def _late(frame: Frame) -> bool:
    last = frame.state.last_t
    return frame.news is not None and last is not None and frame.news.t0 <= last


def _due(frame: Frame, late: bool, at: int) -> tuple[int, bool]:
    """When the frame may be computed, and whether from its first sample."""
    state = frame.state
    reopened = state.closed and frame.stored is not None
    cannot_go_on = reopened or state.checkpoint_at is None
    if cannot_go_on:
        return refold_due(frame), True
    refolds = (late or state.dirty) and refold_due(frame) <= at
    return (state.computed_at or 0) + MESSAGE_EVERY, refolds


def _read_together(session: Session, outcomes: Sequence[Outcome]) -> dict[int, Columns]:
    """The new samples of frames whose folds are in memory; those that lie far back are left to be
    read one by one."""
    since = {o.frame.id: _since(o.frame, o.kept.fold) for o in outcomes if o.kept is not None}
    newest = max(since.values(), default=0)
    near = [o.frame for o in outcomes if since[o.frame.id] >= newest - TOGETHER]
    wishes = [store.Wish(frame.device_id, since[frame.id], frame.end) for frame in near]
    found = store.read_each(session, "samples", wishes, WANTED)
    return {frame.id: columns for frame, columns in zip(near, found, strict=True)}


def _since(frame: Frame, fold: FrameFold) -> int:
    return frame.start if fold.last_t is None else fold.last_t + 1


def _fold(session: Session, registry: Registry, outcome: Outcome, columns: Columns | None) -> None:
    """Fold what is new since the fold in memory, the saved state, or the frame's start. ``columns``
    are the samples where they have been read already.
    """
    frame, kept = outcome.frame, outcome.kept
    try:
        basis = outcome.basis = basis_of(registry, frame, kept)
        if kept is not None and kept.basis is not basis:
            kept = outcome.kept = columns = None
        fold = kept.fold if kept is not None else None
        if fold is None and not outcome.anew:
            fold = _restore(session, basis, frame)
        outcome.anew = fold is None
        if fold is None:
            fold = FrameFold(basis.sport, basis.resolved, frame.start, frame.end)
        if columns is None:
            since = _since(frame, fold)
            columns = store.read(session, frame.device_id, "samples", since, frame.end, WANTED)
        samples = chunk(columns)
        fold.advance(samples)
        outcome.fold = fold
        outcome.document = _document(fold, outcome, samples)
        _keep(outcome)
    except Exception as error:
        log.exception("time frame cannot be computed", timeframe=frame.id, sport=frame.sport)
        outcome.error = f"{type(error).__name__}: {error}"
        outcome.document = outcome.kept = None


def basis_of(registry: Registry, frame: Frame, kept: Kept | None = None) -> Basis:
    """What a fold of the frame is of; what was kept, where it is the same."""
    given = (
        frame.sport, frame.activity_json, frame.params, frame.profile, frame.valid, frame.age,
        frame.start, frame.end,
    )  # fmt: skip
    if kept is not None and kept.basis.given == given:
        return kept.basis
    sport = registry.sport(frame.sport)
    resolved = resolve_parameters(
        sport, frame.activity_json, frame.params, frame.profile, frame.valid, frame.age
    )
    # Of what a client may change of a frame: other parameters or another interval make another
    # edition.
    window = f"{resolved.fingerprint} {frame.start} {frame.end}"
    return Basis(sport, resolved, hashlib.sha256(window.encode()).hexdigest(), given)


def _restore(session: Session, basis: Basis, frame: Frame) -> FrameFold | None:
    saved = checkpoint(session, frame)
    if saved is None:
        return None
    try:
        return FrameFold.restore(basis.sport, basis.resolved, frame.start, frame.end, saved)
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
    outcome.document = document
    document["edition"] = edition(outcome)
    return document


def _keep(outcome: Outcome) -> None:
    """What the next tick goes on with, and whether this one stores and tells the whole document.

    It does when this process does not know what is stored, when the frame is refolded or has ended,
    and every ``WHOLE_EVERY`` otherwise, each frame of a squad in its own second.
    """
    frame, at, kept, document = outcome.frame, outcome.at, outcome.kept, outcome.document
    assert document is not None
    assert outcome.basis is not None
    assert outcome.fold is not None
    fresh = document["edition"] != frame.state.edition
    outcome.whole = kept is None or at >= kept.whole_due or outcome.ended or fresh
    if kept is None:
        due = at + 1_000 * (1 + frame.id % 10)
        told = publish.Told.nothing(at, final=outcome.ended)
    else:
        due, told = (at + publish.WHOLE_EVERY if outcome.whole else kept.whole_due), kept.told
    stored = document if kept is None or outcome.whole else kept.stored
    outcome.kept = Kept(outcome.revision, outcome.basis, outcome.fold, stored, due, told, at)


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
    """Facts of arrival. ``dirty``: late samples are not in these values yet; ``refolded`` is when
    the frame was last folded from its first sample.
    """
    frame, news = outcome.frame, outcome.frame.news
    before = {} if outcome.frame.news_is_all else frame.state.arrival
    return {
        "late": before.get("late", 0) + (news.late if news else 0),
        "duplicates": before.get("duplicates", 0) + (news.duplicates if news else 0),
        "batches": before.get("batches", 0) + (news.batches if news else 0),
        "offset_ms": frame.offset_ms,
        "dirty": outcome.dirty,
        "refolded": outcome.at if outcome.anew else frame.state.refolded_at,
    }
