"""Playing a finished time frame again: one short job per message, owed a second ahead.

A worker is never held: a step folds the samples that have become due, tells what changed and saves
the fold. Where steps come late the next one has more to fold, so that the pace stays. The last
message is the final document; an empty one after it ends the stream.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import policy
from core.channels import Live
from core.clock import now
from core.models import ComputedData, Replay, TimeFrame, User
from core.models.db import Database
from core.models.outbox import REPLAY, owe, settle
from core.policy import Actor
from core.sport import StateMismatch
from core.sport.registry import Registry
from core.sport.runner import FrameFold

from . import publish, store
from .folding import basis_of, read_since, read_whole
from .frames import Frame, of_frame
from .pace import ALONE, BEGIN_WITHIN, STEP
from .preprocess import chunk

WHOLE_EVERY = 10  # messages

Listeners = Callable[[str], int]  # of a replay, by its name
Tell = Callable[[str, Sequence[Live]], None]

log = structlog.get_logger(__name__)


@dataclass
class Step:
    """What one step came to: how the row will stand, and what is told."""

    begun: int | None
    seq: int
    saved: bytes | None
    messages: list[Live]
    done: bool


def step(
    db: Database,
    registry: Registry,
    listeners: Listeners,
    tell: Tell,
    replay_id: int,
    owed: tuple[int, int] | None = None,
) -> bool:
    """Play what is due; False when the replay has ended."""
    at = now()
    row = db.read(lambda session: session.get(Replay, replay_id))
    if row is None or row.done:
        db.write(lambda session: settle(session, *owed) if owed else None)
        return False
    count = listeners(row.name)
    heard = at if count else row.heard
    if count:
        taken = db.read(lambda session: _play(session, registry, row, at, count > row.listeners))
    else:
        left = at - heard >= (BEGIN_WITHIN if row.begun is None else ALONE)
        taken = Step(row.begun, row.seq, row.saved, [], left)

    def commit(session: Session) -> None:
        if owed:
            settle(session, *owed)
        kept = session.get(Replay, replay_id, with_for_update=True)
        if kept is None:
            return
        kept.begun, kept.seq, kept.saved = taken.begun, taken.seq, taken.saved
        kept.heard, kept.listeners, kept.done = heard, count, taken.done
        if not taken.done:
            # On the beat, however late this step was.
            passed = 0 if taken.begun is None else (at - taken.begun) % STEP
            owe(session, REPLAY, replay_id, due=at + STEP - passed)

    db.write(commit)
    tell(row.name, taken.messages)
    return not taken.done


def _play(session: Session, registry: Registry, row: Replay, at: int, fresh: bool) -> Step:
    """Fold up to where the replay is now. ``fresh``: somebody new listens, who needs it whole."""
    frames = of_frame(session, row.timeframe_id)
    end = Live(row.timeframe_id, row.seq + 1, b"")
    if not frames or not _may(session, row):
        return Step(row.begun, row.seq + 1, None, [end], True)
    frame = frames[0]
    runs = store.ranges(session, frame.device_id, frame.start, frame.end)
    if not runs:
        return Step(row.begun, row.seq + 1, None, [end], True)
    begun = at if row.begun is None else row.begun
    position = runs[0].start + round((at - begun) * row.speed)
    begun, position = _over_gaps(runs, begun, position, row.speed)
    final = position > runs[-1].stop
    fold, before = _restored(registry, row, frame)
    shown = None if before is None else _document(before, row, frame, session, False)
    for stream, columns in read_since(session, frame, fold, min(frame.end, position + 1)).items():
        fold.advance(chunk(columns, stream), stream)
    if final and fold.batches:
        fold.batch(read_whole(session, frame, fold))
    document = _document(fold.document(final), row, frame, session, final)
    whole = final or fresh or row.seq % WHOLE_EVERY == 0
    data = _changed(shown, document, whole, final)
    messages = [Live(frame.id, row.seq + 1, publish.packed(data))]
    if final:
        messages.append(Live(frame.id, row.seq + 2, b""))
    saved = None if final else fold.snapshot()
    return Step(begun, row.seq + len(messages), saved, messages, final)


def _may(session: Session, row: Replay) -> bool:
    user = session.get(User, row.user_id)
    frame = session.get(TimeFrame, row.timeframe_id)
    if user is None or frame is None:
        return False
    return policy.allowed(session, Actor(user.id, user.role), "computed.read", frame)


def _over_gaps(
    runs: Sequence[store.Range], begun: int, position: int, speed: float
) -> tuple[int, int]:
    """Silences of more than five minutes are skipped: the replay stands where the next run of
    samples begins, as if it had begun earlier.
    """
    for before, after in pairwise(runs):
        if before.stop < position < after.start:
            return begun - round((after.start - position) / speed), after.start
    return begun, position


def _restored(
    registry: Registry, row: Replay, frame: Frame
) -> tuple[FrameFold, dict[str, Any] | None]:
    """The fold as the step before left it, and its document then. A fold that does not fit any more
    begins anew: the frame was changed meanwhile.
    """
    basis = basis_of(registry, frame)
    fresh = FrameFold(basis.sport, basis.resolved, frame.start, frame.end)
    if row.saved is None:
        return fresh, None
    try:
        fold = FrameFold.restore(basis.sport, basis.resolved, frame.start, frame.end, row.saved)
    except StateMismatch as mismatch:
        log.info("replay begins anew", replay=row.id, reason=str(mismatch))
        return fresh, None
    return fold, fold.document(False)


def _document(
    made: dict[str, Any], row: Replay, frame: Frame, session: Session, final: bool
) -> dict[str, Any]:
    """With what only the pipeline knows, as it stands for the stored result."""
    state = frame.state
    document = {**made, "edition": state.edition, "last_computation": state.computed_at}
    document["quality"] = {**made["quality"], "arrival": state.arrival}
    document["replay"] = {"speed": row.speed, "final": final}
    if final:
        stored = session.scalar(
            select(ComputedData.document).where(
                ComputedData.timeframe_id == frame.id, ComputedData.edition == state.edition
            )
        )
        document["input"] = None if stored is None else stored["input"]
    return document


def _changed(
    before: dict[str, Any] | None, document: dict[str, Any], whole: bool, final: bool
) -> dict[str, Any]:
    told = publish.Told.nothing(0, final=final)
    if before is not None:
        publish.message(told, before, 0, whole=True)
        told.series_at = -publish.WHOLE_EVERY
    return publish.message(told, document, 1, whole=whole or before is None)
