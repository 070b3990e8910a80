"""Catapult raw positions: CSV of spreadsheet day number, longitude and latitude at 10 Hz."""

import datetime

import pyarrow as pa

from . import tables
from .base import Decoded, mend

FORMAT = "catapult"
_COLUMNS = {"Timestamp": pa.float64(), "Longitude": pa.float64(), "Latitude": pa.float64()}
_EPOCH = 25_569  # 1970-01-01 as a day number: days since 1899-12-30
_DAY = 86_400_000.0


def recognise(head: bytes) -> bool:
    return set(tables.header(head)) == set(_COLUMNS)


def decode(data: bytes, *, date: datetime.date | None, timezone: str) -> Decoded:
    """A day number resolves about a microsecond: whole milliseconds are exact. ``date`` is not
    needed. The clock is that of ``timezone``.
    """
    table = tables.read(data, _COLUMNS)
    columns, repairs = mend(
        {
            "t": tables.to_utc((table["Timestamp"] - _EPOCH) * _DAY, timezone),
            "gnss.latitude": table["Latitude"],
            "gnss.longitude": table["Longitude"],
        }
    )
    return Decoded(FORMAT, columns, len(table["Timestamp"]), sport="soccer", repairs=repairs)
