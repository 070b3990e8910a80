"""All that is held on an athlete, as one zip that is made while it is sent.

``account.json`` is the account, ``tables/…`` every row that refers to it, whatever table it stands
in (keyed hashes left out), ``activities.json`` and ``computed/…`` what belongs to its time frames,
``samples/…`` their samples as Parquet, ``files/…`` the uploads as they came
(docs/api/accounts.md).
"""

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from sqlalchemy import LargeBinary, Table, func, or_, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now, to_iso
from core.errors import NotFound
from core.models import Activity, ComputedData, ComputeState, TimeFrame, UploadedFile, User
from core.models.db import Database
from core.models.users import ATHLETE
from core.pipeline import blocks, delta, store
from core.pipeline.columns import STREAMS, size
from core.pipeline.objects import ObjectStore
from core.policy import Actor

from .deletion import references

README = """All that this Touchline holds on athlete {athlete}, as of {moment}.

account.json       the account and profile
tables/            every row that refers to the account, by table; moments are Unix ms (UTC)
activities.json    the activities of the time frames
computed/          results: <time frame>-<edition>.json
samples/           <time frame>/<stream>-<part>.parquet; column t is Unix milliseconds
files/             uploaded files as they came: <id>-<name>
"""

Row = dict[str, Any]
Offload = Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True)
class Held:
    """What one snapshot says is held; results, samples and files are read while they are sent."""

    athlete: int
    documents: dict[str, Any]
    frames: Sequence[Any]  # rows of id, device, start, stop
    files: Sequence[Any]  # rows of id, name, sha256


@dataclass(frozen=True)
class Outline:
    """How much is held: time frames and the time that they span (None: no frame), uploads."""

    frames: int
    start: int | None
    stop: int | None
    files: int


def outline(session: Session, athlete: User) -> Outline:
    frames = session.execute(
        select(func.count(), func.min(TimeFrame.start_time), func.max(TimeFrame.end_time)).where(
            TimeFrame.athlete_id == athlete.id
        )
    ).one()
    files = select(func.count()).where(UploadedFile.athlete_id == athlete.id)
    return Outline(*frames, session.scalar(files) or 0)


def gather(session: Session, actor: Actor, athlete_id: int) -> Held:
    """For the athlete, and for the manager who manages them."""
    athlete = session.get(User, athlete_id)
    if athlete is None or athlete.role != ATHLETE or athlete.deleted is not None:
        raise NotFound(f"no athlete {athlete_id}")
    policy.require(session, actor, "athlete.export", athlete)
    frames = select(
        TimeFrame.id, TimeFrame.device_id, TimeFrame.start_time, TimeFrame.end_time
    ).where(TimeFrame.athlete_id == athlete_id)
    files = select(UploadedFile.id, UploadedFile.name, UploadedFile.sha256).where(
        UploadedFile.athlete_id == athlete_id
    )
    activities = select(Activity.id, Activity.name, Activity.json).where(
        Activity.id.in_(select(TimeFrame.activity_id).where(TimeFrame.athlete_id == athlete_id))
    )
    tables: dict[Table, list[Any]] = {}
    for column, _ in references():
        tables.setdefault(column.table, []).append(column == athlete_id)
    documents: dict[str, Any] = {
        "account.json": _rows(session, User.__table__, [User.id == athlete_id])[0],
        "activities.json": [dict(row._mapping) for row in session.execute(activities)],
    }
    for table, conditions in sorted(tables.items(), key=lambda item: item[0].name):
        rows = _rows(session, table, conditions)
        if rows:
            documents[f"tables/{table.name}.json"] = rows
    return Held(
        athlete_id,
        documents,
        session.execute(frames.order_by(TimeFrame.id)).all(),
        session.execute(files.order_by(UploadedFile.id)).all(),
    )


def pack(db: Database, objects: ObjectStore, held: Held, offload: Offload) -> Iterator[bytes]:
    """The zip, piece by piece: at no time is more than one entry in memory."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        readme = README.format(athlete=held.athlete, moment=to_iso(now()))
        archive.writestr("README.txt", readme)
        for name, document in held.documents.items():
            archive.writestr(name, _json(document))
            yield sink.taken()
        for entry in _computed(db, held):
            archive.writestr(*entry)
            yield sink.taken()
        for name, data in _samples(db, held, offload):
            archive.writestr(name, data, zipfile.ZIP_STORED)
            yield sink.taken()
        for file_id, given, sha256 in held.files:
            try:
                data = offload(partial(objects.get, sha256))
            except NotFound:
                continue  # the athlete was deleted meanwhile
            name = f"files/{file_id}-{_safe(given)}"
            offload(partial(archive.writestr, name, data))
            yield sink.taken()
    yield sink.taken()


def _rows(session: Session, table: Any, conditions: Sequence[Any]) -> list[Row]:
    told = [
        column
        for column in table.columns
        if not column.name.endswith("_hash") and not isinstance(column.type, LargeBinary)
    ]
    found = session.execute(select(*told).where(or_(*conditions)))
    return [dict(row._mapping) for row in found]


def _json(document: Any) -> bytes:
    return orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2)


def _computed(db: Database, held: Held) -> Iterator[tuple[str, bytes]]:
    for frame, *_ in held.frames:
        editions = (
            select(
                ComputedData.edition, ComputedData.document, ComputeState.edition, ComputeState.live
            )
            .join(ComputeState, ComputeState.timeframe_id == ComputedData.timeframe_id)
            .where(ComputedData.timeframe_id == frame)
        )
        rows = db.read(partial(_all, editions))
        for edition, document, current, live in rows:
            newest = delta.apply(document, live) if edition == current else document
            yield f"computed/{frame}-{edition}.json", _json(newest)


def _samples(db: Database, held: Held, offload: Offload) -> Iterator[tuple[str, bytes]]:
    """Each stored part of each frame, cut to the frame's interval."""
    for frame, device, start, stop in held.frames:
        for stream in ("samples", *STREAMS):
            index = db.read(_of(store.parts_of, device, stream, start, stop))
            at = start
            for number, group in enumerate(store.overlapping(index), 1):
                end = min(stop, max(part.t1 for part in group) + 1)
                columns = db.read(_of(store.read, device, stream, at, end))
                at = end
                if size(columns):
                    data = offload(partial(blocks.encode, columns, stream))
                    yield f"samples/{frame}/{stream}-{number:04d}.parquet", data


def _of(read: Callable[..., Any], *given: Any) -> Callable[[Session], Any]:
    """``read(session, *given)``, for ``Database.read``."""
    return lambda session: read(session, *given)


def _all(statement: Any, session: Session) -> Sequence[Any]:
    return session.execute(statement).all()


def _safe(name: str) -> str:
    """A file name for any unpacking program."""
    return re.sub(r"[^\w.()+-]+", "_", name).lstrip(".") or "upload"


class _Sink:
    """Where the zip is written to: holds what was not sent yet. It cannot be sought, and zipfile
    writes accordingly."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
