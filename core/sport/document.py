"""The computed document of a time frame: assembled, rounded, digested."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import rfc8785

from core.sport.contract import Sport
from core.sport.metrics.track import INTERVAL
from core.sport.parameters import Resolved

# Written by the pipeline, or changing without a change of the result (touchline.md section 6).
OUTSIDE_DIGEST = frozenset({"last_computation", "edition", "input", "digest"})
GOOD_COVERAGE, USABLE_COVERAGE = 0.95, 0.8
GOOD_REJECTED, USABLE_REJECTED = 0.01, 0.05


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
            key: item
            if key.startswith(("threshold", "range_")) and not isinstance(item, dict)
            else rounded(item, digits)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [rounded(item, digits) for item in value]
    return rounded(value.item(), digits) if isinstance(value, np.generic) else value


def quality(track: Any, start: int) -> dict[str, Any]:
    """How far the numbers can be trusted, from the samples alone.

    ``coverage`` is the share of the time from the frame's start to the last sample that valid
    steps cover.
    """
    samples = int(track["n"])
    elapsed = int(track["last_t"]) - start if samples else 0
    coverage = int(track["time_ms"]) / elapsed if elapsed > 0 else 0.0
    rejected = int(track["rejected"])
    share = rejected / samples if samples else 0.0
    reasons = []
    if not samples:
        reasons.append("no samples")
    if coverage < GOOD_COVERAGE and samples:
        reasons.append(f"{100 * coverage:.1f} % of the time is covered by samples")
    if share > GOOD_REJECTED:
        reasons.append(f"{rejected} of {samples} positions were rejected")
    poor = not samples or coverage < USABLE_COVERAGE or share > USABLE_REJECTED
    return {
        "coverage": round(coverage, 4),
        "gaps": int(track["gaps"]),
        "gap_time": int(track["gap_ms"]) / 1000.0,
        "rejected_positions": rejected,
        "level": "poor" if poor else "usable" if reasons else "good",
        "reasons": reasons,
    }


def definition(sport: Sport, resolved: Resolved, track: Any) -> dict[str, Any]:
    """The presets without which counts cannot be compared."""
    return {
        "smoothing_samples": int(track["window"]) or None,
        "acceleration_interval_samples": INTERVAL,
        **{name: resolved.values[name] for name in sport.definition},
    }


def assemble(
    sport: Sport,
    resolved: Resolved,
    values: Mapping[str, Any],
    notes: list[dict[str, str]],
    track: Any,
    start: int,
) -> dict[str, Any]:
    """The document of a frame with ``values`` unrounded, by key."""
    document = {metric.key: rounded(values[metric.key], metric.digits) for metric in sport.metrics}
    document["definition"] = definition(sport, resolved, track)
    document["metrics"] = {metric.key: metric.version for metric in sport.metrics}
    document["parameters"] = {
        name: {"value": value, "source": resolved.sources[name]}
        for name, value in resolved.values.items()
    }
    document["quality"] = quality(track, start)
    document["notes"] = notes
    document["digest"] = digest(document)
    return document


def empty_document(sport: Sport) -> dict[str, Any]:
    """What a frame without any computation shows: the same keys, null metrics (edition 0)."""
    document: dict[str, Any] = {metric.key: None for metric in sport.metrics}
    document["definition"] = None
    document["metrics"] = {metric.key: metric.version for metric in sport.metrics}
    document["parameters"] = {}
    document["quality"] = {
        "coverage": 0.0,
        "gaps": 0,
        "gap_time": 0.0,
        "rejected_positions": 0,
        "level": "poor",
        "reasons": ["no samples"],
    }
    document["notes"] = []
    document["digest"] = digest(document)
    return document


class _Unusual(Exception):
    """A number whose canonical form differs from Python's."""


def _closed(value: dict[str, Any]) -> dict[str, Any]:
    """An effort as if closed; any other object as it is."""
    if "open" in value and "start_time" in value:
        return {key: item for key, item in value.items() if key != "open"}
    return value


def _plain(value: Any) -> Any:
    """Without each effort's ``open``, and with floats that json writes as RFC 8785 does."""
    kind = type(value)
    if kind is float:
        if value.is_integer() and abs(value) < 2**53:
            return int(value)
        if not 1e-4 <= abs(value) < 1e15:
            raise _Unusual
        return value
    if kind is dict:
        return {key: _plain(item) for key, item in _closed(value).items()}
    return [_plain(item) for item in value] if kind is list else value


def canonical(value: Any) -> bytes:
    """RFC 8785 form of a document, without each effort's ``open``.

    The rounded values of a document nearly all read the same in Python and in RFC 8785, and the
    standard encoder writes them several times faster, which a live tick of a squad feels; the
    library does the rest.
    """
    try:
        text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        return text.encode()
    except _Unusual:
        return rfc8785.dumps(_without_open(value))


def _without_open(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_open(item) for key, item in _closed(value).items()}
    return [_without_open(item) for item in value] if isinstance(value, list) else value


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of what the result is.

    Outside it: last_computation, edition, input, digest, quality.arrival and each effort's
    ``open``, so that a live document and the final one over the same samples have equal digests.
    """
    inside = {key: value for key, value in document.items() if key not in OUTSIDE_DIGEST}
    if isinstance(inside.get("quality"), Mapping):
        inside["quality"] = {k: v for k, v in inside["quality"].items() if k != "arrival"}
    return hashlib.sha256(canonical(inside)).hexdigest()
