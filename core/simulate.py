"""A squad on a pitch as raw samples of its devices: 10 Hz speed, heart rate and position.

Everything is drawn from one seed, so the same seed gives the same samples, whatever the speed at
which they are sent. A player walks, jogs, runs and sprints in bouts whose shares follow time-motion
studies of professional matches (some 120 m/min; Rampinini et al., Int J Sports Med 2007, doi
10.1055/s-2006-924340); heart rate follows effort with a lag of 40 s; position carries correlated
GNSS error (0.6 m over 30 s) and receiver noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RATE = 10  # samples a second
PERIOD = 1000 // RATE  # ms
LENGTH, WIDTH = 105.0, 68.0  # m, the pitch
# The pitch's south-west corner, and how far its long side is turned from east.
ORIGIN_LAT, ORIGIN_LON, TURNED = 46.5361, 6.6246, np.radians(28.0)
ALTITUDE = 421.0
_METRES_PER_DEGREE = 111_194.93  # of latitude, on the mean sphere of 6,371,008.8 m

FAULTS = ("dropout", "duplicate", "late", "clock")

# Bouts: speed in m/s (low, high), share of bouts, mean length in s.
_BOUTS = (
    ((0.0, 0.4), 0.15, 4.0),  # standing
    ((0.9, 1.9), 0.45, 7.0),  # walking
    ((2.2, 3.6), 0.26, 6.0),  # jogging
    ((3.9, 5.2), 0.095, 4.0),  # running
    ((5.6, 6.8), 0.031, 3.5),  # high speed
    ((7.1, 8.3), 0.014, 4.5),  # sprinting
)
# Home of each position as shares of length and width; a squad larger than eleven repeats them.
_HOMES = (
    (0.06, 0.5), (0.22, 0.14), (0.18, 0.38), (0.18, 0.62), (0.22, 0.86), (0.42, 0.2),
    (0.38, 0.45), (0.42, 0.7), (0.68, 0.18), (0.72, 0.5), (0.68, 0.82),
)  # fmt: skip
_ZONE = (42.0, 30.0)  # m, the part of the pitch in which one player moves


@dataclass(frozen=True)
class Track:
    """One player's samples, all arrays of one length: ``t`` int64 Unix ms, latitude and longitude
    in degrees, altitude in m, speed in m/s, heart rate in 1/min."""

    t: NDArray[np.int64]
    lat: Array
    lon: Array
    alt: Array
    speed: Array
    hr: NDArray[np.int64]

    def columns(self, rows: slice | NDArray[np.int64] = slice(None)) -> dict[str, NDArray[Any]]:
        """The uplink's columns (contract/touchline.md section 2) of these rows."""
        return {
            "gnss.timestamp": np.ascontiguousarray(self.t[rows]),
            "gnss.latitude": np.ascontiguousarray(self.lat[rows]),
            "gnss.longitude": np.ascontiguousarray(self.lon[rows]),
            "gnss.altitude": np.ascontiguousarray(self.alt[rows]),
            "gnss.speed": np.ascontiguousarray(self.speed[rows]),
            "ecg.hr": np.ascontiguousarray(self.hr[rows]),
        }


@dataclass(frozen=True)
class Batch:
    """One uplink batch: ``sent`` is when the device sends it, in ms of play since the start;
    ``offset`` is how far the device's clock is ahead, in ms; ``repeats`` how often it is sent."""

    id: str
    sent: int
    offset: int
    columns: dict[str, NDArray[Any]]
    repeats: int = 1


