"""Where on the court a player was, and turns across it (design/metrics.md 3.2)."""

from typing import Any

import numpy as np

from core.sport import Fold, Kernel, Reading, Values, field_of, heat_map, pitch_kernel, thirds
from core.sport.geometry import NUMBERS

CORNERS = "court_corners"
# The room that the rules of the game ask for around a court: players stand there.
MARGIN = (6.5, 4.0)
PITCH = pitch_kernel(CORNERS, 0.5, MARGIN)

AT_NET = 6.40  # m from the net: the service boxes
RING = 64  # fixes: half a second of them at up to 128 Hz
BASE_MS, BASE_MOST_MS = 300, 500
LATERAL, WITHIN_MS = 1.0, 1000  # m/s, ms
ZONES = ("behind_baseline", "inside_court", "at_net", "outside")
BEHIND, INSIDE, NET, OUTSIDE = range(4)

STATE = np.dtype(
    [
        ("on", "<i8"),
        ("field", "<f8", (NUMBERS,)),
        ("max_gap_ms", "<i8"),
        ("margin_x", "<f8"),
        ("margin_y", "<f8"),
        ("left_up", "<i8"),  # +1: y grows to the left of who looks along x
        ("fixes", "<i8"),
        ("fix_t", "<i8"),
        ("zone", "<i8"),
        ("left", "<i8"),
        ("zone_ms", "<i8", (4,)),
        ("side_ms", "<i8", (2,)),  # left, right
        ("velocities", "<i8"),
        ("changes", "<i8"),
        ("way", "<i8"),  # sign of the last lateral speed over LATERAL
        ("way_t", "<i8"),
        ("n", "<i8"),
        ("at", "<i8"),
        ("t", "<i8", (RING,)),
        ("y", "<f8", (RING,)),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    field = field_of(values[CORNERS])
    if field is None:
        return
    state["on"] = 1
    state["field"] = field.numbers
    state["max_gap_ms"] = round(values["max_gap"] * 1000)
    state["margin_x"], state["margin_y"] = MARGIN
    turn = field.along[0] * field.across[1] - field.along[1] * field.across[0]
    state["left_up"] = 1 if turn > 0 else -1


COURT = Kernel(
    name="court",
    function="plugins.tennis.kernels:court",
    version=1,
    state=STATE,
    init=init,
    params=(CORNERS, "max_gap"),
)


def _missing(reading: Reading) -> str | None:
    if not reading.state["on"]:
        return f"the activity has no {CORNERS}"
    return None if reading.state["fixes"] else "no valid position in these samples"


def court_zones(reading: Reading) -> Any:
    reason = _missing(reading)
    if reason is not None:
        return reading.absent(reason)
    state = reading.state
    total = int(state["zone_ms"].sum())
    spent = [*map(int, state["zone_ms"]), *map(int, state["side_ms"])]
    return {
        name: {"duration": ms / 1000.0, "ratio": ms / total if total else 0.0}
        for name, ms in zip((*ZONES, "left", "right"), spent, strict=True)
    }


def changes_of_direction(reading: Reading) -> int | None:
    reason = _missing(reading)
    if reason is None and not reading.state["velocities"]:
        reason = "no valid positions 0.3 s to 0.5 s apart in these samples"
    return int(reading.state["changes"]) if reason is None else reading.absent(reason)


COURT_METRICS = (
    Fold(
        key="court_zones",
        version=1,
        unit="s, 1",
        title="Zones of the court",
        definition=(
            "Time behind the baseline, at the net (within 6.40 m of it, the service boxes), inside "
            "the court (between), and left and right of the middle line as the player sees it who "
            "looks at the net; each with its share of the time with a position. Farther than "
            "6.5 m behind a baseline or 4 m beside the court is `outside`, and on no side."
        ),
        boundary="on the baseline is inside, at exactly 6.40 m is at the net, the middle is right",
        citation="Touchline design, section 3.2",
        grade="D",
        kernel=COURT,
        output=court_zones,
    ),
    Fold(
        key="changes_of_direction",
        version=1,
        unit="1",
        title="Changes of direction",
        definition=(
            "Times that the speed across the court changed its sign within 1 s, more than 1 m/s "
            "both ways. The speed is that between a valid position and the newest one at least "
            "0.3 s (at most 0.5 s) before it. A gap ends it."
        ),
        boundary="1 s counts, 1 m/s does not",
        citation="Touchline design, section 3.2",
        grade="D",
        kernel=COURT,
        output=changes_of_direction,
    ),
    heat_map(
        PITCH,
        CORNERS,
        "It covers the court, 6.5 m behind the baselines and 4 m beside it in cells of 0.5 m.",
    ),
    thirds(PITCH, CORNERS),
)
