"""Cadence, and what follows from it and speed or power (design/metrics.md 3.3 and 3.4)."""

import math
from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values
from core.sport.metrics.track import has_distance

BUCKET_MS = 5000  # of the gear
LEAST_MS, LEAST_CADENCE = 3000, 30.0  # pedalled in a bucket that counts

STATE = np.dtype(
    [
        ("factor", "<f8"),  # 2 where the device counts one foot
        ("n", "<i8"),
        ("top", "<f8"),
        ("ms", "<i8"),  # with a cadence above 0
        ("turns", "<f8"),  # cadence times ms
        ("metres", "<f8"),
        ("torque_n", "<i8"),
        ("torque_ms", "<i8"),
        ("torque", "<f8"),  # W/rpm times ms
        ("torque_top", "<f8"),
        # metres a turn, in buckets of 5 s
        ("bucket", "<i8"),
        ("bucket_ms", "<i8"),
        ("bucket_turns", "<f8"),
        ("bucket_metres", "<f8"),
        ("gears", "<i8"),
        ("gear_sum", "<f8"),
        ("gear_low", "<f8"),
        ("gear_high", "<f8"),
    ]
)


def init(values: Values, start: int, state: Any) -> None:
    state["factor"] = 2.0 if values.get("cadence_one_foot") else 1.0
    state["bucket"] = -1


def _kernel(params: tuple[str, ...]) -> Kernel:
    return Kernel(
        name="cadence",
        function="core.sport.kernels.cadence:fold",
        version=1,
        state=STATE,
        init=init,
        params=params,
        inputs=("cadence", "power"),
    )


STEPS = _kernel(("cadence_one_foot",))
PEDALS = _kernel(("wheel_circumference",))

NO_CADENCE = "no cadence above 0 in these samples"
RPM = 2.0 * math.pi / 60.0  # rad/s of one turn a minute


def cadence(reading: Reading) -> dict[str, float] | None:
    state = reading.state
    if not state["ms"]:
        return reading.absent(NO_CADENCE)
    return {"average": float(state["turns"] / state["ms"]), "maximum": float(state["top"])}


def step_length(reading: Reading) -> float | None:
    state = reading.state
    if not state["ms"]:
        return reading.absent(NO_CADENCE)
    if not has_distance(reading):
        return reading.absent("no distance")
    return float(state["metres"] / (state["turns"] / 60_000.0))


def torque(reading: Reading) -> dict[str, float] | None:
    state = reading.state
    if not state["torque_ms"]:
        return reading.absent("no samples with both power and a cadence above 0")
    return {
        "average": float(state["torque"] / state["torque_ms"] / RPM),
        "maximum": float(state["torque_top"] / RPM),
    }


def gear(reading: Reading) -> dict[str, float] | None:
    """The bucket under way does not count yet: live and final read the same state."""
    state, wheel = reading.state, reading.values["wheel_circumference"]
    if not state["gears"]:
        return reading.absent("no 5 s with distance and pedalling")
    average = float(state["gear_sum"] / state["gears"])
    return {
        "development": average,
        "ratio": average / wheel,
        "lowest_ratio": float(state["gear_low"]) / wheel,
        "highest_ratio": float(state["gear_high"]) / wheel,
    }


def _cadence(kernel: Kernel, unit: str, more: str) -> Fold:
    return Fold(
        key="cadence",
        version=1,
        unit=unit,
        title="Cadence",
        definition=(
            "average: mean over covered time with a cadence above 0; maximum: of any sample." + more
        ),
        boundary="0 is absent",
        citation="Touchline design, sections 3.3 and 3.4",
        grade="A",
        kernel=kernel,
        output=cadence,
    )


STEP_METRICS = (
    _cadence(
        STEPS,
        "steps/min",
        " Steps of both feet; doubled where cadence_one_foot says that the device counts one.",
    ),
    Fold(
        key="step_length",
        version=1,
        unit="m",
        title="Step length",
        definition=(
            "Distance over the number of steps, of the samples with a cadence above 0. A stride is "
            "two steps."
        ),
        boundary="0 is absent",
        citation="Touchline design, section 3.4",
        grade="B",
        kernel=STEPS,
        output=step_length,
    ),
)

PEDAL_METRICS = (
    _cadence(PEDALS, "1/min", ""),
    Fold(
        key="torque",
        version=1,
        unit="Nm",
        title="Torque",
        definition=(
            "Power over the crank's angular speed, 2 pi cadence / 60, of samples with both and a "
            "cadence above 0: mean over time, and greatest."
        ),
        boundary="a power of 0 counts, a cadence of 0 does not",
        citation="Touchline design, section 3.3",
        grade="A",
        kernel=PEDALS,
        output=torque,
    ),
    Fold(
        key="gear",
        version=1,
        unit="m, 1",
        title="Gear",
        definition=(
            "development: metres a turn of the crank, mean of the UTC-aligned 5 s in which the "
            "rider pedalled for 3 s or more, at 30 turns a minute or more; ratios: development "
            "over wheel_circumference. Rolling with slow feet reads as a high gear."
        ),
        boundary="a cadence of 0 does not count",
        citation="Touchline design, section 3.3",
        grade="D",
        kernel=PEDALS,
        output=gear,
    ),
)
