"""FIT messages beside the records: beats, pool lengths, laps and legs as streams of their own.

Times are Unix ms. A stream has each time once: of rows that FIT's whole seconds put at one moment,
the later ones are moved by single milliseconds, so that their order stays.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from fitdecode import FitDataMessage
from numpy.typing import NDArray

from core.pipeline.columns import Columns

SECOND = 1000
BEHIND = 5 * SECOND  # ms that the sum of beats may fall behind the file's clock
FRESH = 5 * SECOND  # ms for which the rate of a beat holds
# FIT's own numbers (profile type "event"), as core.sport.codes has them.
TIMER, SESSION, LAP = 0, 8, 9
STARTED = 0  # FIT's event type


class Beat(NamedTuple):
    """An interval between beats, ms, and the last time that the file told before it (or None)."""

    clock: int | None
    rr: int


class Row(NamedTuple):
    """A row of a stream in the order of the file."""

    t: int
    values: tuple[float, ...]


def beats_of(frame: FitDataMessage, clock: int | None) -> list[Beat]:
    """The intervals of an ``hrv`` message."""
    told = frame.get_value("time", fallback=None)
    each = told if isinstance(told, tuple) else (told,)
    return [Beat(clock, round(value * 1000)) for value in each if value]


def rr(beats: Sequence[Beat], first: int) -> Columns | None:
    """Each beat at the sum of the intervals up to it, from the file's clock at the first on.

    FIT writes no time with a beat. Where the sum falls more than ``BEHIND`` behind the clock of the
    file (the strap was off, the timer stood) it starts anew there. ``first`` is the clock of beats
    that come before any time. None where there are no beats.
    """
    if not beats:
        return None
    t = np.empty(len(beats), np.int64)
    at = first if beats[0].clock is None else beats[0].clock
    for i, (clock, interval) in enumerate(beats):
        at += interval
        if clock is not None and clock - at > BEHIND:
            at = clock
        t[i] = at
    return {"t": t, "rr": np.array([float(beat.rr) for beat in beats])}


def length_of(frame: FitDataMessage, start: int) -> Row:
    """A ``length`` message: duration (timer time, unrounded), strokes, active, stroke type."""
    duration = _number(frame, "total_timer_time")
    if np.isnan(duration):
        duration = _number(frame, "total_elapsed_time")
    active = frame.get_value("length_type", fallback=None)
    return Row(
        start,
        (
            duration,
            _number(frame, "total_strokes"),
            float(active == "active"),
            _raw(frame, "swim_stroke"),
        ),
    )


def lengths(rows: Iterable[Row]) -> Columns | None:
    """The stream ``lengths``; None where there are none."""
    return _stream(rows, ("duration", "strokes", "active", "stroke_type"))


def timer_of(frame: FitDataMessage, at: int) -> Row | None:
    """A timer event: 1 started, 0 stopped; None for other events."""
    if _raw(frame, "event") != TIMER:
        return None
    return Row(at, (TIMER, float(_raw(frame, "event_type") == STARTED)))


def session_of(frame: FitDataMessage, start: int) -> Row:
    """A session begins; the value is FIT's number of its sport."""
    return Row(start, (SESSION, _raw(frame, "sport")))


class Lap(NamedTuple):
    """A lap of the file; Unix ms, [start, stop)."""

    start: int
    stop: int


def lap_of(frame: FitDataMessage, start: int) -> Lap:
    elapsed = _number(frame, "total_elapsed_time")
    return Lap(start, start + (0 if np.isnan(elapsed) else round(elapsed * 1000)))


