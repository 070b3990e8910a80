"""The summary of an activity: assembled, rounded, digested, as a time frame's document is."""

from collections.abc import Sequence
from typing import Any

from core.sport.contract import ActivityMetrics, Member, Summary, Values
from core.sport.document import Memory, digest_of, write
from core.sport.errors import MetricError


def assemble(
    declared: ActivityMetrics,
    activity: Values,
    members: Sequence[Member],
    shape: Any,
    *,
    final: bool,
    memory: Memory | None = None,
) -> dict[str, Any]:
    """The document: every metric, what they are, and of which time frames it speaks.

    ``through`` (Unix ms) is how far the grid is folded, null without one. ``digest`` covers the
    values: live and final ones over the same samples have the same. With ``memory`` of the document
    before, only what changed since is written anew. Raises MetricError.
    """
    memory = {} if memory is None else memory
    notes: list[dict[str, str]] = []
    document: dict[str, Any] = {}

    def put(key: str, value: Any, digits: int | None) -> None:
        memory[key] = written = write(value, digits, memory.get(key))
        document[key] = written.plain

    for metric in declared.metrics:
        try:
            value = metric.function(Summary(activity, members, shape, final, metric.key, notes))
        except Exception as error:
            raise MetricError(metric.key, error) from error
        put(metric.key, value, metric.digits)
    put("metrics", {metric.key: metric.version for metric in declared.metrics}, None)
    put("timeframes", [member.frame for member in members], None)
    put("notes", notes, None)
    digest = digest_of({key: memory[key].text for key in document})
    through = None if shape is None or shape.through is None else shape.through * 1000
    return {**document, "through": through, "final": final, "digest": digest}


def empty_summary(declared: ActivityMetrics | None) -> dict[str, Any]:
    """What an activity shows before its first summary: the same keys, null metrics."""
    metrics = () if declared is None else declared.metrics
    return {
        **dict.fromkeys(metric.key for metric in metrics),
        "metrics": {metric.key: metric.version for metric in metrics},
        "timeframes": [],
        "notes": [],
        "through": None,
        "final": False,
        "digest": None,
    }
