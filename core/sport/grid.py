"""The fold over the 1 s grid of an activity's time frames. Workers only (imports numba).

Each frame brings its points (core.sport.metrics.pitch), as many as there are so far; ``fold`` goes
on to a second. A point that comes at a second which is already folded, or is not the one that was
there, makes the next ``fold`` begin anew: what it comes to depends on the points and the second
alone, never on the order in which they came.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.sport.contract import Member
from core.sport.kernels.shape import fold as fold_seconds
from core.sport.metrics.pitch import POINT, unpacked
from core.sport.metrics.shape import (
    BUCKET,
    LEAST_PLAYERS,
    MEASURES,
    MOST_SECONDS,
    MOST_TEAMS,
    YES,
    Shape,
)
from core.sport.runner import FrameFold

ROOM = 600  # s by which the columns grow at a time


def points_of(fold: FrameFold, kernel: str, *, ended: bool) -> np.ndarray:
    """The places of a frame on the grid, POINT[n] in order of time; of one that has ended also that
    of its last second, which no later sample closes.
    """
    points, state = fold.events(kernel), fold.state(kernel)
    if not ended or not state["pending"]:
        return points
    last = np.array([(state["second"], state["place"])], POINT)
    return np.concatenate([points, last])


class ActivityGrid:
    """The grid of these members. ``spans``: start and end in Unix ms."""

    def __init__(self, members: Sequence[Member], spans: Sequence[tuple[int, int]] = ()) -> None:
        teams = [str(member.values.get("team") or "home") for member in members]
        self._names = tuple(sorted(set(teams)))
        self._rows = {member.frame: row for row, member in enumerate(members)}
        self._team = np.array([self._names.index(team) for team in teams], np.int64)
        keepers = [member.values.get("role") == "goalkeeper" for member in members]
        self._keeper = np.array([YES if keeper else 0 for keeper in keepers], np.int64)
        self._starts = np.array([start for start, _ in spans], np.int64)
        self._ends = np.array([end for _, end in spans], np.int64)
        self._reached = -(2**62)
        self._points = {row: np.zeros(0, POINT) for row in self._rows.values()}
        self._restart()

    def _restart(self) -> None:
        """Nothing is folded, and all points are in the columns."""
        self._anew = False
        self.shape = Shape.empty(self._names[:MOST_TEAMS], len(self._starts))
        if len(self._names) > MOST_TEAMS:
            self.shape.reason = f"its time frames are of more than {MOST_TEAMS} teams"
            return
        seconds = [points["second"] for points in self._points.values() if len(points)]
        base = min((int(each[0]) for each in seconds), default=0)
        last = max((int(each[-1]) for each in seconds), default=base)
        self.shape.base, self._last, self._next = base, last, base
        if last - base >= MOST_SECONDS:
            hours = MOST_SECONDS // 3600
            self.shape.reason = f"its time frames reach over more than {hours} hours"
            return
        self._xs = self._ys = np.full((len(self._team), 0), np.nan)
        self._make_room()
        for row, points in self._points.items():
            self._place(row, points)

    def _make_room(self) -> None:
        wanted = self._last - self.shape.base + 1
        more = wanted - self._xs.shape[1]
        if more > 0:
            room = np.full((len(self._team), more + ROOM), np.nan)
            self._xs, self._ys = (np.hstack([old, room]) for old in (self._xs, self._ys))
        steps = self._last // BUCKET - self.shape.base // BUCKET + 1 - self.shape.series.shape[1]
        if steps > 0:
            steps += ROOM // BUCKET
            rows = len(self.shape.series)
            add: Any = np.zeros((rows, steps, MEASURES))
            self.shape.series = np.concatenate([self.shape.series, add], axis=1)
            self.shape.series_n = np.concatenate(
                [self.shape.series_n, add.astype(np.int64)], axis=1
            )

    def _place(self, row: int, points: np.ndarray) -> None:
        at = points["second"] - self.shape.base
        self._xs[row, at], self._ys[row, at] = unpacked(points["place"])

    def put(self, frame: int, points: np.ndarray) -> None:
        """All points of a frame so far."""
        row = self._rows[frame]
        known, self._points[row] = self._points[row], points
        new = points[len(known) :]
        if (
            self.shape.reason is not None
            or len(points) < len(known)
            or not np.array_equal(points[: len(known)], known)
        ):
            self._anew = True
        elif len(new):
            first, last = int(new["second"][0]), int(new["second"][-1])
            late = first < self._next or first < self.shape.base
            if self._anew or late or last - self.shape.base >= MOST_SECONDS:
                self._anew = True
                return
            self._last = max(self._last, last)
            self._make_room()
            self._place(row, new)

    def fold(self, until: int) -> Shape:
        """Fold the seconds up to ``until`` (Unix s) or, where that is less, to where it was once,
        but not beyond the last point; and say what it came to.
        """
        self._reached = until = max(until, self._reached)
        if self._anew:
            self._restart()
        shape = self.shape
        stop = min(until, self._last) + 1
        if shape.reason is None and stop > self._next:
            fold_seconds(
                self._xs, self._ys, self._next - shape.base, stop - shape.base, shape.base,
                self._team, self._keeper, len(self._names), LEAST_PLAYERS, self._starts, self._ends,
                shape.sums, shape.least, shape.most, shape.counts, shape.series, shape.series_n,
            )  # fmt: skip
            self._next = stop
            shape.through = stop - 1
        return shape
