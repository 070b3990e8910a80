"""The metric dictionary: what every number means, as data and as a page."""

from typing import Any

from core.sport.columns import SAMPLES, rows_of
from core.sport.contract import Batch, Derived, Fold, Kernel, Metric
from core.sport.registry import Registry, registry

_OF = {"timeframe": "", "activity": " (of an activity)"}


def _entry(sport: str, metric: Metric, of: str = "timeframe") -> dict[str, Any]:
    entry: dict[str, Any] = {
        "sport": sport,
        "of": of,
        "key": metric.key,
        "version": metric.version,
        "kind": type(metric).__name__.lower(),
        "stream": None,
        "unit": metric.unit,
        "title": metric.title,
        "definition": metric.definition,
        "boundary": metric.boundary,
        "citation": metric.citation,
        "grade": metric.grade,
        "estimate": metric.grade in ("C", "D"),
        "digits": metric.digits,
        "parameters": [],
        "inputs": [],
        "needs": [],
    }
    if isinstance(metric, Fold):
        entry["parameters"] = list(metric.kernel.params)
        entry["stream"], entry["inputs"] = metric.kernel.stream, _inputs(metric.kernel)
    elif isinstance(metric, Batch):
        entry["parameters"] = list(metric.params)
        entry["stream"], entry["inputs"] = metric.stream, list(metric.inputs)
    elif isinstance(metric, Derived):
        entry["parameters"], entry["needs"] = list(metric.params), list(metric.needs)
    return entry


def _inputs(kernel: Kernel) -> list[str]:
    if kernel.stream == SAMPLES:
        return list(kernel.inputs or ("lat", "lon", "speed"))
    return list(kernel.inputs or rows_of(kernel.stream))


def dictionary(of: Registry | None = None) -> list[dict[str, Any]]:
    """One entry per metric and sport, with all that makes its number readable; after those of its
    time frames a sport's metrics of whole activities (``of``).
    """
    found = of or registry()
    entries = []
    for name, sport in found.sports.items():
        entries += [_entry(name, metric) for metric in sport.metrics]
        together = found.activity_metrics(name)
        if together is not None:
            entries += [_entry(name, metric, "activity") for metric in together.metrics]
    return entries


def dictionary_page(of: Registry | None = None) -> str:
    """The dictionary as Markdown (docs/sports/metrics.md is this text; a test keeps them equal)."""
    lines = [
        "# Metric dictionary",
        "",
        "Written by `core.sport.dictionary.dictionary_page()`; do not edit.",
        "",
    ]
    merged: dict[tuple[str, str], list[str]] = {}
    entries: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in dictionary(of):
        identity = (entry["key"], entry["definition"])
        merged.setdefault(identity, []).append(entry["sport"])
        entries[identity] = entry
    for identity, sports in merged.items():
        entry = entries[identity]
        stream = entry["stream"] or SAMPLES
        uses = [] if stream == SAMPLES else [f"stream `{stream}`"]
        uses += entry["parameters"] + [f"metric {need}" for need in entry["needs"]]
        lines += [
            f"## `{entry['key']}`: {entry['title']}{_OF[entry['of']]}",
            "",
            entry["definition"],
            "",
            f"- sports: {', '.join(sports)}; version {entry['version']}; {entry['kind']}",
            f"- unit: {entry['unit']}; grade {entry['grade']}; boundary: {entry['boundary']}",
            f"- uses: {', '.join(uses) or 'nothing beyond the samples'}",
            f"- source: {entry['citation']}",
            "",
        ]
    return "\n".join(lines)
