"""The merge job: the hot tail becomes blocks, small blocks become an hour, late samples settle.

Parts that overlap in time are one *unit* and are merged whole or not at all; units that follow each
other without a gap form a *group* of at most an hour or 36,000 samples. A group that nothing can
join any more is written as one sealed block; the newest, still growing one in steps of about 600
and 6,000 samples.

Why the order of writing survives: a device's ingest numbers rise in the order of its commits, so
what the job has not seen has a higher number than everything it has seen. A merged block therefore
loses only to parts that came after it, and ``seq_hi`` decides rightly wherever parts overlap.

Each rewrite is one short transaction that inserts the block and deletes its parts. If a part is
gone, another job was quicker and the rewrite is given up; after a crash the parts are still there.
The ledger (``uplink_batch``) is never changed.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Row, bindparam, delete, func, insert, select, true, union, update
from sqlalchemy.orm import Session

from core.clock import now
from core.models.db import Database
from core.models.devices import Device
from core.models.outbox import MERGE, owe, settle
from core.models.samples import SampleBlock, SampleTail, UplinkBatch

from .columns import MAX_GAP, MINUTE, cut
from .store import MAX_ROWS, MAX_SPAN, SEALED, open_parts, overlapping, parts_of, placed, sealed

AGAIN = MINUTE  # between two merges of a device that sends
TOGETHER = 16  # devices whose merges are due at the same moment
QUIET = 10 * MINUTE  # nothing received for so long: the newest group is sealed as well
_STEPS = ((2, 6_000), (1, 600))  # level and the samples that are worth a block of it
_INDEX = 7  # columns of a part without its data
_IDS = 5_000  # of one IN list; SQLite takes 32,766


# The streams with something that is not sealed yet.
_YOUNG = union(
    select(SampleTail.stream).where(SampleTail.device_id == bindparam("device")),
    select(SampleBlock.stream).where(
        SampleBlock.device_id == bindparam("device"), SampleBlock.level < SEALED
    ),
)


class Unit(NamedTuple):
    """Parts that overlap in time. ``level`` is the part's own if it is alone, else 0."""

    t0: int
    t1: int
    n: int
    level: int
    parts: Sequence[Row]


class Rewrite(NamedTuple):
    """Parts to be replaced by one block of ``level``."""

    level: int
    parts: Sequence[Row]


class _PartGone(Exception):
    """Another job replaced a part first."""


def run(db: Database, device_id: int, owed: tuple[int, int] | None = None) -> None:
    """The job: merge all streams of a device, and ask for itself until the device is quiet and
    everything is sealed. ``owed`` is the outbox row that asked (id, generation).
    """
    at = now()
    for stream in db.read(lambda session: session.scalars(_YOUNG, {"device": device_id}).all()):
        merge_device(db, device_id, stream, at)

    def commit(session: Session) -> None:
        if owed:
            settle(session, *owed)
        if not _is_quiet(session, device_id, at):
            owe(session, MERGE, device_id, due=next_due(device_id, at))

    db.write(commit)


def next_due(device_id: int, at: int) -> int:
    """Some ``AGAIN`` later, at a moment of the minute that a device shares with its neighbours by
    number: devices that were registered together mostly send together, and one process merges what
    is due together.
    """
    phase = device_id // TOGETHER * 7_919 % AGAIN
    earliest = at + AGAIN // 2
    return earliest + (phase - earliest) % AGAIN


def merge_device(db: Database, device_id: int, stream: str, now: int) -> int:
    """Merge what is due of one device's stream at ``now`` (Unix ms). Safe at any time, any number
    of times, from any number of processes. Returns the number of parts that were replaced.
    """
    parts, quiet = db.read(lambda session: _facts(session, device_id, stream, now))
    return sum(_rewrite(db, device_id, stream, rewrite) for rewrite in plan(parts, quiet))


def _facts(session: Session, device_id: int, stream: str, now: int) -> tuple[Sequence[Row], bool]:
    """The unsealed parts with the sealed ones next to them, and whether the device is quiet."""
    first, last = None, None
    for table, young in ((SampleTail, true()), (SampleBlock, SampleBlock.level < SEALED)):
        low, high = session.execute(
            select(func.min(table.t0), func.max(table.t1)).where(
                table.device_id == device_id, table.stream == stream, young
            )
        ).one()
        if low is not None:
            first = low if first is None else min(first, low)
            last = high if last is None else max(last, high)
    if first is None or last is None:
        return [], True
    # A block before the first may still have room: it ends within MAX_GAP if so.
    around = parts_of(session, device_id, stream, first - MAX_GAP, last + MAX_GAP + 1)
    return around, _is_quiet(session, device_id, now)


