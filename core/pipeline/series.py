"""What a chart draws of a stream: lowest, mean and highest value of each channel per bucket of time
(design/metrics.md 2.14), and the route. Samples come piece by piece and only buckets are kept, so
that a long session is never in memory.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.sport.geometry import Plane

from .columns import CHANNELS, Columns, select, size

# Lengths of a bucket, ms; buckets begin at multiples of theirs since 1970 (UTC).
LADDER = (
    *(100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000),
    *(60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 86_400_000),
)
LATITUDE, LONGITUDE, SPEED, HEART = "gnss.latitude", "gnss.longitude", "gnss.speed", "ecg.hr"
DRAWN = (
    SPEED,
    HEART,
    "gnss.altitude",
    "pwr.pwr_instantpower",
    "pwr.pwr_cadence",
    "run.cadence",
    "env.temp",
)
NEEDED = (LATITUDE, LONGITUDE, *DRAWN)
SPARSE_GAP = 120_000  # ms
_DIGITS = 3
_DEGREES = 7
_SPEED_WINDOW = 500  # ms: of the steps that give a speed where the device gives none


class Limits(NamedTuple):
    """``gap``: a longer silence (ms) breaks a line; ``max_speed`` (m/s): a fix that was reached
    faster is none. Both are the time frame's parameters.
    """

    gap: int
    max_speed: float


def bucket_for(span: int, most: int) -> int:
    """The shortest bucket (ms) of which ``most`` cover ``span`` ms, or the longest there is."""
    return next((length for length in LADDER if span <= length * most), LADDER[-1])


class _Buckets(NamedTuple):
    """``key`` is the bucket's number; the others are float64 [channels, buckets], NaN without a
    value, and how many values were seen.
    """

    key: NDArray
    low: NDArray
    high: NDArray
    total: NDArray
    seen: NDArray


class Series:
    """Takes samples in order of time, gives buckets."""

    def __init__(self, bucket: int, route_bucket: int, limits: Limits) -> None:
        self.bucket = bucket
        self._route_bucket = route_bucket
        self._limits = limits
        self._pieces: list[_Buckets] = []
        self._silences: list[tuple[int, int]] = []  # key of the bucket that ends it, ms
        self._fixes: list[NDArray] = []  # [t, latitude, longitude], the first of each route bucket
        self._last: int | None = None
        self._measured = False  # some speed came from the device
        self.samples = 0

    def add(self, columns: Columns) -> None:
        """The next samples; ``t`` ascends."""
        if not size(columns):
            return
        columns = select(columns, NEEDED)
        t = columns["t"]
        self.samples += len(t)
        self._note_silences(t)
        self._measured |= not np.isnan(columns[SPEED]).all()
        if not self._measured:
            columns[SPEED] = speed_of_positions(columns, self._limits)
        columns[HEART] = np.where(columns[HEART] > 0.0, columns[HEART], np.nan)
        self._pieces.append(_reduced(t // self.bucket, np.stack([columns[c] for c in DRAWN])))
        self._fixes.append(_first_fixes(columns, self._route_bucket))

    def _note_silences(self, t: NDArray) -> None:
        before = t[:1] if self._last is None else np.array([self._last])
        steps = np.diff(t, prepend=before)
        longer = steps > self._limits.gap
        keys = t[longer] // self.bucket
        self._silences += zip(keys.tolist(), steps[longer].tolist(), strict=True)
        self._last = int(t[-1])

    @property
    def gap(self) -> int:
        """What breaks a line (ms): more, where most samples are further apart than ``Limits.gap``
        by themselves (design/metrics.md 2.1).
        """
        sparse = 2 * len(self._silences) > self.samples - 1
        return max(self._limits.gap, SPARSE_GAP) if sparse else self._limits.gap

    def document(self) -> dict[str, Any]:
        """``bucket`` (ms), ``samples``, ``t`` (where each bucket begins), ``channels`` that have a
        value and ``route``. Before a bucket that follows a silence stands a millisecond of nulls.
        """
        found = _joined(self._pieces)
        t, keep = self._times(found.key)
        channels = []
        for row, name in enumerate(DRAWN):
            seen = found.seen[row]
            if seen.any():
                with np.errstate(invalid="ignore"):
                    mean = found.total[row] / seen
                values = {"min": found.low[row], "mean": mean, "max": found.high[row]}
                source = "position" if name == SPEED and not self._measured else "device"
                unit = CHANNELS[name].unit
                shown = {key: _spread(value, keep, len(t)) for key, value in values.items()}
                channels.append({"channel": name, "unit": unit, "source": source, **shown})
        return {
            "bucket": self.bucket,
            "gap": self.gap,
            "samples": self.samples,
            "t": t,
            "channels": channels,
            "route": self._route(),
        }

    def _times(self, key: NDArray) -> tuple[NDArray, NDArray]:
        """The times of all rows, and which of them are buckets."""
        least = max(self.gap, self.bucket)
        after = {bucket for bucket, silence in self._silences if silence > least}
        breaks = np.array(sorted(after), np.int64) * self.bucket - 1
        t = np.concatenate([key * self.bucket, breaks])
        order = np.argsort(t, kind="stable")
        return t[order], np.flatnonzero(order < len(key))

    def _route(self) -> dict[str, Any]:
        fixes = np.concatenate(self._fixes, axis=1) if self._fixes else np.empty((3, 0))
        t, latitude, longitude = believable(fixes, self._limits.max_speed)
        silence = np.diff(t, prepend=t[:1])
        after = np.flatnonzero(silence > max(self.gap, 2 * self._route_bucket))
        return {
            "t": t.astype(np.int64),
            "latitude": np.round(latitude, _DEGREES),
            "longitude": np.round(longitude, _DEGREES),
            "breaks": after,
        }


def _reduced(key: NDArray, values: NDArray) -> _Buckets:
    """Values [channels, n], by their ascending keys."""
    starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    there = ~np.isnan(values)
    return _Buckets(
        key[starts],
        np.fmin.reduceat(values, starts, axis=1),
        np.fmax.reduceat(values, starts, axis=1),
        np.add.reduceat(np.where(there, values, 0.0), starts, axis=1),
        np.add.reduceat(there.astype(np.int64), starts, axis=1),
    )


def _joined(pieces: list[_Buckets]) -> _Buckets:
    """Pieces one after another; a bucket that lies across two becomes one."""
    if not pieces:
        nothing = np.empty((len(DRAWN), 0))
        return _Buckets(np.empty(0, np.int64), nothing, nothing, nothing, nothing)
    key = np.concatenate([piece.key for piece in pieces])
    low, high, total, seen = (
        np.concatenate([piece[part] for piece in pieces], axis=1) for part in range(1, 5)
    )
    starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    return _Buckets(
        key[starts],
        np.fmin.reduceat(low, starts, axis=1),
        np.fmax.reduceat(high, starts, axis=1),
        np.add.reduceat(total, starts, axis=1),
        np.add.reduceat(seen, starts, axis=1),
    )


def _spread(values: NDArray, rows: NDArray, n: int) -> NDArray:
    spread = np.full(n, np.nan)
    spread[rows] = np.round(values, _DIGITS)
    return spread


def _has_fix(columns: Mapping[str, NDArray]) -> NDArray:
    latitude, longitude = columns[LATITUDE], columns[LONGITUDE]
    nowhere = np.isnan(latitude) | np.isnan(longitude) | ((latitude == 0.0) & (longitude == 0.0))
    return ~nowhere


def speed_of_positions(columns: Mapping[str, NDArray], limits: Limits) -> NDArray:
    """Speed (m/s) over the steps of the last half second, the newest step at least
    (design/metrics.md 2.2); NaN without two fixes close enough in time.
    """
    speed = np.full(size(columns), np.nan)
    rows = np.flatnonzero(_has_fix(columns))
    if len(rows) < 2:
        return speed
    t, latitude, longitude = (columns[name][rows] for name in ("t", LATITUDE, LONGITUDE))
    east, north = Plane.at(float(latitude[0]), float(longitude[0])).metres(latitude, longitude)
    way = np.cumsum(np.hypot(np.diff(east, prepend=east[0]), np.diff(north, prepend=north[0])))
    last = np.arange(1, len(t))
    first = np.minimum(np.searchsorted(t, t[1:] - _SPEED_WINDOW), last - 1)
    took = (t[last] - t[first]) / 1000.0
    found = (way[last] - way[first]) / took
    found[(took * 1000.0 > limits.gap) | (found > limits.max_speed)] = np.nan
    speed[rows[1:]] = found
    return speed


def _first_fixes(columns: Mapping[str, NDArray], bucket: int) -> NDArray:
    rows = np.flatnonzero(_has_fix(columns))
    key = columns["t"][rows] // bucket
    first = rows[np.flatnonzero(np.diff(key, prepend=key[:1] - 1))]
    return np.stack([columns[name][first] for name in ("t", LATITUDE, LONGITUDE)]).astype(float)


def believable(fixes: NDArray, max_speed: float) -> NDArray:
    """Of ``[t, latitude, longitude]``, those that were reached no faster than ``max_speed`` from
    the last one kept (design/metrics.md 2.1).
    """
    if not fixes.shape[1]:
        return fixes
    t, latitude, longitude = fixes
    plane = Plane.at(float(np.median(latitude)), float(np.median(longitude)))
    points = zip(t.tolist(), *plane.metres(latitude, longitude).tolist(), strict=True)
    kept: list[int] = []
    t0 = x0 = y0 = 0.0
    for row, (at, x, y) in enumerate(points):
        far = (x - x0) ** 2 + (y - y0) ** 2
        if not kept or far <= (max_speed * (at - t0) / 1000.0) ** 2:
            kept.append(row)
            t0, x0, y0 = at, x, y
    return fixes[:, kept]
