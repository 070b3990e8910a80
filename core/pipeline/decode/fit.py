"""FIT: the ``record`` messages of an activity as samples, its sessions and its recorder.

Beats, pool lengths, laps and legs: core.pipeline.decode.fit_streams. Developer fields are not read.
"""

import datetime
import io
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any

import fitdecode
import numpy as np
from fitdecode.processors import FIT_DATETIME_MIN, FIT_UTC_REFERENCE
from numpy.typing import NDArray

from core.pipeline.columns import Columns, empty

from . import fit_streams
from .base import Decoded, DecodeError, Session, mend
from .fit_streams import Beat, Lap, Row, StrapRates

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
    "distance",
    "left_right_balance",
)
_PLACE = {name: place for place, name in enumerate(_FIELDS)}
_ON_FOOT = frozenset({"running", "walking", "hiking"})  # watches count the steps of one foot
_SPORTS = {"cycling": "biking", "hiking": "trailrunning"}
_OF_SUB_SPORT = {"trail": "trailrunning"}
TRANSITION = "transition"
_LEGS = frozenset({"swimming", "biking", "running", "trailrunning"})
_RIGHT, _SHARE = 0x80, 0x7F  # of a balance: whether the side is known, and the right leg's %
_POOLS = (10.0, 100.0)  # m; as the schema of activities has it


_UNITS = {"metric": "m", "statute": "yd"}


def recognise(head: bytes) -> bool:
    return head[8:12] == b".FIT"


@dataclass
class _Messages:
    """What is kept of a file's messages, in their order."""

    rows: list[list[float]] = made(default_factory=list)
    sessions: list[tuple[Session, str | None]] = made(default_factory=list)
    about: dict[str, Any] = made(default_factory=dict)
    beats: list[Beat] = made(default_factory=list)
    lengths: list[Row] = made(default_factory=list)
    events: list[Row] = made(default_factory=list)
    laps: list[Lap] = made(default_factory=list)
    rates: StrapRates = made(default_factory=StrapRates)
    clock: int | None = None  # the last time told, Unix ms

    def take(self, frame: fitdecode.FitDataMessage) -> None:
        at = _time(frame, "timestamp")
        if frame.name == "record":
            self.rows.append(_row(frame))
        elif frame.name == "hrv":
            self.beats += fit_streams.beats_of(frame, self.clock)
        elif frame.name == "hr":
            self.rates.take(frame, at)
        elif frame.name == "event" and at is not None:
            self.events += filter(None, [fit_streams.timer_of(frame, at)])
        elif frame.name in ("length", "lap", "session"):
            self._spans(frame)
        elif frame.name == "file_id" and not self.about:
            self.about = {field.name: field.value for field in frame.fields}
        if frame.name in ("record", "event"):
            self.clock = at if at is not None else self.clock

    def _spans(self, frame: fitdecode.FitDataMessage) -> None:
        start = _time(frame, "start_time")
        if frame.name == "session":
            self.sessions.append(_session(frame, start))
        if start is None:
            return
        if frame.name == "length":
            self.lengths.append(fit_streams.length_of(frame, start))
        elif frame.name == "session":
            self.events.append(fit_streams.session_of(frame, start))
        else:
            self.laps.append(fit_streams.lap_of(frame, start))

    def streams(self, t: NDArray) -> dict[str, Columns]:
        """All streams but the samples, whose times are ``t`` (those of lengths where none are)."""
        times = t.tolist() or [row.t for row in self.lengths]
        first, last = min(times), max(times)
        found = {
            "rr": fit_streams.rr(self.beats, first),
            "lengths": fit_streams.lengths(self.lengths),
            "events": fit_streams.events(self.events, self.laps, (first, last)),
        }
        return {name: columns for name, columns in found.items() if columns is not None}


def decode(data: bytes, *, date: datetime.date | None, timezone: str) -> Decoded:
    """FIT carries its times in UTC: ``date`` and ``timezone`` are not needed."""
    messages = _Messages()
    stream = io.BytesIO(data)
    try:
        with fitdecode.FitReader(
            stream,
            processor=fitdecode.DataProcessorBase(),  # plain numbers, no datetime per field
            check_crc=fitdecode.CrcCheck.RAISE,
            error_handling=fitdecode.ErrorHandling.IGNORE,
        ) as reader:
            for frame in reader:
                if isinstance(frame, fitdecode.FitDataMessage):
                    messages.take(frame)
    except fitdecode.FitEOFError as error:
        raise DecodeError("truncated", str(error), error.offset, len(messages.rows)) from error
    except Exception as error:  # damaged bytes make the library fail in many ways, all of them ours
        raise DecodeError(
            "unreadable", _sentence(error), stream.tell(), len(messages.rows)
        ) from error
    return _decoded(messages)


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
        value = field.raw_value if field.name == "left_right_balance" else field.value
        row[place] = float(value[0] if isinstance(value, tuple) else value)
    return row


