"""FIT: the ``record`` messages of an activity as samples, its sessions and its recorder.

Laps, lengths, beat-to-beat intervals and developer fields are not read yet.
"""

import datetime
import io
from typing import Any

import fitdecode
import numpy as np
from fitdecode.processors import FIT_DATETIME_MIN, FIT_UTC_REFERENCE
from numpy.typing import NDArray

from core.pipeline.columns import Columns

from .base import Decoded, DecodeError, Session, mend

FORMAT = "fit"
_SEMICIRCLE = 180 / 2**31
_DEGREES = 9  # decimals: a semicircle is 8.4e-8 degrees, so each one keeps its own decimal
_FIELDS = (
    "timestamp",
    "position_lat",
    "position_long",
    "altitude",
    "enhanced_altitude",
    "speed",
    "enhanced_speed",
    "heart_rate",
    "cadence",
    "fractional_cadence",
    "power",
    "temperature",
)
_PLACE = {name: place for place, name in enumerate(_FIELDS)}
_ON_FOOT = frozenset({"running", "walking", "hiking"})  # watches count the steps of one foot
_SPORTS = {"cycling": "biking", "hiking": "trailrunning"}
_OF_SUB_SPORT = {"trail": "trailrunning"}


def recognise(head: bytes) -> bool:
    return head[8:12] == b".FIT"


def decode(data: bytes, *, date: datetime.date | None, timezone: str) -> Decoded:
    """FIT carries its times in UTC: ``date`` and ``timezone`` are not needed."""
    rows: list[list[float]] = []
    sessions: list[tuple[Session, str | None]] = []
    about: dict[str, Any] = {}
    stream = io.BytesIO(data)
    try:
        with fitdecode.FitReader(
            stream,
            processor=fitdecode.DataProcessorBase(),  # plain numbers, no datetime per field
            check_crc=fitdecode.CrcCheck.RAISE,
            error_handling=fitdecode.ErrorHandling.IGNORE,
        ) as reader:
            for frame in reader:
                if not isinstance(frame, fitdecode.FitDataMessage):
                    continue
                if frame.name == "record":
                    rows.append(_row(frame))
                elif frame.name == "session":
                    sessions.append(_session(frame))
                elif frame.name == "file_id" and not about:
                    about = {field.name: field.value for field in frame.fields}
    except fitdecode.FitEOFError as error:
        raise DecodeError("truncated", str(error), error.offset, len(rows)) from error
    except Exception as error:  # damaged bytes make the library fail in many ways, all of them ours
        raise DecodeError("unreadable", _sentence(error), stream.tell(), len(rows)) from error
    return _decoded(np.array(rows).reshape(-1, len(_FIELDS)), sessions, about)


def _sentence(error: Exception) -> str:
    return str(error) or type(error).__name__


def _row(frame: fitdecode.FitDataMessage) -> list[float]:
    row = [np.nan] * len(_FIELDS)
    for field in frame.fields:
        place = _PLACE.get(field.name)
        # A developer's field may have a native one's name; the native one is meant.
        if (
            place is None
            or field.value is None
            or isinstance(field.field, fitdecode.types.DevField)
        ):
            continue
        value = field.value
        row[place] = float(value[0] if isinstance(value, tuple) else value)
    return row


def _session(frame: fitdecode.FitDataMessage) -> tuple[Session, str | None]:
    start = frame.get_value("start_time", fallback=None)
    elapsed = frame.get_value("total_elapsed_time", fallback=None) or 0.0
    sport = frame.get_value("sport", fallback=None)
    sub_sport = frame.get_value("sub_sport", fallback=None)
    first = _unix(start) if start is not None else 0
    name = None if sport is None else str(sport)
    ours = _OF_SUB_SPORT.get(str(sub_sport), _SPORTS.get(str(sport), name))
    return Session(ours, first, first + round(elapsed * 1000)), name


def _unix(seconds: float) -> int:
    return (FIT_UTC_REFERENCE + int(seconds)) * 1000


def _decoded(
    table: NDArray, sessions: list[tuple[Session, str | None]], about: dict[str, Any]
) -> Decoded:
    placed = table[table[:, 0] >= FIT_DATETIME_MIN]  # below: seconds since the watch was started
    field = dict(zip(_FIELDS, placed.T, strict=True))
    t = (field["timestamp"].astype(np.int64) + FIT_UTC_REFERENCE) * 1000
    sessions = sorted(sessions, key=lambda session: session[0].start)
    columns, repairs = mend(_columns(t, field, _on_foot(t, sessions)))
    if len(placed) < len(table):
        repairs["without_time"] = len(table) - len(placed)
    serial = about.get("serial_number")
    product = about.get("garmin_product") or about.get("product_name") or about.get("product")
    return Decoded(
        FORMAT,
        columns,
        len(table),
        sport=_sport([session for session, _ in sessions]),
        serial=str(serial) if serial else None,
        product=str(product) if product else None,
        sessions=[session for session, _ in sessions],
        repairs=repairs,
    )


def _columns(t: NDArray, field: dict[str, NDArray], on_foot: NDArray) -> Columns:
    """SI units, at the decimals that the format has."""
    cadence = field["cadence"] + np.nan_to_num(field["fractional_cadence"])
    return {
        "t": t,
        "gnss.latitude": np.round(field["position_lat"] * _SEMICIRCLE, _DEGREES),
        "gnss.longitude": np.round(field["position_long"] * _SEMICIRCLE, _DEGREES),
        "gnss.altitude": np.round(_either(field["enhanced_altitude"], field["altitude"]), 1),
        "gnss.speed": _either(field["enhanced_speed"], field["speed"]),
        "ecg.hr": field["heart_rate"],
        "pwr.pwr_instantpower": field["power"],
        "pwr.pwr_cadence": np.where(on_foot, np.nan, cadence),
        "run.cadence": np.where(on_foot, 2 * cadence, np.nan),
        "env.temp": field["temperature"],
    }


def _either(first: NDArray, second: NDArray) -> NDArray:
    return np.where(np.isnan(first), second, first)


def _on_foot(t: NDArray, sessions: list[tuple[Session, str | None]]) -> NDArray:
    """Which samples lie in a session on foot: the last session that had begun, else the first."""
    if not sessions:
        return np.zeros(len(t), bool)
    starts = np.array([session.start for session, _ in sessions])
    feet = np.array([name in _ON_FOOT for _, name in sessions])
    return feet[np.maximum(np.searchsorted(starts, t, side="right") - 1, 0)]


def _sport(sessions: list[Session]) -> str | None:
    sports = {session.sport for session in sessions} - {None, "transition", "generic"}
    if len(sports) > 1:
        return "triathlon" if sports == {"swimming", "biking", "running"} else None
    return next(iter(sports), None)
