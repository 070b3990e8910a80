"""The Touchline device file (core.pipeline.container), as a recording."""

import datetime
import io

import numpy as np

from core.clock import FAR_FUTURE
from core.pipeline.columns import Columns, concat, size
from core.pipeline.container import MAGIC, ContainerError, Reader
from core.pipeline.uplink import EARLIEST

from .base import Decoded, DecodeError, mend

FORMAT = "touchline"


def recognise(head: bytes) -> bool:
    return head.startswith(MAGIC)


def decode(data: bytes, *, date: datetime.date | None, timezone: str) -> Decoded:
    """Times are in UTC: ``date`` and ``timezone`` are not needed."""
    chunks: list[Columns] = []
    try:
        reader = Reader(io.BytesIO(data))
        chunks.extend(reader.chunks())
        if reader.offset < len(data):
            raise ContainerError("there are bytes after the end", reader.offset)
    except ContainerError as error:
        reason = "truncated" if error.truncated else "unreadable"
        raise DecodeError(reason, error.detail, error.offset, sum(map(size, chunks))) from error
    rows = concat(chunks)
    placed = (rows["t"] >= EARLIEST) & (rows["t"] < FAR_FUTURE)
    columns, repairs = mend({name: _finite(values[placed]) for name, values in rows.items()})
    if not placed.all():
        repairs["without_time"] = int(np.count_nonzero(~placed))
    about = reader.header.about
    return Decoded(
        FORMAT,
        columns,
        size(rows),
        sport=about.get("sport"),
        serial=about.get("serial_number"),
        product=about.get("device_name"),
        repairs=repairs,
    )


def _finite(values: np.ndarray) -> np.ndarray:
    """Infinite is absent: of a channel without bounds nothing else would take it out."""
    return values if values.dtype.kind == "i" else np.where(np.isinf(values), np.nan, values)
