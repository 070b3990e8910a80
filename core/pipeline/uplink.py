"""A batch from a device: the POST body of contract/touchline.md section 2, checked as columns.

Every refusal names the column and the first row at fault; nothing of a refused batch is kept.
Values inside the bounds are taken as they came, however implausible: the metric rules mask them.
The same batch as Arrow: core.pipeline.uplink_arrow.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from core.errors import BadInput, TooLarge
from core.sport.codes import CODES

from .columns import CHANNELS, READ_ONLY, ROW_CLOCK, STREAMS, Columns

SAMPLES = "samples"  # the stream whose columns stand in ``columns``
MAX_ROWS = 36_000
MAX_BYTES = 8 * 1024 * 1024
SMALL = 8 * 1024  # bytes: ten seconds of samples, read in about half a millisecond
EARLIEST = 946_684_800_000  # 2000-01-01T00:00:00Z
MAX_AHEAD = 5 * 60_000
MAX_BATCH_LENGTH = 64
MAX_CODE = 65_535  # the codes of FIT are at most 16 bits wide
_KEYS = frozenset({"batch", "sent", "n", "columns", "streams"})
_CLOCKS = frozenset({ROW_CLOCK, "timestamp", "ecg.timestamp", "pwr.timestamp", "device.timestamp"})

T = TypeVar("T")

# Stream → column → values, as they came: a list as of JSON, or float64 with NaN for absent.
Given = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Batch:
    """A batch that was found good.

    ``streams`` maps stream name → columns; a column without any value is left out. ``n`` counts
    the rows of all streams, ``t0`` and ``t1`` are the first and the last time in them. ``number``
    is the socket form's ``n``. ``content_hash`` (SHA-256, hex) is over streams, columns and values
    alone: the same samples give the same hash, however the JSON was written and whenever sent.
    """

    batch: str
    sent: int | None
    number: int | None
    streams: dict[str, Columns]
    n: int
    t0: int
    t1: int
    content_hash: str


def aside(offload: Callable[[Callable[[], T]], T], size: int, read: Callable[[], T]) -> T:
    """Read a body of ``size`` bytes without holding up others: a large one by ``offload``; a small
    one here, as changing threads takes longer than reading it.
    """
    return read() if size <= SMALL else offload(read)


def parse(body: bytes, now: int) -> Batch:
    """Check a body received at ``now`` (Unix ms).

    Raises ``BadInput`` (with JSON pointers) and ``TooLarge`` (over 8 MiB or 36,000 rows).
    """
    return of_document(load(body, now), now)


def load(body: bytes, now: int) -> dict[str, Any]:
    """A body as an object whose content is not looked at yet; raises as ``parse`` does."""
    if len(body) > MAX_BYTES:
        raise TooLarge(f"a batch has at most {MAX_BYTES} bytes, this one has {len(body)}")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        _name_the_infinite(body, now)
        raise BadInput(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadInput.at("", "must be an object")
    return document


def of_document(document: dict[str, Any], now: int) -> Batch:
    """Check a loaded body."""
    for key in document:
        if key not in _KEYS:
            raise BadInput.at(f"/{escape(key)}", "unknown member")
    return check(document, _given(document), now)


def check(envelope: Mapping[str, Any], given: Given, now: int) -> Batch:
    """A batch of what was received at ``now``: ``envelope`` holds ``batch`` and maybe ``sent`` and
    ``n``. Raises as ``parse`` does.
    """
    return of_streams(
        _batch_id(envelope),
        _streams(given, now),
        sent=_integer(envelope, "sent"),
        number=_number(envelope),
    )


def of_streams(
    name: str, streams: dict[str, Columns], *, sent: int | None = None, number: int | None = None
) -> Batch:
    """A batch of columns that are known to be good: of a checked body, or of a decoded file."""
    clocks = [columns["t"] for columns in streams.values()]
    return Batch(
        batch=name,
        sent=sent,
        number=number,
        streams=streams,
        n=sum(len(clock) for clock in clocks),
        t0=min(int(clock[0]) for clock in clocks),
        t1=max(int(clock[-1]) for clock in clocks),
        content_hash=content_hash(streams),
    )


def content_hash(streams: Mapping[str, Columns]) -> str:
    """SHA-256 (hex) of the samples; columns without any value do not count."""
    digest = hashlib.sha256()
    for stream in sorted(streams):
        columns = streams[stream]
        for name in sorted(columns):
            values = columns[name]
            if name != "t":
                values = values + 0.0  # -0.0 equals 0.0, and absent is one bit pattern
                absent = np.isnan(values)
                if absent.all():
                    continue
                values[absent] = np.nan
            head = orjson.dumps([stream, name, len(values)])
            digest.update(head + values.astype(values.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _name_the_infinite(body: bytes, now: int) -> None:
    """NaN, Infinity and 1e400 are not JSON, yet programs write them: refuse them by column and row.
    Returns when something else is wrong with the body.
    """
    infinite = False

    def number(text: str) -> float:
        nonlocal infinite
        value = math.inf if text == "NaN" else float(text)
        infinite = infinite or math.isinf(value)
        return value

    try:
        document = json.loads(body, parse_constant=number, parse_float=number)
    except (ValueError, RecursionError):
        return
    if infinite and isinstance(document, dict):
        _streams(_given(document), now)


def _batch_id(document: Mapping[str, Any]) -> str:
    batch = document.get("batch")
    if not isinstance(batch, str) or not 1 <= len(batch) <= MAX_BATCH_LENGTH:
        raise BadInput.at("/batch", f"must be a text of 1 to {MAX_BATCH_LENGTH} characters")
    if "\x00" in batch:  # PostgreSQL cannot hold it
        raise BadInput.at("/batch", "must not contain the character U+0000")
    return batch


def _integer(document: Mapping[str, Any], key: str) -> int | None:
    value = document.get(key)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < 2**63:
        raise BadInput.at(f"/{key}", "must be an integer of at least 0")
    return value


def _number(envelope: Mapping[str, Any]) -> int | None:
    number = _integer(envelope, "n")
    if number == 0:
        raise BadInput.at("/n", "must be at least 1")
    return number


def _given(document: dict[str, Any]) -> Given:
    given: dict[str, dict[str, Any]] = {}
    if document.get("columns") is not None:
        given[SAMPLES] = _object(document["columns"], "/columns")
    if document.get("streams") is not None:
        for name, columns in _object(document["streams"], "/streams").items():
            if name == SAMPLES:
                raise BadInput.at("/streams/samples", "its columns stand in /columns")
            given[name] = _object(columns, pointer_of(name))
    return given


def pointer_of(stream: str) -> str:
    """Where a stream's columns stand in a batch."""
    return "/columns" if stream == SAMPLES else f"/streams/{escape(stream)}"


