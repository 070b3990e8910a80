"""Activity and rest in tennis (design/metrics.md 3.2): bouts of movement stand for rallies."""

from typing import Any

import numpy as np

from core.sport import Fold, Kernel, Reading, Values, no_speed

ACTIVE_SPEED = 0.6  # m/s
TAIL_MS = 3000  # active until this long after the last sample at that speed
BOUT_MS = 3000

STATE = np.dtype(
    [
        ("n", "<i8"),
        ("fast_t", "<i8"),
        ("active", "<i8"),
        ("ms", "<i8"),  # the present run of activity
        ("metres", "<f8"),
        ("bouts", "<i8"),
        ("bouts_ms", "<i8"),
        ("longest_ms", "<i8"),
        ("bouts_metres", "<f8"),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    state["fast_t"] = start - TAIL_MS - 1


BOUTS = Kernel(
    name="bouts",
    function="plugins.tennis.kernels:bouts",
    version=1,
    state=STATE,
    init=init,
)


def totals(reading: Reading) -> tuple[int, int, int, float]:
    """Count, ms, longest ms, metres of all bouts; the present one from its third second on."""
    state = reading.state
    count, ms = int(state["bouts"]), int(state["bouts_ms"])
    longest, metres = int(state["longest_ms"]), float(state["bouts_metres"])
    if state["active"] and state["ms"] >= BOUT_MS:
        now = int(state["ms"])
        count, ms, longest = count + 1, ms + now, max(longest, now)
        metres += float(state["metres"])
    return count, ms, longest, metres


def rest_ms(reading: Reading) -> int:
    return int(reading.track["time_ms"]) - totals(reading)[1]


def active_time(reading: Reading) -> float | None:
    return None if no_speed(reading) else totals(reading)[1] / 1000.0


def rest_time(reading: Reading) -> float | None:
    return None if no_speed(reading) else rest_ms(reading) / 1000.0


def work_rest_ratio(reading: Reading) -> float | None:
    if no_speed(reading):
        return None
    rest = rest_ms(reading)
    return totals(reading)[1] / rest if rest else reading.absent("no rest time")


def bouts(reading: Reading) -> dict[str, Any] | None:
    if no_speed(reading):
        return None
    count, ms, longest, metres = totals(reading)
    return {
        "count": count,
        "mean_duration": ms / 1000.0 / count if count else None,
        "longest": longest / 1000.0 if count else None,
        "mean_distance": metres / count if count else None,
    }


def _metric(key: str, unit: str, title: str, definition: str, output: Any) -> Fold:
    return Fold(
        key=key,
        version=2,
        unit=unit,
        title=title,
        definition=definition,
        boundary=(
            "active while speed >= 0.6 m/s and for the 3 s after, end included; a bout lasts 3 s "
            "or more"
        ),
        citation="Touchline design, section 3.2",
        grade="D",
        kernel=BOUTS,
        output=output,
    )


BOUT_METRICS = (
    _metric(
        "active_time",
        "s",
        "Active time",
        "Time in bouts: runs of samples of which one in the last 3 s had a smoothed speed of at "
        "least 0.6 m/s. Shorter runs belong to the rest around them.",
        active_time,
    ),
    _metric(
        "rest_time",
        "s",
        "Rest time",
        "Covered time outside bouts.",
        rest_time,
    ),
    _metric("work_rest_ratio", "1", "Work to rest", "active_time over rest_time.", work_rest_ratio),
    _metric(
        "bouts",
        "1, s, m",
        "Movement bouts",
        "Number of bouts, their mean and longest duration, and mean distance. A gap ends a bout.",
        bouts,
    ),
)