def events(others: Iterable[Row], laps: Iterable[Lap], span: tuple[int, int]) -> Columns | None:
    """The stream ``events``; ``span`` are the times of the first and the last sample.

    A lap stands at its last millisecond, before the next one begins; its value is its number, from
    1. A session that began before the first sample (a watch takes a second or two to write one) and
    a lap that ended after the last stand there, inside the time frame. None where there are none.
    """
    first, last = span
    rows, ordered = [], sorted(laps)
    for number, lap in enumerate(ordered, start=1):
        following = ordered[number].start if number < len(ordered) else last + 1
        rows.append(Row(max(min(lap.stop, following) - 1, lap.start), (LAP, float(number))))
    rows += [
        Row(max(row.t, first), row.values) if row.values[0] == SESSION else row for row in others
    ]
    return _stream(rows, ("event", "value"))


def _stream(rows: Iterable[Row], names: Sequence[str]) -> Columns | None:
    ordered = sorted(rows, key=lambda row: row.t)
    if not ordered:
        return None
    t, last = np.empty(len(ordered), np.int64), -(2**62)
    for i, row in enumerate(ordered):
        t[i] = last = max(row.t, last + 1)
    values = np.array([row.values for row in ordered], float)
    return {"t": t} | {name: values[:, at].copy() for at, name in enumerate(names)}


def _number(frame: FitDataMessage, name: str) -> float:
    value = frame.get_value(name, fallback=None)
    return float(value) if isinstance(value, int | float) else np.nan


def _raw(frame: FitDataMessage, name: str) -> float:
    """The number of a named value, as the file has it."""
    for field in frame.fields:
        if field.name == name and isinstance(field.raw_value, int):
            return float(field.raw_value)
    return np.nan


class StrapRates:
    """Heart rates that a strap kept under water, in ``hr`` messages: one a beat, by its own clock.

    The clock counts 1/1024 s. A message with a ``timestamp`` (and its fraction) says at what time
    ``event_timestamp`` was; those after it carry the low 12 bits of the clock of eight beats each.
    """

    def __init__(self) -> None:
        self._clock: int | None = None  # 1/1024 s
        self._offset = 0.0  # ms of Unix time at 0 of the clock
        self._t: list[float] = []
        self._rate: list[float] = []

    def take(self, frame: FitDataMessage, at: int | None) -> None:
        """One message; ``at`` is its timestamp, None where it has none."""
        rates = frame.get_value("filtered_bpm", fallback=None)
        each = rates if isinstance(rates, tuple) else (rates,)
        if at is not None:
            told = _ticks(frame)
            if told is None:
                return
            fraction = frame.get_value("fractional_timestamp", fallback=None) or 0.0
            self._clock = told
            self._offset = at + fraction * SECOND - told * SECOND / 1024
            clocks = [told]
        elif self._clock is None:
            return
        else:
            clocks = self._accumulated(frame.get_value("event_timestamp_12", fallback=None) or ())
        for clock, rate in zip(clocks, each, strict=False):
            if rate:
                self._t.append(self._offset + clock * SECOND / 1024)
                self._rate.append(float(rate))

    def _accumulated(self, packed: Sequence[int]) -> list[int]:
        assert self._clock is not None
        found = []
        for low, middle, high in zip(packed[::3], packed[1::3], packed[2::3], strict=False):
            for bits in (low | (middle & 0xF) << 8, middle >> 4 | high << 4):
                self._clock += (bits - self._clock) & 0xFFF
                found.append(self._clock)
        return found

    def at(self, t: NDArray) -> NDArray:
        """The rate of the last beat up to each time, NaN where it is older than ``FRESH``."""
        if not self._t:
            return np.full(len(t), np.nan)
        order = np.argsort(self._t, kind="stable")
        times, rates = np.array(self._t)[order], np.array(self._rate)[order]
        last = np.searchsorted(times, t, side="right") - 1
        there = (last >= 0) & (t - times[np.maximum(last, 0)] <= FRESH)
        return np.where(there, rates[np.maximum(last, 0)], np.nan)


def _ticks(frame: FitDataMessage) -> int | None:
    for field in frame.fields:
        raw = field.raw_value
        if field.name == "event_timestamp" and field.field_def is not None:
            first = raw[0] if isinstance(raw, tuple) else raw
            return first if isinstance(first, int) else None
    return None