def _streams(given: Given, now: int) -> dict[str, Columns]:
    if not given:
        raise BadInput.at("/columns", "required, unless streams are given")
    for stream, columns in given.items():
        _check_names(stream, columns)
    rows = sum(len(columns[_clock_of(stream)]) for stream, columns in given.items())
    if rows > MAX_ROWS:
        raise TooLarge(f"a batch has at most {MAX_ROWS} rows, this one has {rows}")
    return {stream: _stream(stream, columns, now) for stream, columns in given.items()}


def _clock_of(stream: str) -> str:
    return ROW_CLOCK if stream == SAMPLES else "timestamp"


def _object(value: Any, pointer: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput.at(pointer, "must be an object")
    return value


def _check_names(stream: str, columns: Mapping[str, Any]) -> None:
    """Known names, each an array as long as the clock's."""
    pointer, clock = pointer_of(stream), _clock_of(stream)
    if stream != SAMPLES and stream not in STREAMS:
        raise BadInput.at(pointer, "unknown stream")
    known = CHANNELS if stream == SAMPLES else STREAMS[stream]
    for name in columns:
        if name in READ_ONLY and stream == SAMPLES:
            raise BadInput.at(f"{pointer}/{name}", "is computed on reading and cannot be sent")
        if name != clock and name not in known:
            raise BadInput.at(f"{pointer}/{escape(name)}", "unknown column")
        if not isinstance(columns[name], (list, np.ndarray)):
            raise BadInput.at(f"{pointer}/{name}", "must be an array")
    if clock not in columns:
        raise BadInput.at(f"{pointer}/{clock}", "required: the time of each row")
    if not len(columns[clock]):
        raise BadInput.at(f"{pointer}/{clock}", "must have at least one row")
    rows = len(columns[clock])
    for name, values in columns.items():
        if len(values) != rows:
            at = min(len(values), rows)
            raise BadInput.at(
                f"{pointer}/{name}/{at}", f"has {len(values)} values where {clock} has {rows}"
            )


def _stream(stream: str, given: Mapping[str, Any], now: int) -> Columns:
    pointer, clock = pointer_of(stream), _clock_of(stream)
    checked: Columns = {"t": _row_clock(f"{pointer}/{clock}", given[clock], now)}
    for name, values in given.items():
        if name == clock:
            continue
        if stream != SAMPLES and name in CODES:
            column = _codes(f"{pointer}/{name}", values, CODES[name])
        else:
            column = _numbers(f"{pointer}/{name}", values)
        if name in _CLOCKS:
            _check_times(f"{pointer}/{name}", column, now)
        elif stream == SAMPLES:
            _check_bounds(f"{pointer}/{name}", column, CHANNELS[name].lower, CHANNELS[name].upper)
        if not np.isnan(column).all():
            checked[name] = column
    return checked


def _row_clock(pointer: str, values: list[Any] | NDArray, now: int) -> NDArray:
    numbers = _numbers(pointer, values)
    absent = np.isnan(numbers)
    if absent.any():
        raise BadInput.at(f"{pointer}/{_first(absent)}", "must be an integer, not null")
    _check_times(pointer, numbers, now)
    t = numbers.astype(np.int64)
    backwards = np.diff(t) <= 0
    if backwards.any():
        at = _first(backwards) + 1
        raise BadInput.at(
            f"{pointer}/{at}", f"must be after the row before ({t[at]} after {t[at - 1]})"
        )
    return t


def _numbers(pointer: str, values: list[Any] | NDArray) -> NDArray:
    """JSON numbers and nulls → float64, null → NaN; anything else is refused."""
    if isinstance(values, list) and not set(map(type, values)) <= {int, float, type(None)}:
        at = next(i for i, v in enumerate(values) if type(v) not in (int, float, type(None)))
        raise BadInput.at(f"{pointer}/{at}", "must be a number or null")
    numbers = np.array(values, dtype=np.float64)
    infinite = np.isinf(numbers)
    if infinite.any():
        raise BadInput.at(f"{pointer}/{_first(infinite)}", "must be finite")
    return numbers


def _codes(pointer: str, values: list[Any] | NDArray, table: Mapping[str, int]) -> NDArray:
    """Names and numbers of codes, nulls → float64; a name that is not in the table is refused."""
    if isinstance(values, list):
        named = []
        for at, value in enumerate(values):
            if isinstance(value, str) and value not in table:
                known = ", ".join(table)
                raise BadInput.at(f"{pointer}/{at}", f"must be one of {known}, or a code")
            named.append(table[value] if isinstance(value, str) else value)
        values = named
    codes = _numbers(pointer, values)
    wrong = (codes != np.floor(codes)) & ~np.isnan(codes)
    if wrong.any():
        raise BadInput.at(f"{pointer}/{_first(wrong)}", "must be a name or a whole number")
    _check_bounds(pointer, codes, 0, MAX_CODE)
    return codes


def _check_times(pointer: str, times: NDArray, now: int) -> None:
    """Integer Unix ms, from 2000 to five minutes ahead; absent ones pass."""
    for wrong, why in (
        ((times != np.floor(times)) & ~np.isnan(times), "must be an integer, Unix milliseconds"),
        (times < EARLIEST, "is before the year 2000"),
        (times > now + MAX_AHEAD, f"is more than 5 minutes ahead of the server's clock ({now})"),
    ):
        if wrong.any():
            raise BadInput.at(f"{pointer}/{_first(wrong)}", why)


def _check_bounds(pointer: str, values: NDArray, lower: float | None, upper: float | None) -> None:
    if lower is None or upper is None:
        return
    outside = (values < lower) | (values > upper)
    if outside.any():
        at = _first(outside)
        raise BadInput.at(f"{pointer}/{at}", f"{values[at]:g} is outside {lower:g} to {upper:g}")


def _first(mask: NDArray) -> int:
    return int(np.argmax(mask))


def escape(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
