"""Where on its field an athlete was: heat map, thirds, the 1 s grid (design/metrics.md 2.12)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Table, Values
from core.sport.geometry import NUMBERS, field_of
from core.sport.metrics.spans import FOREVER, MOST, fill

CELLS = 13_000  # of the largest pitch, 130 m by 100 m
AROUND = 5.0  # m around the field that still count in a third
FAR = 1e5  # m; who is farther away is not on the grid
OWN, MIDDLE, ATTACKING = range(3)
THIRDS = ("own", "middle", "attacking")

STATE = np.dtype(
    [
        ("on", "<i8"),  # 0: no field, and nothing is done
        ("field", "<f8", (NUMBERS,)),
        ("max_gap_ms", "<i8"),
        # heat map
        ("cell", "<f8"),
        ("origin_x", "<f8"),
        ("origin_y", "<f8"),
        ("columns", "<i8"),
        ("rows", "<i8"),
        # periods and, of each, whether x grows towards the goal that is attacked
        ("n", "<i8"),
        ("start", "<i8", (MOST,)),
        ("end", "<i8", (MOST,)),
        ("sign", "<i8", (MOST,)),
        ("until", "<i8"),
        ("sign_now", "<i8"),  # 0: between periods
        # last valid fix
        ("fixes", "<i8"),
        ("fix_t", "<i8"),
        ("x", "<f8"),
        ("here", "<i8"),  # its cell; -1: outside
        ("near", "<i8"),  # within AROUND of the field
        # the second of the grid that is not over
        ("second", "<i8"),
        ("pending", "<i8"),
        ("place", "<i8"),
        # sums, ms
        ("outside_ms", "<i8"),
        ("third_ms", "<i8", (3,)),
        ("third_outside_ms", "<i8"),
        ("cell_ms", "<i8", (CELLS,)),
    ]
)
# A second of the grid: the last valid fix in (second - 1, second], as ``packed``.
POINT = np.dtype([("second", "<i8"), ("place", "<i8")])


def unpacked(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y in metres of packed places: millimetres, x in the upper 32 bits, y in the lower."""
    x = places >> 32
    y = (places & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return x / 1000.0, y / 1000.0


def signs(values: Values) -> list[int]:
    """+1 where x grows towards the goal that the frame's team attacks, per period, or one for the
    whole where there are no periods. By x alone (+1) where no direction is given.
    """
    given = values.get("attack_direction") or []
    side = 1 if (values.get("team") or "home") == "home" else -1
    count = len(values.get("periods") or []) or 1
    return [
        (side if given[index] == "left_to_right" else -side) if index < len(given) else 1
        for index in range(count)
    ]


def _cells(metres: float, cell: float) -> int:
    """So many that what is left over is less than a fiftieth of one: 105.0002 m are 105 cells."""
    return int(np.ceil(metres / cell - 0.02))


def pitch_kernel(
    corners: str, cell: float, margin: tuple[float, float], more: tuple[str, ...] = ()
) -> Kernel:
    """The kernel over the field that the activity gives as ``corners``. ``margin``: how far the
    heat map reaches beyond the field, m; ``more``: the parameters of thirds; without, x says them.
    """

    def init(values: Values, start: int, state: Any) -> None:
        field = field_of(values[corners])
        if field is None:
            return
        columns = _cells(field.length + 2 * margin[0], cell)
        rows = _cells(field.width + 2 * margin[1], cell)
        state["columns"], state["rows"] = columns, rows
        if columns * rows > CELLS:
            return
        state["on"] = 1
        state["field"] = field.numbers
        state["max_gap_ms"] = round(values["max_gap"] * 1000)
        state["cell"] = cell
        state["origin_x"], state["origin_y"] = -margin[0], -margin[1]
        fill(state, values.get("periods") if more else None)
        state["until"] = -FOREVER
        found = signs(values) if more else [1]
        state["sign"][: len(found)] = found

    return Kernel(
        name="pitch",
        function="core.sport.kernels.pitch:fold",
        version=2,
        state=STATE,
        init=init,
        params=(corners, "max_gap", *more),
        event=POINT,
        events_per_sample=2,
    )


def missing(reading: Reading, corners: str) -> str | None:
    """Why there is no place on a field."""
    state = reading.state
    if not state["on"]:
        if state["columns"]:
            return f"the field is larger than {CELLS} cells of the heat map"
        return f"the activity has no {corners}"
    return None if state["fixes"] else "no valid position in these samples"


def share(ms: int, of: int) -> dict[str, float]:
    return {"duration": ms / 1000.0, "ratio": ms / of if of else 0.0}


def _heat_map(reading: Reading, corners: str) -> Any:
    reason = missing(reading, corners)
    if reason is not None:
        return reading.absent(reason)
    state = reading.state
    columns, rows = int(state["columns"]), int(state["rows"])
    seconds = state["cell_ms"][: columns * rows].reshape(rows, columns) / 1000.0
    return {
        "cell": float(state["cell"]),
        "origin": {"x": float(state["origin_x"]), "y": float(state["origin_y"])},
        "columns": columns,
        "rows": rows,
        "seconds": Table(seconds),
        "outside": int(state["outside_ms"]) / 1000.0,
    }


def _thirds(reading: Reading, corners: str) -> Any:
    reason = missing(reading, corners)
    if reason is not None:
        return reading.absent(reason)
    state, values = reading.state, reading.values
    spent = [*map(int, state["third_ms"]), int(state["third_outside_ms"])]
    told: Mapping[str, Any] = {
        name: share(ms, sum(spent)) for name, ms in zip((*THIRDS, "outside"), spent, strict=True)
    }
    return {"by": "attack_direction" if values.get("attack_direction") else "x", **told}


def heat_map(kernel: Kernel, corners: str, reach: str) -> Fold:
    return Fold(
        key="heat_map",
        version=1,
        unit="m, s",
        title="Heat map",
        definition=(
            "Time per square cell of the field. A step counts in the cell of the newest valid "
            "position, if that is not older than max_gap. `seconds` is a list of rows from the "
            "first corner towards the fourth, each from the first corner towards the second; cell "
            f"(0, 0) begins at `origin` in the coordinates of field.x and field.y. {reach} Time "
            "elsewhere is `outside`."
        ),
        boundary="a cell holds its lower edges",
        citation="Touchline design, section 2.12",
        grade="B",
        digits=3,
        kernel=kernel,
        output=lambda reading: _heat_map(reading, corners),
    )


def thirds(kernel: Kernel, corners: str) -> Fold:
    return Fold(
        key="thirds",
        version=1,
        unit="s, 1",
        title="Thirds of the field",
        definition=(
            "Time in the own, the middle and the attacking third, and its share of the time with a "
            "position. Which third is the own one says the activity's attack_direction of the "
            "period (that of the team `home`; every other team attacks the other way); without, "
            "the own third is at the first corner and `by` is `x`. Where the activity names "
            f"periods, time between them counts in none. Positions up to {AROUND:g} m around the "
            "field belong to the nearest third, others are `outside`."
        ),
        boundary="a third holds its end nearer to the first corner",
        citation="Touchline design, section 2.12",
        grade="B",
        kernel=kernel,
        output=lambda reading: _thirds(reading, corners),
    )
