"""The sample store: parts of a device's stream in SQL, never a row per sample.

A *part* is a packed row of the hot tail (level 0) or a sealed block (levels 1 to 3). Every part
spans at most an hour, has no gap of more than five minutes inside, and has each time once. Until
the merge job has seen them parts may overlap in time; there the part with the highest ``seq_hi``
wins, sample by sample, which is the last written (docs/internals/sample-store.md says why).

Each query takes tail and blocks in one statement, so that a part that is being merged is seen in
one place or the other, never in none.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Row, Select, bindparam, func, insert, literal, select, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from core.models.base import table_of
from core.models.samples import SampleBlock, SampleTail

from . import blocks
from .columns import MAX_GAP, MINUTE, Columns, between, cut, empty, last_written, merge, size
from .columns import select as pick

MAX_SPAN = 60 * MINUTE
MAX_ROWS = 36_000
IMPORTED, SEALED = 2, 3  # levels: an import has not met its neighbours yet
_FOREVER = 2**62


class Piece(NamedTuple):
    """One part's worth of an accepted batch, packed for the tail."""

    stream: str
    t0: int
    t1: int
    n: int
    data: bytes


class Arrival(NamedTuple):
    """An accepted batch at the moment of its commit."""

    device_id: int
    seq: int
    pieces: Sequence[Piece]


class Range(NamedTuple):
    """Samples that follow each other: times of the first and the last, and their number."""

    start: int
    stop: int
    size: int


class Fetched(NamedTuple):
    """Samples with start ≤ t < stop as the database gave them: to open them is the costly part, and
    needs no session. ``rows``: which of them are meant, in order of time.
    """

    parts: Sequence[Row]
    start: int
    stop: int
    rows: slice = slice(None)

    def times(self) -> NDArray:
        return open_parts(self.parts, self.start, self.stop, set())["t"][self.rows]

    def open(self) -> Columns:
        """Raises ``CorruptBlock`` when stored bytes are not what was written."""
        if self.rows == slice(None):
            return open_parts(self.parts, self.start, self.stop)
        t = self.times()
        if not len(t):
            return empty()
        # By time a block is opened only where the rows are.
        start, stop = int(t[0]), int(t[-1]) + 1
        touched = [part for part in self.parts if part.t0 < stop and part.t1 >= start]
        return open_parts(touched, start, stop)


def tail_pieces(streams: Mapping[str, Columns]) -> list[Piece]:
    """Pack a batch (before the commit: this is the costly part of storing it)."""
    return [
        Piece(stream, int(piece["t"][0]), int(piece["t"][-1]), size(piece), blocks.pack(piece))
        for stream, columns in streams.items()
        for piece in cut(columns, rows=MAX_ROWS, span=MAX_SPAN)
    ]


def append(session: Session, arrivals: Iterable[Arrival]) -> None:
    """Insert the tail rows of accepted batches; ``seq`` rises with each commit of a device."""
    rows = [
        {"device_id": device_id, "seq": seq, **piece._asdict()}
        for device_id, seq, pieces in arrivals
        for piece in pieces
    ]
    if rows:
        session.connection().execute(_APPEND, rows)


def seal(streams: Mapping[str, Columns]) -> list[dict[str, object]]:
    """A whole file's samples as sealed blocks, for ``append_blocks`` (before the commit: encoding
    is the costly part). ``t`` of each stream must ascend.
    """
    return [
        sealed(stream, piece)
        for stream, columns in streams.items()
        for piece in cut(columns, rows=MAX_ROWS, span=MAX_SPAN)
    ]


def append_blocks(
    session: Session, device_id: int, seq: int, sealed_blocks: Iterable[Mapping[str, object]]
) -> None:
    """Insert the blocks of a file."""
    rows = [placed(block, device_id, (seq, seq), IMPORTED) for block in sealed_blocks]
    if rows:
        session.execute(insert(SampleBlock), rows)


