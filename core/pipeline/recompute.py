"""Working off the plan of stale results: each frame folded anew, a new edition beside the old.

Result and plan are changed in one commit, so that a frame is computed anew once however often this
is killed and begun again. Workers may go on meanwhile: a frame that they changed is left waiting.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session

from core.clock import now
from core.models import Recomputation
from core.models.computed import DONE, FAILED, WAITING
from core.models.db import Database
from core.sport.registry import Registry

from . import stale, summaries
from .compute import fold_anew
from .outcomes import store

PAGE = 500  # frames read of the plan at a time


@dataclass
class Done:
    """What one run came to: frames computed anew, frames that failed, and whether it was to stop
    before the end."""

    recomputed: int = 0
    failed: int = 0
    stopped: bool = False


def run(
    db: Database,
    registry: Registry,
    sport: str | None = None,
    limit: int | None = None,
    *,
    stop: Callable[[], bool],
    tell: Callable[[int], None],
) -> Done:
    """Compute frames that wait in the plan, ``limit`` at most, until ``stop`` says so between two;
    ``tell`` is called after each with its id.
    """
    done = Done()
    for frame_id in _plan(db, registry, sport):
        done.stopped = stop()
        if done.stopped or done.recomputed + done.failed == limit:
            break
        state = _one(db, registry, frame_id)
        done.recomputed += state == DONE
        done.failed += state == FAILED
        tell(frame_id)
    return done


def _plan(db: Database, registry: Registry, sport: str | None) -> Iterator[int]:
    """Each frame that waits, once."""
    last = 0
    while frames := db.read(
        partial(stale.waiting, registry=registry, sport=sport, after=last, limit=PAGE)
    ):
        yield from frames
        last = frames[-1]


def _one(db: Database, registry: Registry, frame_id: int) -> str:
    """Fold one frame anew and store it; the state in the plan that it came to. What raises leaves
    the edition before it as it is.
    """
    at = now()
    outcomes = fold_anew(db, registry, frame_id, at)

    def commit(session: Session) -> str:
        row = session.get(Recomputation, frame_id, with_for_update=True)
        if row is None or row.state != WAITING:
            return ""  # deleted with its frame, or somebody else was here
        errors = [o.error for o in outcomes if o.error is not None]
        if errors:
            row.state, row.reason, row.finished = FAILED, errors[0], at
        elif len(store(session, outcomes)) == len(outcomes):
            row.state, row.finished = DONE, at
            summaries.owe_anew(session, registry, [o.frame for o in outcomes], at)
        return row.state

    return db.write(commit)
