"""The computed document of a time frame: assembled, rounded, digested."""

import hashlib
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import orjson
import rfc8785

from core.sport.contract import Sport, Table
from core.sport.metrics.track import INTERVAL
from core.sport.parameters import Resolved
from core.sport.quality import no_quality, quality

# Written by the pipeline, or changing without a change of the result (touchline.md section 6).
OUTSIDE_DIGEST = frozenset({"last_computation", "edition", "input", "digest"})

_EXACT = 2**53  # whole floats below it are exact


def rounded(value: Any, digits: int) -> Any:
    """Plain JSON values, floats to ``digits`` places (R8); thresholds, zone bounds stay."""
    kind = type(value)
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"a metric may be null, never {value}")
        return round(value, digits) + 0.0  # no -0.0
    if kind is int or kind is str or value is None:
        return value
    if isinstance(value, dict):
        return {
            key: item if _bound(key) and not isinstance(item, dict) else rounded(item, digits)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [rounded(item, digits) for item in value]
    if isinstance(value, Table):
        return [_row(row, digits) for row in value.values]
    return rounded(value.item(), digits) if isinstance(value, np.generic) else value


def _row(numbers: np.ndarray, digits: int) -> list[Any]:
    """One row of a table: whole numbers (most cells are 0) as such, NaN as None."""
    if np.isinf(numbers).any():
        raise ValueError("a table holds no infinity")
    return [
        None if number != number else int(number) if number.is_integer() else number
        for number in np.round(numbers, digits).tolist()
    ]


def canonical(value: Any) -> str:
    """RFC 8785 form of a value, without each effort's ``open``.

    The rounded values of a document nearly all read the same in orjson's form once whole floats are
    ints; the library writes the others.
    """
    try:
        return orjson.dumps(_alike(value), option=orjson.OPT_SORT_KEYS).decode()
    except (_Unlike, orjson.JSONEncodeError):
        return _spelled(value)


class _Unlike(Exception):
    """A number that orjson writes in another form than RFC 8785."""


def _alike(value: Any) -> Any:
    """What orjson writes in canonical form; raises ``_Unlike``."""
    kind = type(value)
    if kind is float:
        if value.is_integer() and -_EXACT < value < _EXACT:
            return int(value)
        if 1e-4 <= abs(value) < 1e15:
            return value
        raise _Unlike
    if isinstance(value, dict):
        return {key: _alike(item) for key, item in _closed(value).items()}
    return [_alike(item) for item in value] if isinstance(value, list) else value


def _spelled(value: Any) -> str:
    """``canonical``, value by value."""
    if isinstance(value, dict):
        return _object({key: _spelled(item) for key, item in _closed(value).items()})
    if isinstance(value, list):
        return "[" + ",".join(map(_spelled, value)) + "]"
    if type(value) is int:
        return str(value)
    if type(value) is float:
        exact = value.is_integer() and -_EXACT < value < _EXACT
        return str(int(value)) if exact else rfc8785.dumps(value).decode()
    return json.dumps(value, ensure_ascii=False)


def _closed(value: dict[str, Any]) -> dict[str, Any]:
    """An effort as if closed; any other object as it is."""
    if "open" in value and "start_time" in value:
        return {key: item for key, item in value.items() if key != "open"}
    return value


def _object(texts: Mapping[str, str]) -> str:
    return "{" + ",".join([f"{_name(key)}:{texts[key]}" for key in sorted(texts)]) + "}"


@lru_cache(4096)
def _name(key: str) -> str:
    return json.dumps(key, ensure_ascii=False)


class Written(NamedTuple):
    """A value as it came, as the document shows it, and in canonical form; ``parts`` are what it
    consists of: of an object the ``Written`` by key, of a list the texts of its items.
    """

    raw: Any
    plain: Any
    text: str
    parts: Any


Memory = dict[str, Written]  # by key of the document


def write(value: Any, digits: int | None, before: Written | None) -> Written:
    """Round a value to ``digits`` (None: leave it) and write it, as little of it as changed; what
    did not change is ``before`` itself.

    A squad's live documents are written once a second, and grow to hundreds of efforts of which one
    is new: of a list that grew, only what was added is rounded and written.
    """
    if isinstance(value, Table) and digits is not None:
        return _write_table(value, digits, before)
    if isinstance(value, dict) and value and "start_time" not in value:
        return _write_object(value, digits, before)
    if before is not None and type(before.raw) is type(value) and before.raw == value:
        return before
    if isinstance(value, list):
        return _write_list(value, digits, before)
    plain = value if digits is None else rounded(value, digits)
    return Written(value, plain, canonical(plain), None)


def _write_object(value: dict[str, Any], digits: int | None, before: Written | None) -> Written:
    # To compare a table here and its cells below would be to do it twice.
    flat = Table not in map(type, value.values())
    if before is not None and flat and before.raw == value:
        return before
    old = before.parts if before is not None and isinstance(before.parts, dict) else {}
    parts = {
        key: write(item, _digits(key, item, digits), old.get(key)) for key, item in value.items()
    }
    plain = {key: part.plain for key, part in parts.items()}
    return Written(value, plain, _object({key: part.text for key, part in parts.items()}), parts)


def _write_list(value: list[Any], digits: int | None, before: Written | None) -> Written:
    kept, plain, texts = 0, [], []
    if before is not None and isinstance(before.raw, list):
        kept = common(before.raw, value)
        plain, texts = before.plain[:kept], before.parts[:kept]
    fresh = value[kept:] if digits is None else [rounded(item, digits) for item in value[kept:]]
    plain += fresh
    texts += map(canonical, fresh)
    return Written(value, plain, "[" + ",".join(texts) + "]", texts)


def _write_table(value: Table, digits: int, before: Written | None) -> Written:
    new = value.values
    old = before.raw.values if before is not None and isinstance(before.raw, Table) else None
    if before is None or old is None or old.shape != new.shape:
        plain = [_row(row, digits) for row in new]
        texts = [_row_text(row, digits) for row in plain]
        return Written(value, plain, "[" + ",".join(texts) + "]", texts)
    changed = np.flatnonzero(new != old)  # NaN is never equal: its cells are written again
    if not len(changed):
        return before
    plain, texts = [*before.plain], [*before.parts]
    spots: dict[int, list[int]] = {}
    for spot in changed.tolist():
        index, column = divmod(spot, new.shape[1])
        spots.setdefault(index, []).append(column)
    for index, columns in spots.items():
        row = plain[index] = [*plain[index]]
        for column, number in zip(columns, _row(new[index, columns], digits), strict=True):
            row[column] = number
        texts[index] = _row_text(row, digits)
    return Written(value, plain, "[" + ",".join(texts) + "]", texts)


def _row_text(row: list[Any], digits: int) -> str:
    """``canonical``, quicker: whole numbers are ints already, and with so few places no number is
    too small.
    """
    return orjson.dumps(row).decode() if digits <= 4 else canonical(row)


def _digits(key: str, item: Any, digits: int | None) -> int | None:
    """Thresholds and zone bounds are shown as they were given."""
    return None if _bound(key) and not isinstance(item, dict) else digits


@lru_cache(4096)
def _bound(key: str) -> bool:
    return key.startswith(("threshold", "range_"))


def common(old: list[Any], new: list[Any]) -> int:
    """How many first items the lists share. Lists that grew, but for their last item, are known by
    two comparisons.
    """
    most = min(len(old), len(new))
    for length in (most, most - 1):
        if length > 0 and old[:length] == new[:length]:
            return length
    return next((i for i in range(most) if old[i] != new[i]), most)


def definition(sport: Sport, resolved: Resolved, track: Any) -> dict[str, Any]:
    """The presets without which counts cannot be compared."""
    return {
        "smoothing_samples": int(track["window"]) or None,
        "acceleration_interval_samples": INTERVAL,
        **{name: resolved.values[name] for name in sport.definition},
    }


def _parameters(resolved: Resolved) -> dict[str, Any]:
    return {
        name: {"value": value, "source": resolved.sources[name]}
        for name, value in resolved.values.items()
    }


def assemble(
    sport: Sport,
    resolved: Resolved,
    values: Mapping[str, Any],
    notes: list[dict[str, str]],
    track: Any,
    presence: Any,
    start: int,
    memory: Memory | None = None,
) -> dict[str, Any]:
    """The document of a frame with ``values`` unrounded, by key. With ``memory`` of the frame's
    document before, only what changed since is rounded and written anew; what did not change is
    shared with it.
    """
    memory = {} if memory is None else memory
    document: dict[str, Any] = {}

    def put(key: str, value: Any, digits: int | None) -> None:
        memory[key] = written = write(value, digits, memory.get(key))
        document[key] = written.plain

    for metric in sport.metrics:
        put(metric.key, values[metric.key], metric.digits)
    put("definition", definition(sport, resolved, track), None)
    put("metrics", {metric.key: metric.version for metric in sport.metrics}, None)
    put("parameters", _parameters(resolved), None)
    put("quality", quality(sport, resolved, values, track, presence, start), None)
    put("notes", notes, None)
    document["digest"] = digest_of({key: memory[key].text for key in document})
    return document


def empty_document(sport: Sport) -> dict[str, Any]:
    """What a frame without any computation shows: the same keys, null metrics (edition 0)."""
    document: dict[str, Any] = {metric.key: None for metric in sport.metrics}
    document["definition"] = None
    document["metrics"] = {metric.key: metric.version for metric in sport.metrics}
    document["parameters"] = {}
    document["quality"] = no_quality(sport)
    document["notes"] = []
    document["digest"] = digest(document)
    return document


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of what the result is.

    Outside it: last_computation, edition, input, digest, quality.arrival and each effort's
    ``open``, so that a live document and the final one over the same samples have equal digests.
    """
    inside = {key: value for key, value in document.items() if key not in OUTSIDE_DIGEST}
    if isinstance(inside.get("quality"), Mapping):
        inside["quality"] = {k: v for k, v in inside["quality"].items() if k != "arrival"}
    return digest_of({key: canonical(value) for key, value in inside.items()})


def digest_of(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(_object(texts).encode()).hexdigest()
