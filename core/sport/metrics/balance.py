"""Left-right balance (design/metrics.md 3.3)."""

from typing import Any

import numpy as np

from core.sport.contract import Fold, Kernel, Reading, Values

# Sums of W times ms, and of that times the left leg's share (%).
STATE = np.dtype([("work", "<f8"), ("left", "<f8")])


def init(values: Values, start: int, state: Any) -> None:
    """Both sums begin at 0, as the state does."""


BALANCE = Kernel(
    name="balance",
    function="core.sport.kernels.balance:fold",
    version=1,
    state=STATE,
    init=init,
    inputs=("power", "balance"),
)


def left_right_balance(reading: Reading) -> float | None:
    state = reading.state
    if not state["work"]:
        return reading.absent("no samples with power above 0 and its share by leg")
    return float(state["left"] / state["work"])


BALANCE_METRICS = (
    Fold(
        key="left_right_balance",
        version=2,
        unit="%",
        title="Left-right balance",
        definition=(
            "Share of the left leg in the work: the mean of pwr.pwr_balance weighted by power, of "
            "samples with power above 0. Weighted so it gives what two head units say of whole "
            "rides, within 0.02 %; a plain mean misses one by 0.3 %."
        ),
        boundary="a power of 0 does not count",
        citation="Touchline design, section 3.3",
        grade="B",
        kernel=BALANCE,
        output=left_right_balance,
    ),
)
