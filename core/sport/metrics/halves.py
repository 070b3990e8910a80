"""Aerobic decoupling: work to heart rate, first half against second (design/metrics.md 3.3).

Which second is the middle is known only at the end, so a ledger of minutes is kept: each 60 s with
both channels leave as one event, and the halves are taken when the value is read.
"""

import numpy as np

from core.sport.contract import Reading

MINUTE = 60

HALF_FIELDS = (
    ("half_fourth", "<f8"),
    ("half_fourth_n", "<i8"),
    ("half_hr", "<f8"),
    ("half_n", "<i8"),  # seconds with both channels in the minute under way
)
HALF_EVENT = np.dtype(
    [("fourth", "<f8"), ("fourth_n", "<i8"), ("hr", "<f8"), ("n", "<i8")],
)


def decoupling_of(reading: Reading, what: str) -> float | None:
    """Percent by which the efficiency factor fell; ``what`` names the channel beside heart rate."""
    rows = [tuple(row) for row in reading.events.tolist()]
    state = reading.state
    if len(rows) < 2:
        return reading.absent(f"fewer than 2 min with {what} and heart rate")
    rest = tuple(state[name].item() for name, _ in HALF_FIELDS)
    middle = round((MINUTE * len(rows) + rest[3]) / 2 / MINUTE)
    factors = []
    for part in (rows[:middle], [*rows[middle:], rest]):
        fourth, fourth_n, beats, seconds = (sum(row[k] for row in part) for k in range(4))
        if not fourth_n or not beats:
            return reading.absent(f"no 30 s of {what} without a gap in one half")
        factors.append((fourth / fourth_n) ** 0.25 / (beats / seconds))
    if not factors[0]:
        return reading.absent(f"no {what} above 0 in the first half")
    return float(100.0 * (factors[0] - factors[1]) / factors[0])
