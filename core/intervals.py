"""Algebra of half-open windows ``[start, stop)`` in Unix milliseconds.

A right is a set of such windows (design/architecture.md section 0); adjoining windows are one, so a
union of rows that touch counts as cover.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Window(NamedTuple):
    """``start`` is inside, ``stop`` is not."""

    start: int
    stop: int

    def contains(self, moment: int) -> bool:
        return self.start <= moment < self.stop

    def covers(self, other: "Window") -> bool:
        return self.start <= other.start and other.stop <= self.stop

    def overlaps(self, other: "Window") -> bool:
        return self.start < other.stop and other.start < self.stop


def union(windows: Iterable[Window]) -> list[Window]:
    """Sorted, disjoint, with a gap between any two; empty windows vanish."""
    merged: list[Window] = []
    for window in sorted(w for w in windows if w.start < w.stop):
        if merged and window.start <= merged[-1].stop:
            merged[-1] = Window(merged[-1].start, max(merged[-1].stop, window.stop))
        else:
            merged.append(window)
    return merged


def intersect(left: Iterable[Window], right: Iterable[Window]) -> list[Window]:
    """What lies in both sets."""
    return union(
        Window(max(a.start, b.start), min(a.stop, b.stop))
        for a in union(left)
        for b in union(right)
        if a.overlaps(b)
    )


def covers(windows: Iterable[Window], wanted: Window) -> bool:
    """Does the union of ``windows`` hold ``wanted`` wholly? An empty window is never covered."""
    return wanted.start < wanted.stop and any(w.covers(wanted) for w in union(windows))


def contains(windows: Iterable[Window], moment: int) -> bool:
    """Does any window hold this moment?"""
    return any(w.contains(moment) for w in windows)
