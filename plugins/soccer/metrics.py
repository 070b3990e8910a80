"""What soccer alone counts (design/metrics.md 3.1): turns, sprints without recovery."""

from typing import Any

import numpy as np

from core.sport import SPRINT, Fold, Kernel, Reading, Values, no_speed

RING = 64  # fixes: half a second of them at up to 128 Hz
BASE_MS, WITHIN_MS = 300, 500
FAST = 2.0  # m/s
TURN = 45.0  # degrees
RECOVERY_MS = 21_000
SPRINTS = 3

STATE = np.dtype(
    [
        ("max_gap_ms", "<i8"),
        ("turns", "<i8"),
        ("velocities", "<i8"),
        ("quiet", "<i8"),  # until then a turn is the one before
        ("scale", "<f8"),  # cosine of the first latitude
        ("last_t", "<i8"),
        ("n", "<i8"),
        ("at", "<i8"),
        ("t", "<i8", (RING,)),
        ("east", "<f8", (RING,)),
        ("north", "<f8", (RING,)),
        ("heads_n", "<i8"),
        ("heads_at", "<i8"),
        ("head_t", "<i8", (RING,)),
        ("head_east", "<f8", (RING,)),  # unit vectors
        ("head_north", "<f8", (RING,)),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    state["max_gap_ms"] = round(values["max_gap"] * 1000)
    state["quiet"] = -(2**62)


TURNS = Kernel(
    name="turns",
    function="plugins.soccer.kernels:turns",
    version=1,
    state=STATE,
    init=init,
    params=("max_gap",),
)


def changes_of_direction(reading: Reading) -> int | None:
    if not reading.state["velocities"]:
        return reading.absent("no valid positions 0.3 s to 0.5 s apart in these samples")
    return int(reading.state["turns"])


def repeated_sprints(reading: Reading) -> dict[str, Any] | None:
    """Bouts among the closed sprints and the one that is running."""
    if no_speed(reading):
        return None
    state = reading.state
    found = [(start, ms) for index, start, ms, *_ in reading.events.tolist() if index == 0]
    if state["phase"][0] and state["ms"][0] > 0 and state["ms"][0] >= state["min_ms"]:
        found.append((int(state["start"][0]), int(state["ms"][0])))
    bouts: list[list[tuple[int, int]]] = []
    for start, ms in found:
        if bouts and start - sum(bouts[-1][-1]) <= RECOVERY_MS:
            bouts[-1].append((start, ms))
        else:
            bouts.append([(start, ms)])
    long = [bout for bout in bouts if len(bout) >= SPRINTS]
    return {
        "count": len(long),
        "bouts": [
            {
                "start_time": bout[0][0],
                "duration": (sum(bout[-1]) - bout[0][0]) / 1000.0,
                "sprints": len(bout),
            }
            for bout in long
        ],
    }


SOCCER_METRICS = (
    Fold(
        key="changes_of_direction",
        version=1,
        unit="1",
        title="Changes of direction",
        definition=(
            "Times that the heading turned by at least 45 degrees within 0.5 s, both before and "
            "after at more than 2 m/s. Heading and speed are those of the way between a valid "
            "position and the newest one at least 0.3 s (at most 0.5 s) before it; a turn within "
            "0.5 s of a counted one is part of that. A gap ends it."
        ),
        boundary="45 degrees and 0.5 s count, 2 m/s does not",
        citation="Touchline design, section 3.1",
        grade="D",
        kernel=TURNS,
        output=changes_of_direction,
    ),
    Fold(
        key="repeated_sprints",
        version=2,
        unit="1, s",
        title="Repeated-sprint bouts",
        definition=(
            "Runs of at least 3 sprints over the lowest of sprint_thresholds with at most 21 s "
            "from the end of one to the start of the next: their number, and of each start, time "
            "from the first start to the last end, and number of sprints."
        ),
        boundary="a recovery of exactly 21 s belongs to the bout",
        citation="Spencer 2004, J Sports Sci 22:843",
        grade="B",
        kernel=SPRINT,
        output=repeated_sprints,
    ),
)
