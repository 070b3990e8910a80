"""Samples as columns: the channel table, and what is done to columns before they are bytes.

``Columns`` is the form of samples everywhere inside the pipeline: a dict from column name to a
one-dimensional array, all of one length. ``"t"`` comes first, int64 Unix milliseconds; every other
column is float64 in the unit of its channel, NaN where the sample has no value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray]

MINUTE = 60_000
MAX_GAP = 5 * MINUTE  # a longer silence starts another range, and another block
MAX_SCALE = 9  # decimals; 1e-9 degrees is a tenth of a millimetre
_EXACT = float(2**53)  # integers up to here are exact in a float64
_INT32 = 2**31 - 1
_PROBE = 128
_FEW = 1024  # so many values are tried at every scale at once: the calls cost more than the numbers
_POWERS = np.array([10.0**decimals for decimals in range(MAX_SCALE + 1)])


class Channel(NamedTuple):
    """One channel of the stream ``samples``: the name the folds use (None where no fold reads it),
    the unit, and the closed bounds outside which the uplink refuses (None: no bound).
    """

    fold: str | None
    unit: str
    lower: float | None = None
    upper: float | None = None


# The vendor's names (contract/insiders.md sections 4.4, 8.3) and ours (touchline.md section 2).
CHANNELS: dict[str, Channel] = {
    "gnss.latitude": Channel("lat", "deg", -90.0, 90.0),
    "gnss.longitude": Channel("lon", "deg", -180.0, 180.0),
    "gnss.altitude": Channel("alt", "m", -1_000.0, 20_000.0),
    "gnss.speed": Channel("speed", "m/s", 0.0, 150.0),
    "ecg.timestamp": Channel(None, "ms"),
    "ecg.hr": Channel("hr", "1/min", 0.0, 300.0),
    "pwr.timestamp": Channel(None, "ms"),
    "pwr.pwr_instantpower": Channel("power", "W", 0.0, 5_000.0),
    "pwr.pwr_cadence": Channel("cadence", "1/min"),
    "pwr.pwr_balance": Channel("balance", "%", 0.0, 100.0),  # the left leg's share
    "run.cadence": Channel("cadence", "1/min"),
    "env.temp": Channel("temp", "°C"),
    "device.timestamp": Channel(None, "ms"),
    "device.standstill": Channel(None, "1"),
    "device.distance": Channel("distance", "m", 0.0, 10_000_000.0),  # since the recording's start
    "device.Bat_lvl": Channel(None, "%"),
}
ROW_CLOCK = "gnss.timestamp"  # of the stream "samples"; the other streams say "timestamp"
READ_ONLY = frozenset({"field.x", "field.y"})  # made on reading, never stored

# The other streams, column by column with unit. A stroke type and an event are stored as the
# numbers that core.sport.codes gives to their names.
STREAMS: dict[str, dict[str, str]] = {
    "rr": {"rr": "ms"},
    "imu": dict.fromkeys(("ax", "ay", "az"), "g") | dict.fromkeys(("gx", "gy", "gz"), "deg/s"),
    "lengths": {"duration": "s", "strokes": "1", "active": "1", "stroke_type": "code"},
    "events": {"event": "code", "value": "1"},
}

_ORDER = {name: place for place, name in enumerate(["t", *CHANNELS])}


def unit_of(name: str, stream: str = "samples") -> str | None:
    """The unit of a column, None where the table does not know it."""
    if name == "t":
        return "ms"
    if stream in STREAMS:
        return STREAMS[stream].get(name)
    return CHANNELS[name].unit if name in CHANNELS else None


def empty(names: Iterable[str] = ()) -> Columns:
    """Columns of no samples."""
    return ordered(
        {"t": np.empty(0, np.int64)} | {name: np.empty(0) for name in names if name != "t"}
    )


def size(columns: Mapping[str, NDArray]) -> int:
    """The number of samples."""
    return len(columns["t"])


def between(columns: Mapping[str, NDArray], start: int, stop: int) -> Columns:
    """The samples with ``start <= t < stop``; ``t`` must ascend. Views, not copies."""
    low, high = np.searchsorted(columns["t"], (start, stop), side="left")
    return {name: values[low:high] for name, values in columns.items()}


def select(columns: Mapping[str, NDArray], names: Iterable[str]) -> Columns:
    """``t`` and the named columns, in the given order; a column that is not there is all NaN."""
    picked: Columns = {"t": columns["t"]}
    for name in names:
        if name != "t":
            found = columns.get(name)
            picked[name] = np.full(size(columns), np.nan) if found is None else found
    return picked


def concat(parts: Sequence[Mapping[str, NDArray]]) -> Columns:
    """The parts one after another, with every column that any has; NaN where a part lacks one."""
    if len(parts) == 1:
        return ordered(dict(parts[0]))
    names = {name for part in parts for name in part} | {"t"}
    clocks = [part["t"] for part in parts]
    joined: Columns = {"t": np.concatenate(clocks) if clocks else np.empty(0, np.int64)}
    for name in names - {"t"}:
        column = np.empty(len(joined["t"]))
        at = 0
        for part in parts:
            column[at : at + size(part)] = part.get(name, np.nan)
            at += size(part)
        joined[name] = column
    return ordered(joined)


def merge(parts: Sequence[Mapping[str, NDArray]]) -> Columns:
    """Samples of all parts in ascending time, each time once.

    ``parts`` come in order of writing. Where several samples have one time, the last written is
    kept whole: that of the later part, and inside a part that of the later row.
    """
    return last_written(concat(in_time_order(parts)))


def in_time_order(parts: Sequence[Mapping[str, NDArray]]) -> list[Mapping[str, NDArray]]:
    """The parts by first sample if that alone puts all samples in order, else as they came."""
    filled = [part for part in parts if size(part)]
    by_time = sorted(filled, key=lambda part: int(part["t"][0]))
    apart = all(a["t"][-1] < b["t"][0] for a, b in pairwise(by_time))
    return by_time if apart else filled or list(parts[:1])


def last_written(columns: Columns) -> Columns:
    """Rows in order of writing → ascending time, each time once, the last written kept."""
    t = columns["t"]
    if len(t) < 2 or bool(np.all(t[1:] > t[:-1])):
        return columns
    order = np.argsort(t, kind="stable")
    ordered = t[order]
    keep = order[np.append(ordered[1:] != ordered[:-1], True)]
    return {name: values[keep] for name, values in columns.items()}


def cut(columns: Columns, *, rows: int, span: int) -> list[Columns]:
    """Pieces of at most ``rows`` samples and ``span`` ms from first to last sample, and none with
    a gap of more than ``MAX_GAP`` inside. ``t`` must ascend.
    """
    t = columns["t"]
    if 0 < len(t) <= rows and t[-1] - t[0] <= min(span, MAX_GAP):
        return [columns]  # nearly every batch
    edges = [0, *(np.flatnonzero(np.diff(t) > MAX_GAP) + 1).tolist(), len(t)]
    pieces = []
    for low, high in pairwise(edges):
        at = low
        while at < high:
            reach = int(np.searchsorted(t[:high], t[at] + span, side="right"))
            end = min(high, at + rows, reach)
            pieces.append({name: values[at:end] for name, values in columns.items()})
            at = end
    return pieces


def exact_decimals(values: NDArray) -> tuple[NDArray, NDArray]:
    """Find the decimals that floats were made from, exactly or not at all.

    ``values`` is float64 of shape (k, n), one column a row, NaN absent. Returns ``(whole, scale)``:
    int64 (k, n) and int8 (k,), such that ``whole / 10**scale == value`` for every value that is
    there, with the smallest scale of 0 to 9 that does it; scale -1 where none does (then ``whole``
    says nothing). Absent values are 0 in ``whole``.
    """
    if values.size <= _FEW:
        return _exact_few(values)
    whole = np.zeros(values.shape, np.int64)
    scale = np.full(len(values), -1, np.int8)
    absent = np.isnan(values)
    for decimals in range(MAX_SCALE + 1):
        rows = np.flatnonzero(scale < 0)
        if not len(rows):
            break
        power = 10.0**decimals
        x = values[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            candidate = np.rint(x * power)
            fits = (candidate / power == x) & (np.abs(candidate) <= _EXACT)
        good = (fits | absent[rows]).all(axis=1)
        done = rows[good]
        whole[done] = np.where(absent[done], 0.0, candidate[good]).astype(np.int64)
        scale[done] = decimals
    return whole, scale


def _exact_few(values: NDArray) -> tuple[NDArray, NDArray]:
    absent = np.isnan(values)
    x = values[:, None, :]
    with np.errstate(over="ignore", invalid="ignore"):
        candidates = np.rint(x * _POWERS[:, None])  # column, scale, value
        fits = (candidates / _POWERS[:, None] == x) & (np.abs(candidates) <= _EXACT)
    good = (fits | absent[:, None, :]).all(axis=2)
    first, found = good.argmax(axis=1), good.any(axis=1)
    whole = candidates[np.arange(len(values)), first]
    whole[absent | ~found[:, None]] = 0.0
    return whole.astype(np.int64), np.where(found, first, -1).astype(np.int8)


def exact_long_columns(
    columns: Sequence[NDArray],
) -> Iterator[tuple[NDArray, int, NDArray | None]]:
    """``exact_decimals`` column by column, for many values: yields (whole as int32 or int64, scale,
    absent), or (the column itself, -1, absent); ``absent`` is None where every value is there.
    A few values tell where to start: all of them need no fewer decimals.
    """
    if not columns:
        return
    some = np.array([column[:: 1 + len(column) // _PROBE] for column in columns])
    _, scales = exact_decimals(some)
    for column, first in zip(columns, scales.tolist(), strict=True):
        places = range(first, MAX_SCALE + 1) if first >= 0 else range(0)
        for decimals in places:
            found = _as_whole(column, decimals)
            if found is not None:
                yield found[0], decimals, found[1]
                break
        else:
            absent = np.isnan(column)
            yield column, -1, absent if absent.any() else None


def _as_whole(x: NDArray, decimals: int) -> tuple[NDArray, NDArray | None] | None:
    power = 10.0**decimals
    absent = None
    with np.errstate(over="ignore", invalid="ignore"):
        candidate = x * power
        np.rint(candidate, out=candidate)
        fits = candidate / power == x
        if not fits.all():
            absent = np.isnan(x)
            if not (fits | absent).all():
                return None
            candidate[absent] = 0.0
    largest = max(-candidate.min(), candidate.max())
    if largest > _EXACT:
        return None
    return candidate.astype(np.int32 if largest <= _INT32 else np.int64), absent


def ordered(columns: Columns) -> Columns:
    """``t``, then the channels as the table has them, then others by name."""
    names = sorted(columns, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
    return {name: columns[name] for name in names}
