"""Mechanical load from an accelerometer: player load, impacts (design/metrics.md 2.10)."""

import math
from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values

BLOCK_MS = 10  # 100 Hz
NOMINAL = 100.0  # Hz
COMPARABLE = 0.95 * NOMINAL
SCALE = 100.0  # outside the root
IMPACT = 2.0  # g
IMPACT_EDGES = (2.0, 3.0, 4.0, 6.0, 8.0)  # g, bands of the peaks

STATE = np.dtype(
    [
        ("max_gap_ms", "<i8"),
        ("n", "<i8"),  # rows with all three axes
        ("last_t", "<i8"),
        ("rows", "<i8"),  # those that follow another without a gap
        ("ms", "<i8"),  # the time between them
        ("gaps", "<i8"),
        # the block that is open
        ("block", "<i8"),
        ("block_n", "<i8"),
        ("sum", "<f8", (3,)),
        # the mean of the block before it; joined: no gap between them
        ("joined", "<i8"),
        ("before", "<f8", (3,)),
        ("total", "<f8"),
        ("axis", "<f8", (3,)),
        # the run of blocks above 2 g that is going on
        ("peak", "<f8"),
        ("impacts", "<i8", (len(IMPACT_EDGES),)),
        ("highest", "<f8"),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    state["max_gap_ms"] = round(values["max_gap"] * 1000)


LOADS = Kernel(
    name="loads",
    function="core.sport.kernels.loads:fold",
    version=1,
    state=STATE,
    init=init,
    params=("max_gap",),
    inputs=("ax", "ay", "az"),
    stream="imu",
)

NO_IMU = "no accelerations (stream imu)"
SHORT = "too few accelerations: one block of 10 ms"


def rate(state: Any) -> float | None:
    """Rows per second of covered time, before the block mean."""
    return 1000.0 * int(state["rows"]) / int(state["ms"]) if state["ms"] else None


def _open_block(state: Any) -> list[float]:
    """The mean of the block that is open."""
    return [float(total) / int(state["block_n"]) for total in state["sum"]]


def player_load(reading: Reading) -> dict[str, float | None] | None:
    state = reading.state
    if not state["n"]:
        return reading.absent(NO_IMU)
    hertz = rate(state)
    if hertz is None:
        return reading.absent(SHORT)
    total, axes = float(state["total"]), [float(part) for part in state["axis"]]
    if state["joined"]:
        steps = [b - float(a) for a, b in zip(state["before"], _open_block(state), strict=True)]
        total += math.sqrt(sum(step * step for step in steps)) / SCALE
        axes = [part + abs(step) / SCALE for part, step in zip(axes, steps, strict=True)]
    if hertz < COMPARABLE:
        why = f"measured at {hertz:.1f} Hz: not comparable with player load at 100 Hz"
        reading.notes.append({"key": reading.key, "reason": why})
    minutes = int(state["ms"]) / 60000.0
    x, y, z = axes
    return {"total": total, "per_minute": total / minutes, "x": x, "y": y, "z": z, "rate": hertz}


def impacts(reading: Reading) -> dict[str, Any] | None:
    state = reading.state
    if not state["n"]:
        return reading.absent(NO_IMU)
    counts, highest = [int(count) for count in state["impacts"]], float(state["highest"])
    now = math.sqrt(sum(mean * mean for mean in _open_block(state)))
    peak = max(float(state["peak"]), now)
    if peak > IMPACT:  # of the run that is going on
        counts[_band(peak)] += 1
        highest = max(highest, peak)
    minutes = int(state["ms"]) / 60000.0
    highs = [*IMPACT_EDGES[1:], None]
    return {
        "threshold": IMPACT,
        "count": sum(counts),
        "per_minute": sum(counts) / minutes if minutes else None,
        "highest": highest if sum(counts) else None,
        "rate": rate(state),
        "bands": [
            {"threshold_low": low, "threshold_high": high, "count": count}
            for low, high, count in zip(IMPACT_EDGES, highs, counts, strict=True)
        ],
    }


def _band(peak: float) -> int:
    return max(i for i, low in enumerate(IMPACT_EDGES) if i == 0 or peak >= low)


LOAD_METRICS = (
    Fold(
        key="player_load",
        version=1,
        unit="1 (arbitrary), 1/min, Hz",
        title="Player load",
        definition=(
            "Accelerations in g, resampled to 100 Hz by the mean of each 10 ms (whole "
            "hundredths of a Unix second). total: sum over successive blocks of "
            "sqrt(dx^2 + dy^2 + dz^2) / 100, the 100 outside the root; x, y, z: the same of "
            "|dx|, |dy|, |dz| alone; per_minute of covered time. Blocks further apart than "
            "max_gap count nothing. rate: rows per second of covered time before the resampling; "
            "below 95 Hz a note says that the load is not comparable. Rows that lack an axis are "
            "absent."
        ),
        boundary="a step of exactly max_gap counts",
        citation=(
            "Boyd 2011, IJSPP 6:311; Bredt 2020, J Hum Kinet 71:5 (on the scaling); Catapult help"
        ),
        grade="B",
        kernel=LOADS,
        output=player_load,
    ),
    Fold(
        key="impacts",
        version=1,
        unit="1, 1/min, g, Hz",
        title="Impacts",
        definition=(
            "An impact is a run of successive 10 ms blocks (the blocks of player_load) whose "
            "|a| = sqrt(x^2 + y^2 + z^2), gravity included, is above 2 g; its peak is the "
            "greatest |a| in it. count, per_minute of covered time, highest peak, and counts in "
            "bands of the peak from 2, 3, 4, 6 and 8 g. A block at or below 2 g ends a run, a "
            "step longer than max_gap too."
        ),
        boundary="|a| > 2; bands [low, high), the last open above",
        citation="Touchline design, section 2.10; bands ours",
        grade="D",
        kernel=LOADS,
        output=impacts,
    ),
)
