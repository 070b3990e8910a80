"""The rule by which samples become a series of seconds, and what needs that series whole (3.3)."""

import math
from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

from core.sport.contract import Reading
from core.sport.metrics.power import NO_CP, NO_POWER, NONE

FRESH = -1


@numba.njit("int64(int64, int64, int64, int64, int64)", nogil=True, cache=True)
def missing(last_second, last_t, second, first_t, max_gap_ms):  # type: ignore[no-untyped-def]
    """Seconds that count 0 before this one, or FRESH: what is before does not belong to it."""
    if last_second == NONE or first_t - last_t > max_gap_ms:
        return FRESH
    return second - last_second - 1


@numba.njit("int64(float64, int64)", nogil=True, cache=True)
def watts(total, n):  # type: ignore[no-untyped-def]
    """A second's power, whole watts."""
    return math.floor(total / n + 0.5)


@numba.njit("Tuple((int64[:], int64[:]))(int64[:], float64[:], int64)", nogil=True, cache=True)
def series(t, power, max_gap_ms):  # type: ignore[no-untyped-def]
    """Every second of the samples and its watts; missing ones are 0, those of a gap left out."""
    seconds, values = [0], [0]  # typed by their first element
    last_second, last_t, i, n = NONE, 0, 0, len(t)
    while i < n:
        second, first_t, latest_t, total, count = t[i] // 1000, 0, 0, 0.0, 0
        while i < n and t[i] // 1000 == second:
            if power[i] >= 0.0:
                if count == 0:
                    first_t = t[i]
                latest_t = t[i]
                total += power[i]
                count += 1
            i += 1
        if count > 0:
            for k in range(missing(last_second, last_t, second, first_t, max_gap_ms)):
                seconds.append(last_second + 1 + k)
                values.append(0)
            seconds.append(second)
            values.append(watts(total, count))
            last_second, last_t = second, latest_t
    return np.array(seconds[1:], np.int64), np.array(values[1:], np.int64)


@numba.njit("Tuple((float64, int64, float64))(int64[:], float64, float64)", nogil=True, cache=True)
def expended(values, cp, tau):  # type: ignore[no-untyped-def]
    """Greatest I, the place where it was reached (-1: nowhere), and the last I."""
    decay, work, most, place = math.exp(-1.0 / tau), 0.0, 0.0, -1
    for i in range(len(values)):
        work = work * decay + max(values[i] - cp, 0.0)
        if work > most:
            most, place = work, i
    return most, place, work


def integral(columns: Mapping[str, np.ndarray], reading: Reading) -> dict[str, Any] | None:
    """The W' balance by Skiba's integral, in its recursive form."""
    of = reading.values
    if not of["cp"]:
        return reading.absent(NO_CP)
    seconds, values = series(columns["t"], columns["power"], round(of["max_gap"] * 1000))
    if not len(values):
        return reading.absent(NO_POWER)
    below = values[values < of["cp"]]
    tau = of["tau"]
    if not tau:
        difference = of["cp"] - float(below.mean()) if len(below) else 0.0
        tau = 546.0 * math.exp(-0.01 * difference) + 316.0
    most, place, last = expended(values, float(of["cp"]), float(tau))
    return {
        "minimum": of["w_prime"] - most,
        "minimum_time": int(seconds[place]) * 1000 if place >= 0 else None,
        "end": of["w_prime"] - last,
        "tau": tau,
    }
