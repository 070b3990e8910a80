"""The acceptor's writer: batches that arrive together are committed together.

One thread (a greenlet under gevent) per process takes whatever waits in the queue and commits it in
one transaction; while that commit runs, the next group gathers by itself. So a lone batch waits for
nobody and a busy moment pays one commit for all (design/performance.md section 2b). A batch is
acknowledged only after its commit.

A device may number its batches (``n``). Numbers rise with the commits: a new batch whose number is
not above the highest committed is refused. So the order of ``seq``, by which readers decide what
was written last, is the order of ``n`` too. A number may be left out, but not be filled in later.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import BigInteger, bindparam, insert, select, update
from sqlalchemy.orm import Session

from core import metrics
from core.clock import now
from core.errors import Conflict, NotFound, Unavailable
from core.models import TimeFrame, UplinkBatch
from core.models.base import table_of
from core.models.db import Database
from core.models.outbox import MERGE, TICK, owe, owe_each

from . import merge, progress, store
from .columns import Columns
from .increments import Increment
from .uplink import Batch, of_streams

MOST_IN_ONE_COMMIT = 256
COALESCE = 60  # ms in which the batches of one activity join one tick
MERGE_AFTER = 60_000  # ms from a device's first batch to the first merge of its hot tail

log = structlog.get_logger(__name__)


@dataclass
class Waiting:
    """One submitted batch and where its outcome goes. ``after`` is the one that its device sent
    before it: where that is lost, so is this one, or its number would bar the way for the repeat.
    """

    device_id: int
    batch: Batch
    received: int
    pieces: list[store.Piece]
    after: "Waiting | None" = None
    done: threading.Event = field(default_factory=threading.Event)
    response: dict[str, Any] | None = None
    error: Exception | None = None

    @property
    def fresh(self) -> int:
        """How many samples the commit accepted that were not here before."""
        if self.response is None or self.response["duplicate"]:
            return 0
        return self.batch.n

    def result(self) -> dict[str, Any]:
        """Block until the batch is committed and return the answer's body.

        Raises Conflict for a known batch id with other content and for a number that is not above
        the highest committed, NotFound for an unknown device, Unavailable when the database refused
        the commit (the device sends again).
        """
        self.done.wait()
        if self.error is not None:
            raise self.error
        assert self.response is not None
        return self.response

    def lost(self) -> bool:
        """It is settled that the batch was not stored, through no fault of its own."""
        return isinstance(self.error, Unavailable)


def _nobody(_: Sequence[Increment]) -> None:
    """Without readers there is nobody to tell."""


class Writer:
    """Group commit of uplink batches; one per process."""

    def __init__(self, db: Database, tell: Callable[[Sequence[Increment]], None] = _nobody) -> None:
        """``tell`` gets what was committed, once its senders are answered."""
        self._db, self._tell = db, tell
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()

    def submit(self, device_id: int, batch: Batch, received: int) -> dict[str, Any]:
        """Block until ``batch`` is committed and return the answer's body; see Waiting.result."""
        return self.put(device_id, batch, received).result()

    def put(
        self, device_id: int, batch: Batch, received: int, after: Waiting | None = None
    ) -> Waiting:
        """Have ``batch`` committed, after all that was put before it; its outcome is awaited by
        ``Waiting.result``. ``after``: the batch that the device numbered before this one.
        """
        waiting = Waiting(device_id, batch, received, store.tail_pieces(batch.streams), after)
        self._ensure_started()
        self._queue.put(waiting)
        return waiting

    def close(self) -> None:
        """Commit what waits and stop."""
        with self._start:
            if self._thread is not None:
                self._queue.put(None)
                self._thread.join()
                self._thread = None

    def _ensure_started(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            group = [self._queue.get()]
            while len(group) < MOST_IN_ONE_COMMIT:
                try:
                    group.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            stopping = None in group
            batches = [waiting for waiting in group if waiting is not None]
            if batches:
                self._commit(batches)
            if stopping:
                return

    def _commit(self, group: list[Waiting]) -> None:
        accepted: list[Increment] = []
        try:
            accepted = self._db.write(lambda session: accept(session, group))
        except Exception as error:
            log.exception("uplink commit failed", batches=len(group))
            refusal = _unavailable()
            refusal.__cause__ = error
            for waiting in group:
                waiting.error, waiting.response = refusal, None
        else:
            metrics.SAMPLES.inc(sum(waiting.fresh for waiting in group))
        for waiting in group:
            waiting.after = None  # not a chain of all batches that a device ever sent
            waiting.done.set()
        if accepted:
            self._tell(accepted)


def _unavailable() -> Unavailable:
    return Unavailable("the batches could not be stored now; send them again")


def accept(session: Session, group: Sequence[Waiting]) -> list[Increment]:
    """Store a group of batches: ledger, tail, device facts and the work they cause. Returns what
    is new.
    """
    devices = progress.lock(session, {waiting.device_id for waiting in group})
    known = _known_batches(session, group)
    rows: list[dict[str, Any]] = []
    arrivals: list[store.Arrival] = []
    new: list[Increment] = []
    for waiting in group:
        device, key = devices.get(waiting.device_id), (waiting.device_id, waiting.batch.batch)
        number = waiting.batch.number
        if device is None:
            waiting.error = NotFound(f"no device {waiting.device_id}")
        elif waiting.after is not None and waiting.after.lost():
            waiting.error = _unavailable()
        elif key in known:
            known[key].answer_again(waiting)
            if waiting.error is None and number is not None:
                device.last_number = max(device.last_number, number)
        elif number is not None and number <= device.last_number:
            waiting.error = _behind(number, device.last_number)
        else:
            if device.last_contact is None or waiting.received - device.last_contact > merge.QUIET:
                # From here on the merge job asks for itself until the device is quiet again.
                owe(session, MERGE, device.id, due=waiting.received + MERGE_AFTER)
            row = device.take(waiting.batch, waiting.received)
            known[key] = _Known(row["content_hash"], row["response"])
            waiting.response = row["response"]
            rows.append(row)
            arrivals.append(store.Arrival(device.id, row["seq"], waiting.pieces))
            new.append(Increment(device.id, row["seq"], waiting.batch.streams))
    progress.save(session, devices.values())
    if rows:
        session.connection().execute(_LEDGER, rows)
        store.append(session, arrivals)
        owe_ticks(session, rows)
    _count_repeats(session, known)
    return new


def _behind(number: int, last: int) -> Conflict:
    why = f"{number} is not above {last}, the highest that is committed"
    return Conflict(f"/n: {why}", errors=[{"pointer": "/n", "detail": why}])


@dataclass
class _Known:
    """A batch of the ledger, and how often this group repeats it."""

    content_hash: str
    response: dict[str, Any]
    repeats: int = 0

    def answer_again(self, waiting: Waiting) -> None:
        name = waiting.batch.batch
        if self.content_hash != waiting.batch.content_hash:
            waiting.error = Conflict(f"batch {name!r} was accepted before with other content")
        else:
            waiting.response = {**self.response, "duplicate": True}
            self.repeats += 1


def _known_batches(session: Session, group: Sequence[Waiting]) -> dict[tuple[int, str], _Known]:
    names = {
        "devices": list({waiting.device_id for waiting in group}),
        "batches": list({waiting.batch.batch for waiting in group}),
    }
    rows = session.connection().execute(_BATCHES, names)
    return {(device, batch): _Known(*rest) for device, batch, *rest in rows}


def _count_repeats(session: Session, known: dict[tuple[int, str], _Known]) -> None:
    for (device_id, name), batch in known.items():
        if batch.repeats:
            session.execute(
                update(UplinkBatch)
                .where(UplinkBatch.device_id == device_id, UplinkBatch.batch == name)
                .values(repeats=UplinkBatch.repeats + batch.repeats)
            )


@dataclass(frozen=True)
class WholeFile:
    """A file's samples as one batch, its blocks sealed before the commit."""

    batch: Batch
    sealed: list[dict[str, object]]

    @classmethod
    def of(cls, name: str, streams: dict[str, Columns]) -> "WholeFile":
        return cls(of_streams(name, streams), store.seal(streams))


def accept_file(session: Session, device_id: int, file: WholeFile, at: int) -> int:
    """Store a file's samples; returns their number.

    A name that is in the ledger already is not stored again, so the job may run twice.
    """
    session.flush()  # what follows goes past the session's objects
    device = progress.lock(session, {device_id})[device_id]
    known = select(UplinkBatch.n).where(
        UplinkBatch.device_id == device_id, UplinkBatch.batch == file.batch.batch
    )
    stored = session.scalar(known)
    if stored is not None:
        return stored
    row = device.take(file.batch, at)
    progress.save(session, [device])
    session.connection().execute(_LEDGER, [row])
    store.append_blocks(session, device_id, row["seq"], file.sealed)
    owe(session, MERGE, device_id)
    owe_ticks(session, [row])
    return file.batch.n


def owe_ticks(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Owe a tick of each activity with a frame that accepted batches (ledger rows) touch."""
    spans: dict[int, tuple[int, int]] = {}
    for row in rows:
        t0, t1 = spans.get(row["device_id"], (row["t0"], row["t1"]))
        spans[row["device_id"]] = (min(t0, row["t0"]), max(t1, row["t1"]))
    if not spans:
        return
    # All that any of them may touch; each device's own span is looked at here.
    widest = {
        "devices": list(spans),
        "first": min(t0 for t0, _ in spans.values()),
        "last": max(t1 for _, t1 in spans.values()),
    }
    touched = {
        frame.activity_id
        for frame in session.connection().execute(_FRAMES, widest)
        if frame.start_time <= spans[frame.device_id][1]
        and frame.end_time > spans[frame.device_id][0]
    }
    owe_each(session, TICK, sorted(touched), due=now() + COALESCE)


# Made once: to put a statement together takes longer than a database to carry it out.
_LEDGER = insert(table_of(UplinkBatch))
_BATCHES = select(
    UplinkBatch.device_id, UplinkBatch.batch, UplinkBatch.content_hash, UplinkBatch.response
).where(
    UplinkBatch.device_id.in_(bindparam("devices", expanding=True)),
    UplinkBatch.batch.in_(bindparam("batches", expanding=True)),
)
_FRAMES = select(
    TimeFrame.activity_id, TimeFrame.device_id, TimeFrame.start_time, TimeFrame.end_time
).where(
    TimeFrame.device_id.in_(bindparam("devices", expanding=True)),
    TimeFrame.start_time <= bindparam("last", type_=BigInteger),
    TimeFrame.end_time > bindparam("first", type_=BigInteger),
)