def placed(
    block: Mapping[str, object], device_id: int, seqs: tuple[int, int], level: int
) -> dict[str, object]:
    """The row of a sealed block."""
    place = {"device_id": device_id, "seq_lo": seqs[0], "seq_hi": seqs[1], "level": level}
    return {**block, **place}


def sealed(stream: str, columns: Columns) -> dict[str, object]:
    """A sealed block and what the index says of it."""
    data = blocks.encode(columns, stream)
    return {
        "stream": stream,
        "t0": int(columns["t"][0]),
        "t1": int(columns["t"][-1]),
        "n": size(columns),
        "checksum": hashlib.sha256(data).hexdigest(),
        "data": data,
    }


def read(
    session: Session,
    device_id: int,
    stream: str,
    start: int,
    stop: int,
    columns: Sequence[str] | None = None,
) -> Columns:
    """The samples with start ≤ t < stop in ascending time, each time once (the last written).

    ``columns`` picks columns, in that order (one that was never stored is all NaN); None gives all
    that occur. Raises ``CorruptBlock`` when stored bytes are not what was written.
    """
    found = parts_of(session, device_id, stream, start, stop, data=True)
    joined = open_parts(found, start, stop, None if columns is None else set(columns))
    return joined if columns is None else pick(joined, columns)


class Wish(NamedTuple):
    """Samples of one device with start ≤ t < stop."""

    device_id: int
    start: int
    stop: int


def read_each(
    session: Session, stream: str, wishes: Sequence[Wish], columns: Sequence[str]
) -> list[Columns]:
    """``read`` for several devices in one statement; for wishes that lie close in time."""
    if not wishes:
        return []
    span = {
        "stream": stream,
        "devices": sorted({wish.device_id for wish in wishes}),
        "start": min(wish.start for wish in wishes),
        "stop": max(wish.stop for wish in wishes),
    }
    by_device: dict[int, list[Row]] = {}
    for part in session.execute(_PARTS_OF_MANY, span):
        by_device.setdefault(part.device_id, []).append(part)
    names, found = set(columns), []
    for wish in wishes:
        parts = [
            part
            for part in by_device.get(wish.device_id, ())
            if part.t0 < wish.stop and part.t1 >= wish.start
        ]
        found.append(pick(open_parts(parts, wish.start, wish.stop, names), columns))
    return found


def open_parts(
    parts: Iterable[Row],
    start: int = -_FOREVER,
    stop: int = _FOREVER,
    names: set[str] | None = None,
) -> Columns:
    """The samples of parts (with data) in [start, stop), merged by time and order of writing."""
    written = sorted(parts, key=lambda part: (part.seq_hi, part.t0))
    in_time = sorted(written, key=lambda part: part.t0)
    apart = all(a.t1 < b.t0 for a, b in pairwise(in_time))
    opened: list[Columns] = []
    for sealed, run in groupby(in_time if apart else written, lambda part: part.level > 0):
        if sealed:
            tables = [_load(part, start, stop, names) for part in run]
            # In order of writing blocks may stand in any order of time; ``merge`` wants parts that
            # ascend.
            opened.append(last_written(blocks.join(tables)))
        else:
            opened += [between(blocks.unpack(part.data, names), start, stop) for part in run]
    return merge(opened or [empty()])


def _load(part: Row, start: int, stop: int, names: set[str] | None) -> pa.Table:
    if hashlib.sha256(part.data).hexdigest() != part.checksum:
        raise blocks.CorruptBlock(f"block {part.id} does not have the checksum it was written with")
    inside = start <= part.t0 and part.t1 < stop
    return blocks.load(part.data, None if inside else start, None if inside else stop, names)


def parts_of(
    session: Session, device_id: int, stream: str, start: int, stop: int, *, data: bool = False
) -> Sequence[Row]:
    """The parts that touch [start, stop), in order of their first time: id, level (0 is the tail),
    t0, t1, n, seq_lo, seq_hi, and with ``data`` checksum and data.
    """
    interval = {"device_id": device_id, "stream": stream, "start": start, "stop": stop}
    return session.execute(_PARTS_WITH_DATA if data else _PARTS, interval).all()


