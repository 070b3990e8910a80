"""The shared folds, compiled. Workers only: importing this package imports numba.

Bit for bit the same result for every way of cutting the samples (R4) needs one sequential
recurrence per sample, integer rolling sums, no fast-math, no parallel loops, and no Intel SVML,
whose vector body and scalar remainder may round differently.
"""

import os
from collections.abc import Callable
from typing import Any

os.environ["NUMBA_DISABLE_INTEL_SVML"] = "1"

import numba
import numpy as np

from core.sport.contract import NO_EVENT
from core.sport.kernels.cache import LOCATORS

# Also for a process that imported numba before us.
numba.config.DISABLE_INTEL_SVML = True  # type: ignore[attr-defined]
numba.config.CACHE_LOCATOR_CLASSES = LOCATORS  # type: ignore[attr-defined]

# Kernels allocate nothing, so numba need not count who holds their arrays: atomic counts at each
# call of a part took a third of the time of a sample.
PLAIN: dict[str, Any] = {"nogil": True, "_nrt": False}

# Decorator: a part of a kernel, compiled into it.
part = numba.njit(**PLAIN)


def signature(state: np.dtype[Any], event: np.dtype[Any] = NO_EVENT) -> Any:
    """The one kernel signature, for a state and an event dtype."""
    return numba.int64(
        numba.int64[::1],
        numba.float64[:, ::1],
        numba.int64,
        numba.from_dtype(state)[::1],
        numba.from_dtype(event)[::1],
    )


def kernel(state: np.dtype[Any], event: np.dtype[Any] = NO_EVENT) -> Callable[[Any], Any]:
    """Decorator: compile a kernel for exactly this state and event dtype.

    The explicit signature turns a wrong dtype into an error instead of a silent second compile.
    What it calls may be a ``part``; neither allocates arrays. Its types are the signature's, so the
    function itself has none, and says so to mypy.
    """
    return numba.njit(signature(state, event), cache=True, **PLAIN)


def finish(state: np.dtype[Any]) -> Callable[[Any], Any]:
    """Decorator: compile what ends a copy of a kernel's state before outputs read it."""
    return numba.njit(numba.void(numba.from_dtype(state)[::1]), nogil=True, cache=True)
