"""Figures of a benchmark: the median of its rounds, its range, and its goal where it has one.

A goal is for a ratio of two things measured in the same rounds, or was given with the task; a
figure of one machine alone is said without a goal.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """Over the rounds; ``met`` is whether its goal is, if it has one."""

    name: str
    median: float
    low: float
    high: float
    goal: str = ""
    met: bool = True

    def line(self) -> str:
        """As it is said."""
        said = f"{self.name}: {self.median:.2f} ({self.low:.2f} to {self.high:.2f})"
        if not self.goal:
            return said
        return f"{said}, goal {self.goal}: {'met' if self.met else 'NOT met'}"


def figure(name: str, rounds: Sequence[float]) -> Figure:
    """A figure without a goal."""
    return Figure(name, statistics.median(rounds), min(rounds), max(rounds))


def at_least(name: str, rounds: Sequence[float], goal: float) -> Figure:
    """A figure whose median is to reach its goal."""
    plain = figure(name, rounds)
    return plain._replace(goal=f">= {goal:g}", met=plain.median >= goal)


def at_most(name: str, rounds: Sequence[float], goal: float) -> Figure:
    """A figure whose median is not to exceed its goal."""
    plain = figure(name, rounds)
    return plain._replace(goal=f"<= {goal:g}", met=plain.median <= goal)


def exit_code(figures: Sequence[Figure], say: Callable[[str], object] = print) -> int:
    """1 where a goal is missed; which ones is said."""
    missed = [one.name for one in figures if not one.met]
    if missed:
        say(f"missed: {'; '.join(missed)}")
    return 1 if missed else 0
