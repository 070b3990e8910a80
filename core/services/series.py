"""The samples of a time frame as a chart draws them, and as a file: planned from the store's index,
fetched a window at a time, opened by the caller away from any session.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from core import policy
from core.errors import BadInput, NotFound
from core.models import JsonSchema, TimeFrame
from core.pipeline import series, store
from core.pipeline.series import Limits
from core.pipeline.store import Fetched
from core.policy import Actor, Samples

DAY = 86_400_000
MAX_SPAN = 14 * DAY
DEFAULT_WIDTH, MAX_WIDTH = 1_000, 2_000
ROUTE_POINTS = 3_000
ROWS_AT_ONCE = 72_000
NEEDED = set(series.NEEDED)
# Where a sport's schema says nothing of them.
_DEFAULTS = {"max_gap": 10.0, "max_speed": 40.0}


class Plan(NamedTuple):
    """``start`` and ``stop`` (Unix ms) are where there are samples; ``windows`` cover them."""

    device: int
    start: int
    stop: int
    windows: Sequence[tuple[int, int]]
    limits: Limits

    def drawn(self, width: int) -> series.Series:
        """An empty series whose buckets are ``width`` at most (two more at the edges)."""
        span = self.stop - self.start
        bucket = series.bucket_for(span, width)
        return series.Series(bucket, series.bucket_for(span, ROUTE_POINTS), self.limits)


def plan(
    session: Session, actor: Actor, frame_id: int, start: int | None, stop: int | None
) -> Plan:
    """What to read of a frame in [start, stop), by default all of it, ``MAX_SPAN`` at most. Raises
    NotFound, BadInput for an interval that is empty or outside the frame, Forbidden where the right
    to the device's samples does not cover it.
    """
    frame = session.get(TimeFrame, frame_id)
    if frame is None:
        raise NotFound(f"no time frame {frame_id}")
    first = frame.start_time if start is None else max(start, frame.start_time)
    end = frame.end_time if stop is None else min(stop, frame.end_time)
    if start is not None and stop is not None and start >= stop:
        raise BadInput.at("/start", "must be before stop")
    if first >= end:
        pointer = "/stop" if start is None else "/start"
        raise BadInput.at(pointer, "the interval lies outside the time frame")
    policy.require(session, actor, "samples.read", Samples(frame.device_id, first, end))
    parts = store.parts_of(session, frame.device_id, "samples", first, end)
    if parts:
        first = max(first, parts[0].t0)
        end = min(end, max(part.t1 for part in parts) + 1, first + MAX_SPAN)
    windows = _windows(parts, first, end) if first < end else []
    return Plan(frame.device_id, first, max(first, end), windows, _limits(session, frame))


def fetch(session: Session, planned: Plan, window: tuple[int, int]) -> Fetched:
    """One window's samples, unopened."""
    return store.fetch(session, planned.device, "samples", *window)


def _windows(parts: Sequence[store.Row], start: int, stop: int) -> list[tuple[int, int]]:
    """Cuts between parts that do not overlap, about ``ROWS_AT_ONCE`` samples apart."""
    edges, rows = [start], 0
    for group in store.overlapping(parts):
        inside = sum(part.n for part in group)
        if rows and rows + inside > ROWS_AT_ONCE and start < group[0].t0 < stop:
            edges.append(group[0].t0)
            rows = 0
        rows += inside
    return list(zip(edges, [*edges[1:], stop], strict=True))


def _limits(session: Session, frame: TimeFrame) -> Limits:
    properties = session.get_one(JsonSchema, frame.json_schema_id).schema.get("properties", {})

    def of(name: str) -> float:
        given = frame.params.get(name) or properties.get(name, {}).get("default")
        return float(given or _DEFAULTS[name])

    return Limits(round(of("max_gap") * 1000), of("max_speed"))
