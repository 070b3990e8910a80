"""For how much of the time each channel was there: what `quality` says of channels."""

from typing import Any

import numpy as np

from core.sport.columns import ALT, BALANCE, CADENCE, DISTANCE, FIX, HR, POWER, SPEED
from core.sport.contract import Kernel, Values
from core.sport.metrics import heart
from core.sport.metrics.track import reach_ms

POSITION = "position"
_ANY = 1e300
# Name, row, least and greatest value that counts as there.
CHANNELS = (
    (POSITION, FIX, 0.5, 1.0),
    ("speed", SPEED, 0.0, _ANY),
    ("alt", ALT, -_ANY, _ANY),
    ("hr", HR, heart.LOWEST, heart.HIGHEST),
    ("power", POWER, -_ANY, _ANY),
    ("cadence", CADENCE, -_ANY, _ANY),
    ("distance", DISTANCE, -_ANY, _ANY),
    ("balance", BALANCE, -_ANY, _ANY),
)
NAMES = tuple(name for name, *_ in CHANNELS)
NEVER = -(2**62)

STATE = np.dtype(
    [
        ("reach_ms", "<i8"),
        ("used", "<i8", (len(CHANNELS),)),  # set by the runner: channels that the sport reads
        ("seen", "<i8", (len(CHANNELS),)),
        ("ms", "<i8", (len(CHANNELS),)),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    state["reach_ms"] = reach_ms(values)
    state["seen"] = NEVER


PRESENCE = Kernel(
    name="presence",
    function="core.sport.kernels.presence:fold",
    version=2,
    state=STATE,
    init=init,
    params=("max_gap", "distance_source"),
)
