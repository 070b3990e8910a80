"""What computations came to, and storing it: cursor and values of all of an activity's frames in a
fixed number of statements.

A live document grows to tens of kilobytes of which a tick changes a few hundred bytes. So a tick
stores what the values gained (core.pipeline.delta) in the row of the cursor; the whole document and
the fold's state are stored every ``WHOLE_EVERY``, and whenever this process does not know what
stands there. Who reads joins the two, so that REST never lags behind the stream.
"""

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from core.models import ComputeCheckpoint, ComputedData, ComputeState
from core.models.base import table_of
from core.models.outbox import REFOLD, owe
from core.sport import Sport
from core.sport.parameters import Resolved
from core.sport.runner import FrameFold
from core.sport.versions import stamp

from . import publish, results
from .delta import delta
from .frames import Frame, State

MOST_FAILURES = 3
RETRY_AFTER = 10_000  # ms after a sport raised
KEPT_FOR = 600_000  # ms that a frame without ticks stays in memory


class Basis(NamedTuple):
    """What a fold is of, beside samples; ``given`` is what it was made from."""

    sport: Sport
    resolved: Resolved
    fingerprint: str
    given: tuple[Any, ...]


@dataclass
class Kept:
    """What the process of the live queue keeps of a frame between ticks, good for ``revision``.
    ``document`` is the newest, ``stored`` the one last stored whole, which is due again at
    ``whole_due``.
    """

    revision: int
    basis: Basis
    fold: FrameFold
    stored: dict[str, Any]
    whole_due: int
    told: publish.Told
    used: int
    batched: int  # when batch metrics were last run
    document: dict[str, Any]


Hot = MutableMapping[int, Kept]  # by time frame, in the order of use


@dataclass
class Outcome:
    """What one computation of one frame came to, to be stored as it stands. ``whole``: the document
    is stored and told whole."""

    frame: Frame
    at: int
    basis: Basis | None = None
    fold: FrameFold | None = None
    document: dict[str, Any] | None = None
    kept: Kept | None = None
    anew: bool = False
    batched: bool = False
    whole: bool = True
    dirty: bool = False
    error: str | None = None

    @property
    def ended(self) -> bool:
        return self.frame.end <= self.at

    @property
    def was_closed(self) -> bool:
        """A frame that was closed without any sample is open again when the first come."""
        return self.frame.state.closed and (self.frame.stored is not None or _silent(self))

    @property
    def revision(self) -> int:
        return self.frame.state.revision + 1


def store(session: Session, outcomes: Sequence[Outcome], *, close: bool = False) -> list[Outcome]:
    """Store what was computed of frames that nobody changed meanwhile; returns those outcomes.
    Frames that were deleted meanwhile are neither stored nor lost.
    """
    ids = {"frames": [o.frame.id for o in outcomes]}
    rows = session.connection().execute(_REVISIONS, ids)
    found = {row.timeframe_id: row.revision for row in rows}
    sound = [o for o in outcomes if found.get(o.frame.id) == o.frame.state.revision]
    _store_failures(session, [o for o in sound if o.document is None])
    computed = [o for o in sound if o.document is not None]
    stands = {o.frame.id: _state(o, close=close) for o in computed}
    if computed:
        session.connection().execute(_STATES, list(stands.values()))
        _store_documents(session, [o for o in computed if o.whole and not _silent(o)])
        _store_checkpoints(session, [o for o in computed if o.whole])
    for outcome in computed:
        if not _silent(outcome):
            _announce(session, outcome, stands[outcome.frame.id])
    gone = [o for o in outcomes if o.frame.id not in found]
    return sound + gone


def _silent(outcome: Outcome) -> bool:
    """Nothing to say before the first sample: the API answers edition 0."""
    return outcome.frame.stored is None and (outcome.fold is None or outcome.fold.empty)


def edition(outcome: Outcome) -> int:
    """Live ticks stay within their edition; a closed result or other parameters make the next."""
    state, stored = outcome.frame.state, outcome.frame.stored
    if _silent(outcome):
        return state.edition
    if stored is None:
        return state.edition + 1
    assert outcome.document is not None
    assert outcome.basis is not None
    moved = stored[0] != outcome.document["digest"]
    fresh = moved and (state.closed or stored[1] != outcome.basis.fingerprint)
    return state.edition + 1 if fresh else state.edition


def _store_failures(session: Session, failures: Sequence[Outcome]) -> None:
    if failures:
        session.execute(
            update(ComputeState),
            [
                {
                    "timeframe_id": o.frame.id,
                    "revision": o.revision,
                    "computed_at": o.at,
                    "error": o.error,
                    "failures": o.frame.state.failures + 1,
                }
                for o in failures
            ],
        )
    for outcome in failures:
        if outcome.frame.state.failures + 1 < MOST_FAILURES:
            owe(session, REFOLD, outcome.frame.id, due=outcome.at + RETRY_AFTER)