def _parts_query(*, data: bool, many: bool = False) -> Select:
    def where(table: type[SampleTail] | type[SampleBlock]) -> list[ColumnElement[bool]]:
        return [
            table.device_id.in_(bindparam("devices", expanding=True))
            if many
            else table.device_id == bindparam("device_id"),
            table.stream == bindparam("stream"),
            table.t0 < bindparam("stop", type_=BigInteger),
            # No part is longer than MAX_SPAN: without this every older index entry is walked.
            table.t0 >= bindparam("start", type_=BigInteger) - MAX_SPAN,
            table.t1 >= bindparam("start", type_=BigInteger),
        ]

    tail = select(
        SampleTail.id,
        literal(0).label("level"),
        SampleTail.t0,
        SampleTail.t1,
        SampleTail.n,
        SampleTail.seq.label("seq_lo"),
        SampleTail.seq.label("seq_hi"),
        *([SampleTail.device_id] if many else []),
        *([literal("").label("checksum"), SampleTail.data] if data else []),
    ).where(*where(SampleTail))
    block = select(
        SampleBlock.id,
        SampleBlock.level,
        SampleBlock.t0,
        SampleBlock.t1,
        SampleBlock.n,
        SampleBlock.seq_lo,
        SampleBlock.seq_hi,
        *([SampleBlock.device_id] if many else []),
        *([SampleBlock.checksum, SampleBlock.data] if data else []),
    ).where(*where(SampleBlock))
    both = union_all(tail, block).subquery()
    return select(both).order_by(both.c.t0, both.c.seq_hi)


_APPEND = insert(table_of(SampleTail))
# Built once: SQLAlchemy takes longer to put these together than a database to answer them.
_PARTS = _parts_query(data=False)
_PARTS_WITH_DATA = _parts_query(data=True)
_PARTS_OF_MANY = _parts_query(data=True, many=True)


def overlapping(parts: Iterable[Row]) -> Iterator[list[Row]]:
    """Group parts, in order of their first time, into those that overlap in time."""
    group: list[Row] = []
    last = -_FOREVER
    for part in parts:
        if group and part.t0 > last:
            yield group
            group = []
        group.append(part)
        last = max(last, part.t1)
    if group:
        yield group


def iter_read(
    session: Session,
    device_id: int,
    stream: str,
    start: int,
    stop: int,
    columns: Sequence[str] | None = None,
) -> Iterator[Columns]:
    """``read`` in pieces, block by block, for answers that are streamed."""
    index = parts_of(session, device_id, stream, start, stop)
    at = start
    for group in overlapping(index):
        end = min(stop, max(part.t1 for part in group) + 1)
        piece = read(session, device_id, stream, at, end, columns)
        at = end
        if size(piece):
            yield piece


def fetch(session: Session, device_id: int, stream: str, start: int, stop: int) -> Fetched:
    """The samples with start ≤ t < stop, to be opened when the session is done with."""
    found = parts_of(session, device_id, stream, start, stop, data=True)
    return Fetched(found, start, stop)


def survey(
    session: Session, device_id: int, start: int, stop: int, stream: str = "samples"
) -> list[Range | Fetched]:
    """What the index says of [start, stop), in order of time; what it cannot count (parts that
    overlap, and those on the edges) is fetched, for ``counted``.
    """
    found: list[Range | Fetched] = []
    for group in overlapping(parts_of(session, device_id, stream, start, stop)):
        first, last = group[0].t0, max(part.t1 for part in group)
        if len(group) == 1 and start <= first and last < stop:
            found.append(Range(first, last, group[0].n))
        else:
            low, high = max(start, first), min(stop, last + 1)
            found.append(fetch(session, device_id, stream, low, high))
    return found


def counted(surveyed: Iterable[Range | Fetched]) -> Iterator[Range]:
    """A survey with everything counted."""
    for found in surveyed:
        if isinstance(found, Range):
            yield found
        elif len(t := found.times()):
            yield Range(int(t[0]), int(t[-1]), len(t))


