"""STATSports raw export: CSV at 10 Hz with Doppler speed in km/h and the time of day, no date."""

import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from . import tables
from .base import Decoded, DecodeError, mend

FORMAT = "statsports"
_TIME, _SPEED, _HEART_RATE = "Time", "Speed km/h", "Heart Rate (bpm)"
_COLUMNS = {
    "Player Id": pa.string(),
    _TIME: pa.time32("ms"),
    "Lat": pa.float64(),
    "Lon": pa.float64(),
    _SPEED: pa.float64(),
    _HEART_RATE: pa.float64(),
}
_DAY = 86_400_000


def recognise(head: bytes) -> bool:
    return set(_COLUMNS) <= set(tables.header(head))


def decode(data: bytes, *, date: datetime.date | None, timezone: str) -> Decoded:
    """The time of day is that of ``Time``: ``Elapsed Time`` carries the noise of a spreadsheet."""
    if date is None:
        raise DecodeError("date_required", "this format carries the time of day only")
    table = tables.read(data, _COLUMNS)
    players = set(table["Player Id"].tolist())
    if len(players) > 1:
        raise DecodeError("unreadable", f"the file holds {len(players)} players, not one")
    midnight = (date - datetime.date(1970, 1, 1)).days * float(_DAY)
    columns, repairs = mend(
        {
            "t": tables.to_utc(midnight + _across_midnight(table[_TIME]), timezone),
            "gnss.latitude": table["Lat"],
            "gnss.longitude": table["Lon"],
            "gnss.speed": table[_SPEED] / 3.6,
            "ecg.hr": table[_HEART_RATE],
        }
    )
    return Decoded(FORMAT, columns, len(table[_TIME]), sport="soccer", repairs=repairs)


def _across_midnight(clock: NDArray) -> NDArray:
    """Time of day (ms, float64; NaN where missing) → ms since the first day's midnight: a step of
    more than half a day back is the next day, one forward a straggler of the day before.
    """
    step = np.diff(clock.astype(np.float64), prepend=clock[:1])
    days = np.cumsum((step < -_DAY / 2).astype(np.int64) - (step > _DAY / 2))
    return clock + days * float(_DAY)
