"""Windows of time as bars: where on a line from 0 to 100 each begins and how long it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.intervals import Window

YEAR = 365 * 86_400_000
LEAST = 30 * 86_400_000  # what the line shows at least, on each side of now


@dataclass(frozen=True)
class Line:
    """What a line shows, in Unix ms."""

    start: int
    stop: int

    def at(self, moment: int) -> float:
        """Where a moment stands, from 0 to 100; what lies outside stands at the end."""
        inside = min(max(moment, self.start), self.stop)
        return round(100 * (inside - self.start) / (self.stop - self.start), 2)

    def length(self, start: int, stop: int) -> float:
        """Of a window; at least what can be seen."""
        return round(max(self.at(stop) - self.at(start), 0.5), 2)


def line_of(windows: Iterable[Window], now: int) -> Line:
    """The line on which these windows are drawn: from the first start to the last end, but no more
    than two years back and one ahead, for many rights reach from 1970 to 2199.
    """
    known = list(windows)
    start = min((window.start for window in known), default=now)
    stop = max((window.stop for window in known), default=now)
    return Line(
        max(min(start, now - LEAST), now - 2 * YEAR), min(max(stop, now + LEAST), now + YEAR)
    )