def _is_quiet(session: Session, device_id: int, now: int) -> bool:
    received = session.scalar(
        select(UplinkBatch.received)
        .where(UplinkBatch.device_id == device_id)
        .order_by(UplinkBatch.seq.desc())
        .limit(1)
    )
    return received is None or now - received >= QUIET


def plan(parts: Iterable[Row], quiet: bool) -> list[Rewrite]:
    """What to rewrite, given the parts in order of first time. Sealing comes first."""
    units = [
        Unit(
            group[0].t0,
            max(part.t1 for part in group),
            sum(part.n for part in group),
            group[0].level if len(group) == 1 else 0,
            group,
        )
        for group in overlapping(parts)
    ]
    groups = list(_groups(units))
    growing = groups.pop() if groups and not quiet else []
    sealed = [
        Rewrite(SEALED, _parts(group))
        for group in groups
        if len(_parts(group)) > 1 or group[0].level < SEALED
    ]
    return sealed + list(_steps(growing))


def _groups(units: Iterable[Unit]) -> Iterator[list[Unit]]:
    group: list[Unit] = []
    rows = 0
    for unit in units:
        if group and (
            unit.t0 - group[-1].t1 > MAX_GAP
            or unit.t1 - group[0].t0 > MAX_SPAN
            or rows + unit.n > MAX_ROWS
        ):
            yield group
            group, rows = [], 0
        group.append(unit)
        rows += unit.n
    if group:
        yield group


def _steps(group: Sequence[Unit]) -> Iterator[Rewrite]:
    """Of the growing group: runs of smaller units that have reached the next size."""
    taken: set[int] = set()
    for level, worth in _STEPS:
        run: list[Unit] = []
        for unit in (*group, None):
            if unit is not None and unit.level < level and id(unit) not in taken:
                run.append(unit)
                continue
            if sum(member.n for member in run) >= worth:
                taken.update(id(member) for member in run)
                yield Rewrite(level, _parts(run))
            run = []


def _parts(units: Iterable[Unit]) -> list[Row]:
    return [part for unit in units for part in unit.parts]


def _rewrite(db: Database, device_id: int, stream: str, rewrite: Rewrite) -> int:
    first = min(part.t0 for part in rewrite.parts)
    last = max(part.t1 for part in rewrite.parts)
    wanted = {tuple(part) for part in rewrite.parts}
    tail = [part.id for part in rewrite.parts if part.level == 0]
    old = [part.id for part in rewrite.parts if part.level > 0]
    alone = len(wanted) == len(old) == 1  # a block that is already what it should be
    everything = db.read(
        lambda session: parts_of(session, device_id, stream, first, last + 1, data=not alone)
    )
    loaded = [part for part in everything if tuple(part)[:_INDEX] in wanted]
    if len(loaded) < len(wanted):
        return 0
    new = [] if alone else _merged(device_id, stream, loaded, rewrite.level)

    def replace(session: Session) -> None:
        # One merge of a device at a time commits: two could delete each other's parts crosswise.
        session.execute(
            select(Device.id).where(Device.id == device_id).with_for_update(key_share=True)
        )
        # Whole rows are compared: SQLite gives the ids of deleted rows to new ones.
        present = parts_of(session, device_id, stream, first, last + 1)
        if not wanted <= {tuple(part) for part in present}:
            raise _PartGone
        if alone:
            session.execute(
                update(SampleBlock).where(SampleBlock.id.in_(old)).values(level=rewrite.level)
            )
        else:
            _delete(session, SampleTail, tail)
            _delete(session, SampleBlock, old)
            session.execute(insert(SampleBlock), new)

    try:
        db.write(replace)
    except _PartGone:
        return 0
    return len(wanted)


def _merged(
    device_id: int, stream: str, parts: Sequence[Row], level: int
) -> list[dict[str, object]]:
    seqs = (min(part.seq_lo for part in parts), max(part.seq_hi for part in parts))
    return [
        placed(sealed(stream, piece), device_id, seqs, level)
        for piece in cut(open_parts(parts), rows=MAX_ROWS, span=MAX_SPAN)
    ]


def _delete(session: Session, table: type[SampleTail] | type[SampleBlock], ids: list[int]) -> None:
    for at in range(0, len(ids), _IDS):
        session.execute(delete(table).where(table.id.in_(ids[at : at + _IDS])))
