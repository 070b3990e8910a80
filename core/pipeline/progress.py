"""How far a device has come: what each accepted batch changes in its row.

Locked, read and written as plain columns, by statements that are made once: as objects, thirty
devices that send together cost more than everything else in their commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from numpy.typing import NDArray
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from core.models import Device
from core.models.base import MaybeDocument, table_of

from .columns import Columns
from .uplink import SAMPLES, Batch

OFFSETS_KEPT = 31  # the median of an odd number of differences is one of them


@dataclass
class Progress:
    """The columns of Device by the same names."""

    id: int
    ingest_seq: int
    clock_offsets: list[int]
    last_contact: int | None
    newest_t: int | None
    newest: dict[str, int] | None
    battery: int | None
    last_number: int

    def take(self, batch: Batch, received: int) -> dict[str, Any]:
        """Number the batch and note what its arrival tells of the device; returns its row in the
        ledger.
        """
        self.ingest_seq += 1
        if batch.number is not None:
            self.last_number = batch.number
        if batch.sent is not None:
            self.clock_offsets = [*self.clock_offsets, batch.sent - received][-OFFSETS_KEPT:]
        samples = batch.streams.get(SAMPLES)
        others = {stream: c["t"] for stream, c in batch.streams.items() if stream != SAMPLES}
        late = self._note_newest(samples, others)
        self.last_contact = received
        return {
            "device_id": self.id,
            "seq": self.ingest_seq,
            "number": batch.number,
            "batch": batch.batch,
            "content_hash": batch.content_hash,
            "t0": batch.t0,
            "t1": batch.t1,
            "samples_t0": None if samples is None else int(samples["t"][0]),
            "spans": {stream: [int(t[0]), int(t[-1])] for stream, t in others.items()} or None,
            "n": batch.n,
            "late": late,
            "received": received,
            "response": {
                "batch": batch.batch,
                "accepted": batch.n,
                "duplicate": False,
                "offset_ms": offset(self.clock_offsets),
            },
        }

    def _note_newest(self, samples: Columns | None, others: Mapping[str, NDArray]) -> int:
        """Note how far each stream has come; returns how many rows came after a newer one of their
        stream.
        """
        late = 0
        if samples is not None:
            t = samples["t"]
            late = _behind_newest(t, self.newest_t)
            if self.newest_t is None or t[-1] > self.newest_t:
                self.battery = _battery(samples, self.battery)
                self.newest_t = int(t[-1])
        if others:
            newest = dict(self.newest or {})
            for stream, t in others.items():
                late += _behind_newest(t, newest.get(stream))
                newest[stream] = max(int(t[-1]), newest.get(stream, int(t[-1])))
            self.newest = newest
        return late


_TABLE = table_of(Device)
_NAMES = list(Progress.__dataclass_fields__)
# In the order of their ids, so that two processes never wait for each other.
_LOCK = (
    select(*(_TABLE.c[name] for name in _NAMES))
    .where(_TABLE.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_TABLE.c.id)
    .with_for_update()
)
_SAVE = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("device"))
    .values(
        {name: bindparam(f"new_{name}", type_=_TABLE.c[name].type) for name in _NAMES[1:]}
        | {"newest": bindparam("new_newest", type_=MaybeDocument)}
    )
)


def lock(session: Session, ids: Iterable[int]) -> dict[int, Progress]:
    """Those of the devices that there are; nobody else changes them until the commit."""
    rows = session.connection().execute(_LOCK, {"ids": list(ids)})
    return {row[0]: Progress(*row) for row in rows}


def save(session: Session, devices: Iterable[Progress]) -> None:
    """Write down how far these have come."""
    rows = []
    for device in devices:
        row = {f"new_{name}": value for name, value in asdict(device).items()}
        row["device"] = row.pop("new_id")
        rows.append(row)
    if rows:
        session.connection().execute(_SAVE, rows)


def offset(clock_offsets: Sequence[int]) -> int | None:
    """A device's clock minus ours in ms, median of its newest batches; None before the first."""
    return round(median(clock_offsets)) if clock_offsets else None


def _behind_newest(t: NDArray, newest: int | None) -> int:
    return 0 if newest is None or t[0] > newest else int((t <= newest).sum())


def _battery(samples: Columns, before: int | None) -> int | None:
    """The last level in the samples, in percent; ``before`` where they tell none."""
    levels = samples.get("device.Bat_lvl")
    if levels is None:
        return before
    told = levels[(levels >= 0) & (levels <= 100)]
    return round(float(told[-1])) if len(told) else before
