"""Reading CSV exports: one header line, then rows, straight into arrays."""

import datetime
import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
from numpy.typing import NDArray

from .base import DecodeError

_ROW = re.compile(r"Row #(\d+): ")
_BOM = b"\xef\xbb\xbf"
_END_OF_TIME = 32_503_680_000_000  # the year 3000


def header(head: bytes) -> list[str]:
    """The field names of the first line, without the blanks that exports put around them."""
    line = head.removeprefix(_BOM).split(b"\n", 1)[0]
    return [name.strip() for name in line.decode("utf-8", "replace").split(",")]


def read(data: bytes, columns: Mapping[str, pa.DataType]) -> dict[str, NDArray]:
    """The named columns of a CSV file; a number that is missing is NaN.

    Raises ``DecodeError`` (``unreadable``) with the byte at which the faulty line begins.
    """
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            # One thread: only then does the parser say which row is at fault.
            read_options=csv.ReadOptions(skip_rows=1, column_names=header(data), use_threads=False),
            convert_options=csv.ConvertOptions(
                include_columns=list(columns), column_types=dict(columns)
            ),
        )
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _at_fault(data, str(error)) from error
    return {name: _array(table.column(name)) for name in columns}


def _array(column: pa.ChunkedArray) -> NDArray:
    if pa.types.is_time32(column.type):
        column = column.cast(pa.int32())
    values = column.to_numpy()
    return values if values.flags.writeable else values.copy()


def _at_fault(data: bytes, message: str) -> DecodeError:
    found = _ROW.search(message)
    row = int(found[1]) if found else 1
    offset = 0
    for _ in range(row - 1):
        offset = data.find(b"\n", offset) + 1
    what = message[found.end() :] if found else message
    return DecodeError("unreadable", f"line {row}: {what[:200]}", offset, max(0, row - 2))


def to_utc(wall: NDArray, timezone: str) -> NDArray:
    """Times of a recorder's clock in ``timezone`` (float64 ms since 1970-01-01 there) → Unix ms.

    The offset is the one in force at the first sample, for the whole file: a recorder's clock does
    not jump during a session.
    """
    outside = ~((wall >= 0) & (wall < _END_OF_TIME))
    if outside.any():
        row = int(np.argmax(outside))
        raise DecodeError("unreadable", f"line {row + 2}: the time cannot be read", 0, row)
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DecodeError("timezone", f"unknown time zone {timezone!r}") from error
    t = np.rint(wall).astype(np.int64)
    if not len(t):
        return t
    first = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=int(t[0]))
    offset = first.replace(tzinfo=zone).utcoffset() or datetime.timedelta(0)
    return t - offset // datetime.timedelta(milliseconds=1)