def track(seed: int, player: int, start: int, seconds: float) -> Track:
    """Player number ``player`` (from 0) of the squad ``seed``: ``seconds`` of play from ``start``
    (Unix ms). Deterministic; players are independent of each other."""
    rng = np.random.default_rng((seed, player))
    n = round(seconds * RATE)
    speed = _speed(rng, n)
    x, y = _path(rng, speed, player)
    x += _wander(rng, n, 0.6, 30.0) + rng.normal(0, 0.015, n)
    y += _wander(rng, n, 0.6, 30.0) + rng.normal(0, 0.015, n)
    lat, lon = to_degrees(x, y)
    return Track(
        t=start + PERIOD * np.arange(n, dtype=np.int64),
        lat=np.round(lat, 7),
        lon=np.round(lon, 7),
        alt=np.round(ALTITUDE + _wander(rng, n, 1.0, 60.0), 2),
        speed=np.abs(np.round(speed + rng.normal(0, 0.03, n), 3)),
        hr=_heart_rate(rng, speed),
    )


def to_degrees(x: Array, y: Array) -> tuple[Array, Array]:
    """Metres on the pitch, from its corner along the long and the short side → latitude,
    longitude. Equirectangular about the corner: 1 cm over a pitch."""
    east = x * np.cos(TURNED) - y * np.sin(TURNED)
    north = x * np.sin(TURNED) + y * np.cos(TURNED)
    lon_scale = _METRES_PER_DEGREE * np.cos(np.radians(ORIGIN_LAT))
    return ORIGIN_LAT + north / _METRES_PER_DEGREE, ORIGIN_LON + east / lon_scale


def corners() -> list[list[float]]:
    """The pitch's corners in order round it, each [latitude, longitude]."""
    x = np.array([0.0, LENGTH, LENGTH, 0.0])
    y = np.array([0.0, 0.0, WIDTH, WIDTH])
    lat, lon = np.round(to_degrees(x, y), 7)
    return [[float(a), float(b)] for a, b in zip(lat, lon, strict=True)]


def batches(
    seed: int,
    player: int,
    start: int,
    seconds: float,
    span: float,
    faults: frozenset[str] = frozenset(),
) -> Iterator[Batch]:
    """The player's track cut into batches of ``span`` seconds, in the order of sending.

    ``faults``: ``dropout`` loses samples for good, ``duplicate`` sends some batches twice, ``late``
    holds some back until after those that follow, ``clock`` sets the device's clock off.
    """
    rng = np.random.default_rng((seed, player, 1))
    whole = track(seed, player, start, seconds)
    offset = int(rng.integers(-2_500, 2_500)) if "clock" in faults else 0
    kept = np.ones(len(whole.t), dtype=bool)
    if "dropout" in faults:
        _drop(rng, kept)
    rows, held = max(1, round(span * RATE)), None
    for number, low in enumerate(range(0, len(whole.t), rows)):
        # Drawn for every batch, so that one fault does not change where another falls.
        twice, late = rng.random() < 0.05, rng.random() < 0.05
        here = slice(low, min(low + rows, len(whole.t)))
        chosen = np.flatnonzero(kept[here]) + low
        sent = here.stop * PERIOD
        if not len(chosen):
            continue
        columns = whole.columns(chosen)
        columns["gnss.timestamp"] += offset
        batch = Batch(
            f"sim-{seed}-{player}-{start}-{number:06d}",
            sent,
            offset,
            columns,
            2 if twice and "duplicate" in faults else 1,
        )
        if late and "late" in faults and held is None:
            held = (number, batch)
            continue
        yield batch
        if held and number >= held[0] + 3:
            yield replace(held[1], sent=sent)
            held = None
    if held:
        yield replace(held[1], sent=len(whole.t) * PERIOD)


def _drop(rng: np.random.Generator, kept: NDArray[np.bool_]) -> None:
    """Single samples, and silences of 1 to 20 s, about one in five minutes."""
    kept[rng.random(len(kept)) < 0.005] = False
    count = rng.poisson(len(kept) / (300 * RATE))
    starts = rng.integers(0, len(kept), count)
    for low, length in zip(starts, rng.integers(RATE, 20 * RATE, count), strict=True):
        kept[low : low + length] = False


