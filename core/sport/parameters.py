"""Which value a parameter has, and where it came from (contract/touchline.md section 6)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

from core.sport.columns import STREAMS
from core.sport.contract import Batch, Derived, Fold, Kernel, Sport
from core.sport.metrics.presence import PRESENCE
from core.sport.metrics.track import TRACK


@dataclass(frozen=True)
class Resolved:
    """Values of all parameters (None where unset), the source of each, and a fingerprint.

    ``sources``: params, athlete, profile, estimate, activity, default, or unset. ``fingerprint`` is
    the SHA-256 of the canonical JSON (RFC 8785) of the values that the sport's metrics use.
    """

    values: Mapping[str, Any]
    sources: Mapping[str, str]
    fingerprint: str


def kernels_of(sport: Sport) -> tuple[Kernel, ...]:
    """The track, what counts the channels, then each metric's kernel once, stream by stream in
    order of first use, after those it reads.
    """
    found = {TRACK.name: TRACK, PRESENCE.name: PRESENCE}
    for metric in sport.metrics:
        if isinstance(metric, Fold):
            for kernel in (*metric.kernel.after, metric.kernel, *metric.beside):
                found.setdefault(kernel.name, kernel)
    return tuple(sorted(found.values(), key=lambda kernel: STREAMS.index(kernel.stream)))


def streams_of(sport: Sport) -> tuple[str, ...]:
    """The streams that the sport's metrics read; the samples are always one."""
    used = {kernel.stream for kernel in kernels_of(sport)}
    used |= {metric.stream for metric in sport.metrics if isinstance(metric, Batch)}
    return tuple(stream for stream in STREAMS if stream in used)


def compiled_modules(sports: Iterable[Sport]) -> list[str]:
    """The modules that hold what workers run of these sports."""
    functions = {kernel.function for sport in sports for kernel in kernels_of(sport)}
    functions |= {m.function for sport in sports for m in sport.metrics if isinstance(m, Batch)}
    return sorted({function.partition(":")[0] for function in functions})


def used_parameters(sport: Sport) -> tuple[str, ...]:
    names = {name for kernel in kernels_of(sport) for name in kernel.params}
    names |= {name for m in sport.metrics if isinstance(m, Derived | Batch) for name in m.params}
    return tuple(sorted(names | set(sport.definition)))


def _is_set(value: Any, field: Mapping[str, Any]) -> bool:
    if value is None:
        return False
    return not (field.get("zero_is_unset") and value == 0)


def resolve_parameters(
    sport: Sport,
    activity_json: Mapping[str, Any],
    params: Mapping[str, Any],
    profile: Mapping[str, Any],
    valid_parameters: Mapping[str, Any] | None = None,
    age: float | None = None,
) -> Resolved:
    """Resolve a time frame's parameters.

    Order: ``params`` of the time frame, the athlete's parameter valid at its start
    (``valid_parameters``), the ``profile`` (weight, height, gender), the activity (a surface may
    change a factor), the schema's default. What metrics use of the activity itself (corners of a
    pitch, length of a pool) is that of its ``json``. Null is unset, and so is 0 where the schema
    says ``zero_is_unset``. Only with ``estimate_max_hr`` and a known ``age`` (years at the frame's
    start) is an unset ``max_hr`` estimated: 208 - 0.7 age (Tanaka 2001). All documents are taken
    as validated.
    """
    person = {**profile, "sex": profile.get("sex") or profile.get("gender")}
    activity = sport.activity_defaults(activity_json) if sport.activity_defaults else {}
    of_frame = sport.timeframe_schema["properties"]
    of_activity = {
        name: sport.activity_schema["properties"][name]
        for name in used_parameters(sport)
        if name not in of_frame
    }
    layers = (
        ("params", params),
        ("athlete", valid_parameters or {}),
        ("profile", {key: person.get(key) for key in ("weight", "height", "sex")}),
        ("activity", activity),
    )
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, field in {**of_frame, **of_activity}.items():
        chosen, source = field.get("default"), "default"
        asked = (("activity", activity_json),) if name in of_activity else layers
        for label, layer in asked:
            if _is_set(layer.get(name), field):
                chosen, source = layer[name], label
                break
        if not _is_set(chosen, field):
            chosen, source = None, "unset"
        values[name], sources[name] = chosen, source
    if values.get("max_hr") is None and values.get("estimate_max_hr") and age is not None:
        values["max_hr"], sources["max_hr"] = 208.0 - 0.7 * age, "estimate"
    used = {name: values[name] for name in used_parameters(sport)}
    fingerprint = hashlib.sha256(rfc8785.dumps(used)).hexdigest()
    return Resolved(values, sources, fingerprint)
