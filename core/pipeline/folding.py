"""Folding frames: on from what this process kept, else from the saved state, else anew.

Nothing is stored here. Whatever a sport raises is the error of that one frame.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy.orm import Session

from core.sport import StateMismatch
from core.sport.columns import SAMPLES, STREAMS
from core.sport.parameters import resolve_parameters
from core.sport.registry import Registry
from core.sport.runner import FrameFold

from . import publish, store
from .columns import Columns, size
from .frames import Frame, checkpoint
from .outcomes import Basis, Hot, Kept, Outcome, edition
from .preprocess import chunk, wanted

REFOLD_EVERY = 10_000  # ms; late samples refold a frame at most this often (metrics.md R2)
QUIET = 10_000  # ms without new values, then a frame that has ended is closed
MESSAGE_EVERY = 900  # ms between two computations of a frame that goes on
BATCH_EVERY = 60_000  # ms between two runs of a frame's batch metrics while it goes on
TOGETHER = 60_000  # ms: frames whose new samples begin so close are read in one statement

Rows = dict[str, Columns]  # by stream

log = structlog.get_logger(__name__)


def refold_due(frame: Frame) -> int:
    return (frame.state.refolded_at or 0) + REFOLD_EVERY


def anew(session: Session, registry: Registry, frame: Frame, at: int) -> Outcome:
    """The frame folded from its first sample."""
    outcome = Outcome(frame, at, anew=True)
    _fold(session, registry, outcome, None)
    return outcome


def advance(
    session: Session, registry: Registry, behind: Sequence[Frame], at: int, hot: Hot, most: int
) -> tuple[list[Outcome], list[int], bool]:
    """What is new of ``most`` frames that are behind, folded; when those that were put off are due;
    and whether no more were due now.
    """
    outcomes: list[Outcome] = []
    again: list[int] = []
    last = True
    for frame in behind:
        late = _late(frame)
        due, whole = _due(frame, late, at)
        if due > at:
            again.append(due)
            continue
        if len(outcomes) == most:
            last = False
            break
        outcome = Outcome(frame, at, anew=whole, dirty=not whole and (late or frame.state.dirty))
        # Taken out: a fold that went on and was not stored is of no further use.
        kept = hot.pop(frame.id, None)
        if not whole and kept is not None and kept.revision == frame.state.revision:
            outcome.kept = kept
        outcomes.append(outcome)
    rows = _read_together(session, [o for o in outcomes if o.kept is not None])
    for outcome in outcomes:
        _fold(session, registry, outcome, rows.get(outcome.frame.id))
    return outcomes, again, last


def _late(frame: Frame) -> bool:
    """Whether something came that the fold, in the stream it is of, has passed already."""
    if frame.news is None:
        return False
    last = {SAMPLES: frame.state.last_t, **(frame.state.last or {})}
    passed = ((t0, last.get(stream)) for stream, t0 in frame.news.t0.items())
    return any(at is not None and t0 <= at for t0, at in passed)


def _due(frame: Frame, late: bool, at: int) -> tuple[int, bool]:
    """When the frame may be computed, and whether from its first sample."""
    state = frame.state
    reopened = state.closed and frame.stored is not None
    cannot_go_on = reopened or state.checkpoint_at is None
    if cannot_go_on:
        return refold_due(frame), True
    refolds = (late or state.dirty) and refold_due(frame) <= at
    return (state.computed_at or 0) + MESSAGE_EVERY, refolds


def _read_together(session: Session, outcomes: Sequence[Outcome]) -> dict[int, Rows]:
    """What is new of frames whose folds are in memory, stream by stream: the samples of all, of the
    other streams what the news say is there.
    """
    folds = {o.frame.id: o.kept.fold for o in outcomes if o.kept is not None}
    found: dict[int, Rows] = {o.frame.id: {} for o in outcomes}
    for stream in STREAMS:
        since: dict[int, int] = {}
        for outcome in outcomes:
            frame, fold = outcome.frame, folds[outcome.frame.id]
            t0 = frame.news.t0.get(stream) if frame.news is not None else None
            if stream == SAMPLES:
                since[frame.id] = _since(frame, fold, stream)
            elif stream in fold.streams and t0 is not None:
                since[frame.id] = max(_since(frame, fold, stream), t0)
        inputs = {name for frame in since for name in folds[frame].reads(stream)}
        frames = [o.frame for o in outcomes if o.frame.id in since]
        rows = _read_stream(session, stream, frames, since, wanted(stream, sorted(inputs)))
        for frame_id, columns in rows.items():
            found[frame_id][stream] = columns
    return found


def _read_stream(
    session: Session,
    stream: str,
    frames: Sequence[Frame],
    since: Mapping[int, int],
    names: Sequence[str],
) -> dict[int, Columns]:
    """One statement for frames whose rows begin close to each other, one for each other frame."""
    newest = max(since.values(), default=0)
    near = [frame for frame in frames if since[frame.id] >= newest - TOGETHER]
    wishes = [store.Wish(frame.device_id, since[frame.id], frame.end) for frame in near]
    read = store.read_each(session, stream, wishes, names)
    found = {frame.id: columns for frame, columns in zip(near, read, strict=True)}
    for frame in frames:
        if frame.id not in found:
            found[frame.id] = store.read(
                session, frame.device_id, stream, since[frame.id], frame.end, names
            )
    return found


def _since(frame: Frame, fold: FrameFold, stream: str) -> int:
    last = fold.last(stream)
    return frame.start if last is None else last + 1


def read_since(session: Session, frame: Frame, fold: FrameFold, stop: int) -> Rows:
    """What a fold has not seen yet of each stream that its sport reads, before ``stop``."""
    rows: Rows = {}
    for stream in fold.streams:
        since = _since(frame, fold, stream)
        if since < stop:
            names = wanted(stream, fold.reads(stream))
            rows[stream] = store.read(session, frame.device_id, stream, since, stop, names)
    return rows


def _fold(session: Session, registry: Registry, outcome: Outcome, rows: Rows | None) -> None:
    """Fold what is new since the fold in memory, the saved state, or the frame's start. ``rows``
    are what is new where it has been read already.
    """
    frame, kept = outcome.frame, outcome.kept
    try:
        basis = outcome.basis = basis_of(registry, frame, kept)
        if kept is not None and kept.basis is not basis:
            kept = outcome.kept = rows = None
        fold = kept.fold if kept is not None else None
        if fold is None and not outcome.anew:
            fold = _restore(session, basis, frame)
        outcome.anew = fold is None
        if fold is None:
            fold = FrameFold(basis.sport, basis.resolved, frame.start, frame.end)
        if rows is None:
            rows = read_since(session, frame, fold, frame.end)
        chunks = {stream: chunk(columns, stream) for stream, columns in rows.items()}
        for stream, columns in chunks.items():
            fold.advance(columns, stream)
        if _batch_due(outcome, fold):
            fold.batch(chunks if outcome.anew else read_whole(session, frame, fold))
            outcome.batched = True
        outcome.fold = fold
        outcome.document = _document(fold, outcome, chunks)
        _keep(outcome)
    except Exception as error:
        log.exception("time frame cannot be computed", timeframe=frame.id, sport=frame.sport)
        outcome.error = f"{type(error).__name__}: {error}"
        outcome.document = outcome.kept = None


def _batch_due(outcome: Outcome, fold: FrameFold) -> bool:
    """Batch metrics are run over a whole frame: once it has ended, else once a minute at most."""
    if not fold.batches:
        return False
    if outcome.anew or outcome.ended or outcome.kept is None:
        return True
    return not fold.batched or outcome.at >= outcome.kept.batched + BATCH_EVERY


def read_whole(session: Session, frame: Frame, fold: FrameFold) -> Rows:
    """All rows of the streams that batch metrics read, as they read them."""
    rows: Rows = {}
    for stream in fold.batches:
        names = wanted(stream, fold.reads(stream))
        columns = store.read(session, frame.device_id, stream, frame.start, frame.end, names)
        rows[stream] = chunk(columns, stream)
    return rows


def basis_of(registry: Registry, frame: Frame, kept: Kept | None = None) -> Basis:
    """What a fold of the frame is of; what was kept, where it is the same."""
    given = (
        frame.sport, frame.activity_json, frame.params, frame.profile, frame.valid, frame.age,
        frame.start, frame.end,
    )  # fmt: skip
    if kept is not None and kept.basis.given == given:
        return kept.basis
    sport = registry.of_frame(frame.sport, frame.params)
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


def _document(fold: FrameFold, outcome: Outcome, chunks: Rows) -> dict[str, Any]:
    """The sport's document and what only the pipeline knows (contract/touchline.md section 6)."""
    document = fold.document(final=outcome.ended)
    document["last_computation"] = outcome.at
    digest = input_digest(chunks) if outcome.anew else None
    samples, *others = fold.counts.items()
    document["input"] = {"samples": samples[1], "streams": dict(others), "digest": digest}
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
    batched = at if outcome.batched or kept is None else kept.batched
    outcome.kept = Kept(
        outcome.revision, outcome.basis, outcome.fold, stored, due, told, at, batched, document
    )


def input_digest(chunks: Rows) -> str:
    """SHA-256 over what was folded: of the samples each column's name and little-endian values, in
    the order of names, then of each other stream that has rows its name and the same. None of a
    fold that went on from a saved state: it did not see all samples.
    """
    digest = hashlib.sha256()
    for stream in STREAMS:
        columns = chunks.get(stream)
        if columns is None or (stream != SAMPLES and not size(columns)):
            continue
        if stream != SAMPLES:
            digest.update(stream.encode())
        for name in sorted(columns):
            digest.update(name.encode())
            digest.update(columns[name].tobytes())
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