def _speed(rng: np.random.Generator, n: int) -> Array:
    """Bouts of constant speed, joined by a Hann window of 2.5 s: accelerations up to 4 m/s²."""
    bounds = np.array([bout[0] for bout in _BOUTS])
    shares = np.array([bout[1] for bout in _BOUTS])
    lengths = np.array([bout[2] for bout in _BOUTS])
    mean = float(shares @ lengths)
    # Enough bouts to cover n with certainty: twice the expected number, and some for short tracks.
    count = int(2 * n / (mean * RATE)) + 50
    kind = rng.choice(len(_BOUTS), count, p=shares)
    low, high = bounds[kind].T
    target = low + (high - low) * rng.random(count)
    length = np.maximum(1, RATE * lengths[kind] * rng.gamma(3.0, 1 / 3.0, count)).astype(int)
    return _smooth(np.repeat(target, length)[:n], np.hanning(27)[1:-1])


def _smooth(values: Array, window: Array) -> Array:
    """Convolution with a window of sum one; the ends see their own value beyond them."""
    half = len(window) // 2
    padded = np.pad(values, half, mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")[: len(values)]


def _path(rng: np.random.Generator, speed: Array, player: int) -> tuple[Array, Array]:
    """Metres on the pitch. The heading turns smoothly; at the border of the player's zone the path
    is reflected, which keeps the distance that was run."""
    n = len(speed)
    turning = _smooth(rng.normal(0, 1.0, n), np.hanning(21)[1:-1]) * 4.5 / (1.0 + speed / 3)
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(turning) / RATE
    home = _HOMES[player % len(_HOMES)]
    path = []
    for axis, side, zone, step in (
        (0, LENGTH, _ZONE[0], np.cos(heading)),
        (1, WIDTH, _ZONE[1], np.sin(heading)),
    ):
        middle = np.clip(home[axis] * side, zone / 2, side - zone / 2)
        free = rng.uniform(0, zone) + np.cumsum(speed * step) / RATE
        path.append(middle - zone / 2 + _reflect(free, zone))
    return path[0], path[1]


def _reflect(values: Array, width: float) -> Array:
    """Fold the line into [0, width] like light between two mirrors."""
    return width - np.abs(np.mod(values, 2 * width) - width)


def _wander(rng: np.random.Generator, n: int, sigma: float, seconds: float) -> Array:
    """Correlated noise (AR(1)) of standard deviation ``sigma`` and this time constant."""
    keep = np.exp(-1 / (seconds * RATE))
    white = rng.normal(0, sigma * np.sqrt(1 - keep**2), n)
    return _decayed(white, keep)


def _decayed(values: Array, keep: float) -> Array:
    """y[i] = keep · y[i − 1] + values[i], in blocks short enough for powers of ``keep``."""
    block = max(1, min(len(values), int(-20 / np.log(keep))))
    padded = np.pad(values, (0, -len(values) % block)).reshape(-1, block)
    powers = keep ** np.arange(block)
    inside = np.cumsum(padded / powers, axis=1) * powers
    carried = 0.0
    for row in inside:  # one step per block, not per sample
        row += carried * keep * powers
        carried = row[-1]
    return inside.ravel()[: len(values)]


def _heart_rate(rng: np.random.Generator, speed: Array) -> NDArray[np.int64]:
    """Follows speed with a lag of 40 s, between this player's rest and maximum; one value a
    second, as chest straps give it."""
    rest, most = rng.uniform(55, 68), rng.uniform(183, 199)
    keep = np.exp(-1 / (40.0 * RATE))
    # A third of the reserve is in use before the first step: play, not rest, precedes the track.
    effort = np.clip(speed / 5.2, 0, 1.15) ** 0.7
    lagged = _decayed((1 - keep) * effort, keep) + 0.45 * keep ** np.arange(1, len(speed) + 1)
    rate = rest + (most - rest) * np.clip(0.35 + 0.75 * lagged, 0, 1)
    rate += _wander(rng, len(speed), 1.5, 8.0)
    per_second = np.round(rate[::RATE]).astype(np.int64)
    return np.repeat(per_second, RATE)[: len(speed)]