def joined(counts: Iterable[Range], gap: int = MAX_GAP) -> list[Range]:
    """Runs of samples that are ``gap`` ms or less apart. ``gap`` below five minutes is refused
    (``ValueError``): the index does not know gaps inside parts.
    """
    if gap < MAX_GAP:
        raise ValueError(f"gap must be at least {MAX_GAP} ms")
    found: list[Range] = []
    for part in counts:
        if found and part.start - found[-1].stop <= gap:
            first, _, n = found[-1]
            found[-1] = Range(first, part.stop, n + part.size)
        else:
            found.append(part)
    return found


def ranges(
    session: Session,
    device_id: int,
    start: int,
    stop: int,
    gap: int = MAX_GAP,
    stream: str = "samples",
) -> list[Range]:
    """Runs of samples in [start, stop), from the index; see ``joined``."""
    return joined(counted(survey(session, device_id, start, stop, stream)), gap)


def count(session: Session, device_id: int, start: int, stop: int, stream: str = "samples") -> int:
    """The number of samples in [start, stop), from the index like ``ranges``."""
    return sum(part.size for part in counted(survey(session, device_id, start, stop, stream)))


def page(
    session: Session,
    device_id: int,
    counts: Sequence[Range],
    offset: int,
    limit: int,
    stream: str = "samples",
) -> Fetched:
    """Of the samples that were counted, ``limit`` from the ``offset``-th on; only the parts that
    hold them are fetched.
    """
    touched: list[Range] = []
    before = skip = 0
    for part in counts:
        if before + part.size > offset and before < offset + limit:
            skip = skip if touched else offset - before
            touched.append(part)
        before += part.size
    if not touched:
        return Fetched([], 0, 0)
    found = fetch(session, device_id, stream, touched[0].start, touched[-1].stop + 1)
    return found._replace(rows=slice(skip, skip + limit))


def latest_timestamp(session: Session, device_id: int, stream: str = "samples") -> int | None:
    """The time of the newest sample; None when there is none."""
    newest = [
        session.scalar(
            select(func.max(table.t1)).where(
                table.device_id == device_id,
                table.stream == stream,
                table.t0
                >= select(func.max(table.t0) - MAX_SPAN)
                .where(table.device_id == device_id, table.stream == stream)
                .scalar_subquery(),
            )
        )
        for table in (SampleTail, SampleBlock)
    ]
    return max((t for t in newest if t is not None), default=None)


def latest(
    session: Session,
    device_id: int,
    n: int,
    stream: str = "samples",
    *,
    start: int = -_FOREVER,
    stop: int = _FOREVER,
) -> Fetched:
    """The newest ``n`` ≥ 1 samples in [start, stop), fewer when there are fewer."""
    last = latest_timestamp(session, device_id, stream)
    if last is None:
        return Fetched([], 0, 0)
    low = start = max(start, -_FOREVER)
    stop = min(stop, last + 1)
    for back in (MINUTE, 60 * MINUTE, 24 * 60 * MINUTE, _FOREVER):
        parts = parts_of(session, device_id, stream, max(start, stop - back), stop)
        found = _start_of_newest(parts, n, start, stop)
        if found is not None:
            low = found
            break
    fetched = fetch(session, device_id, stream, low, stop)
    first = fetched.parts[0].t0 if fetched.parts else stop
    return fetched._replace(start=max(low, first), rows=slice(-n, None))


def _start_of_newest(parts: Sequence[Row], n: int, start: int, stop: int) -> int | None:
    """A time from which on the parts hold ``n`` samples of [start, stop) or more; None when they
    hold less.
    """
    held = 0
    for group in reversed(list(overlapping(parts))):
        if group[0].t0 <= start:
            return start
        # Each part has each time once; what lies beyond the end is not known before it is opened.
        held += max(part.n if part.t1 < stop else 0 for part in group)
        if held >= n:
            return group[0].t0
    return None