def _session(frame: fitdecode.FitDataMessage, start: int | None) -> tuple[Session, str | None]:
    elapsed = _told(frame, "total_elapsed_time")
    sport = frame.get_value("sport", fallback=None)
    sub_sport = frame.get_value("sub_sport", fallback=None)
    first = start or 0
    name = None if sport is None else str(sport)
    ours = _OF_SUB_SPORT.get(str(sub_sport), _SPORTS.get(str(sport), name))
    pool = _told(frame, "pool_length")
    return Session(
        ours,
        first,
        first + round((elapsed or 0.0) * 1000),
        elapsed,
        _told(frame, "total_timer_time"),
        _told(frame, "total_distance"),
        pool if pool is not None and _POOLS[0] <= pool <= _POOLS[1] else None,
        _UNITS.get(str(frame.get_value("pool_length_unit", fallback=None))),
    ), name


def _told(frame: fitdecode.FitDataMessage, name: str) -> float | None:
    value = frame.get_value(name, fallback=None)
    return float(value) if isinstance(value, int | float) else None


def _time(frame: fitdecode.FitDataMessage, name: str) -> int | None:
    """Unix ms; None for what is no time of the world (seconds since the watch was started)."""
    seconds = frame.get_value(name, fallback=None)
    placed = isinstance(seconds, int | float) and seconds >= FIT_DATETIME_MIN
    return (FIT_UTC_REFERENCE + int(seconds)) * 1000 if placed else None


def _decoded(messages: _Messages) -> Decoded:
    table = np.array(messages.rows).reshape(-1, len(_FIELDS))
    placed = table[table[:, 0] >= FIT_DATETIME_MIN]
    field = dict(zip(_FIELDS, placed.T, strict=True))
    t = (field["timestamp"].astype(np.int64) + FIT_UTC_REFERENCE) * 1000
    sessions = sorted(messages.sessions, key=lambda session: session[0].start)
    if np.isnan(field["heart_rate"]).all():  # else the watch had the strap's rates at the time
        field["heart_rate"] = messages.rates.at(t)
    columns, repairs = empty(), dict[str, int]()
    if len(placed) or not messages.lengths:  # lengths are data without any record beside them
        columns, repairs = mend(_columns(t, field, _on_foot(t, sessions)))
    if len(placed) < len(table):
        repairs["without_time"] = len(table) - len(placed)
    about = messages.about
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
        streams=messages.streams(columns["t"]),
    )


def _columns(t: NDArray, field: dict[str, NDArray], on_foot: NDArray) -> Columns:
    """SI units, at the decimals that the format has.

    Altitude stays the quotient that the format defines, raw / 5 - 500: in steps of 0.2 m a rise of
    exactly the threshold is common, and whether it counts follows the quotient's last bits.
    """
    cadence = field["cadence"] + np.nan_to_num(field["fractional_cadence"])
    return {
        "t": t,
        "gnss.latitude": np.round(field["position_lat"] * _SEMICIRCLE, _DEGREES),
        "gnss.longitude": np.round(field["position_long"] * _SEMICIRCLE, _DEGREES),
        "gnss.altitude": _either(field["enhanced_altitude"], field["altitude"]),
        "gnss.speed": _either(field["enhanced_speed"], field["speed"]),
        "ecg.hr": field["heart_rate"],
        "pwr.pwr_instantpower": field["power"],
        "pwr.pwr_balance": _left(field["left_right_balance"]),
        "pwr.pwr_cadence": np.where(on_foot, np.nan, cadence),
        "run.cadence": np.where(on_foot, 2 * cadence, np.nan),
        "env.temp": field["temperature"],
        "device.distance": field["distance"],
    }


def _left(balance: NDArray) -> NDArray:
    """The left leg's share in percent; NaN where the device does not know which leg is which."""
    coded = np.nan_to_num(balance).astype(np.int64)
    return np.where(coded & _RIGHT != 0, 100.0 - (coded & _SHARE), np.nan)


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
    """One sport, or ``triathlon`` for legs of several that a triathlon may have."""
    sports = {session.sport for session in sessions} - {None, TRANSITION, "generic"}
    if len(sports) > 1:
        return "triathlon" if sports <= _LEGS else None
    return next(iter(sports), None)