def _state(outcome: Outcome, *, close: bool) -> dict[str, Any]:
    """The row of the cursor."""
    frame, fold, document = outcome.frame, outcome.fold, outcome.document
    state = frame.state
    assert fold is not None
    assert document is not None
    assert outcome.basis is not None
    known = None if outcome.whole or outcome.kept is None else outcome.kept.stored
    return {
        "frame": frame.id,
        "new_edition": document["edition"],
        "new_revision": outcome.revision,
        "new_seq": frame.ingest_seq,
        "new_last_t": fold.last_t,
        "new_last": {
            stream: t for stream in fold.streams[1:] if (t := fold.last(stream)) is not None
        },
        "new_fingerprint": outcome.basis.fingerprint,
        "new_versions": stamp(outcome.basis.sport),
        "new_checkpoint_at": outcome.at if outcome.whole else state.checkpoint_at,
        "new_live": None if known is None else delta(known, document),
        "new_dirty": outcome.dirty,
        "new_computed_at": outcome.at,
        "new_refolded_at": outcome.at if outcome.anew else state.refolded_at,
        "new_closed": outcome.was_closed or (close and outcome.ended),
        "new_arrival": document["quality"]["arrival"],
        "new_failures": 0,
        "new_error": None,
    }


# Statements made once: each tick carries them out for each of its frames.
_REVISIONS = (
    select(ComputeState.timeframe_id, ComputeState.revision)
    .where(ComputeState.timeframe_id.in_(bindparam("frames", expanding=True)))
    .order_by(ComputeState.timeframe_id)
    .with_for_update()
)
_STATES = (
    update(table_of(ComputeState))
    .where(ComputeState.timeframe_id == bindparam("frame"))
    .values(
        {
            column.name: bindparam(f"new_{column.name}", type_=column.type)
            for column in table_of(ComputeState).columns
            if not column.primary_key
        }
    )
)
_VALUES = ("document", "digest", "fingerprint", "created")
_DOCUMENT = (
    update(table_of(ComputedData))
    .where(
        ComputedData.timeframe_id == bindparam("frame"),
        ComputedData.edition == bindparam("number"),
    )
    .values({name: bindparam(f"new_{name}") for name in _VALUES})
)


def _store_documents(session: Session, outcomes: Iterable[Outcome]) -> None:
    fresh, again = [], []
    for outcome in outcomes:
        document, basis = outcome.document, outcome.basis
        assert document is not None
        assert basis is not None
        values = {
            "document": document,
            "digest": document["digest"],
            "fingerprint": basis.fingerprint,
            "created": outcome.at,
        }
        number = document["edition"]
        if number != outcome.frame.state.edition:
            fresh.append({"timeframe_id": outcome.frame.id, "edition": number, **values})
        else:
            place = {"frame": outcome.frame.id, "number": number}
            again.append(place | {f"new_{name}": value for name, value in values.items()})
    if fresh:
        session.execute(insert(ComputedData), fresh)
    if again:
        session.connection().execute(_DOCUMENT, again)


def _announce(session: Session, outcome: Outcome, row: dict[str, Any]) -> None:
    """The events of a stored result."""
    state, document = outcome.frame.state, outcome.document
    assert document is not None
    replaced = outcome.frame.stored is not None and row["new_edition"] != state.edition
    stands = State(*(row[f"new_{name}"] for name in State._fields))
    results.tell(session, outcome.frame.id, stands, document, state, replaced=replaced)


def _store_checkpoints(session: Session, outcomes: Iterable[Outcome]) -> None:
    first: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for outcome in outcomes:
        assert outcome.fold is not None
        row = {"timeframe_id": outcome.frame.id, "saved": outcome.fold.snapshot()}
        (first if outcome.frame.state.checkpoint_at is None else again).append(row)
    if first:
        session.execute(insert(ComputeCheckpoint), first)
    if again:
        session.execute(update(ComputeCheckpoint), again)


def keep(outcomes: Iterable[Outcome], hot: Hot) -> None:
    """After the commit: what was computed may be gone on with."""
    for outcome in outcomes:
        if outcome.kept is not None:
            hot[outcome.frame.id] = outcome.kept


def forget(hot: Hot, at: int) -> None:
    """Let go of frames without ticks for long: they have ended, or another worker has them."""
    for frame, kept in list(hot.items()):
        if kept.used > at - KEPT_FOR:
            break
        del hot[frame]


def messages(outcomes: Iterable[Outcome]) -> list[publish.Message]:
    """What to tell of stored outcomes, each in the measure of what was told before."""
    found = []
    for outcome in outcomes:
        data = _told(outcome)
        if data:
            frame = outcome.frame
            found.append(publish.Message(frame.activity_id, frame.id, outcome.revision, data))
    return found


def _told(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return {"error": outcome.error}
    if outcome.document is None or outcome.kept is None or _silent(outcome):
        return {}
    shown = outcome.document
    if outcome.frame.state.error is not None:
        shown = {**shown, "error": None}
    return publish.message(outcome.kept.told, shown, outcome.at, whole=outcome.whole)
