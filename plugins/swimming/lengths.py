"""Lengths of a pool as the device tells them (stream ``lengths``), and sums over them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.sport import Kernel, Reading, Values

STATE = np.dtype([("n", "<i8")])
EVENT = np.dtype(
    [
        ("start", "<i8"),
        ("duration", "<f8"),  # s; NaN where the device does not say
        ("strokes", "<f8"),  # NaN likewise
        ("active", "<i8"),
        ("stroke_type", "<f8"),
    ]
)
NO_POOL = "pool_length of the activity is not set"
NO_LENGTHS = "no lengths in this time frame"


def init(values: Values, start: int, state: Any) -> None:
    """It has no parameters: lengths are taken as they come."""


LENGTHS = Kernel(
    name="lengths",
    function="plugins.swimming.kernels:lengths",
    version=1,
    state=STATE,
    init=init,
    params=("pool_length",),
    event=EVENT,
    stream="lengths",
)


@dataclass(frozen=True)
class Swim:
    """The lengths of a time frame; of the active ones durations and strokes, 0 where unknown."""

    rows: Any
    pool: float | None

    @property
    def active(self) -> Any:
        return self.rows[self.rows["active"] == 1]

    @property
    def distance(self) -> float | None:
        return None if self.pool is None else len(self.active) * self.pool

    @property
    def time(self) -> float:
        """Seconds in active lengths."""
        return float(np.nansum(self.active["duration"]))

    @property
    def ends(self) -> Any:
        """When each length ended, ms."""
        return self.rows["start"] + 1000.0 * np.nan_to_num(self.rows["duration"])

    @property
    def elapsed(self) -> float:
        """Seconds from the first length's start to the last one's end."""
        if not len(self.rows):
            return 0.0
        return float(self.ends.max() - self.rows["start"][0]) / 1000.0

    @property
    def stroked(self) -> Any:
        """Active lengths whose strokes were counted, and more than none."""
        return self.active[self.active["strokes"] > 0]


def swim(reading: Reading) -> Swim:
    """Of a reading whose events are those of ``LENGTHS``."""
    return Swim(reading.events, reading.values["pool_length"])


def in_pool(reading: Reading) -> bool:
    """Whether the frame was swum in a pool: the activity has one, or lengths came."""
    return reading.values["pool_length"] is not None or len(reading.events) > 0
