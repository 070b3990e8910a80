"""Metrics of rides, runs, swims and races as a batch in pandas and numpy, as an analyst would write
them for a file.

The other side of `benchmarks.sports`. It takes one sample a second without gaps, each with every
channel, and does less than the kernels: no climbs, no gear, no running power. What has no vector
form (hysteresis, W' balance) is a plain loop.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.soccer_pandas import EC, heart, runs, steps
from core.sport.metrics.pace import EFFORTS
from core.sport.metrics.power import DURATIONS

Samples = Mapping[str, np.ndarray]


def basic(
    samples: Samples, values: Mapping[str, Any], start: int, moving_from: float
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The frame with steps, and what does not depend on how one moves."""
    frame = pd.DataFrame({name: samples[name] for name in ("t", "hr")})
    frame["dt"] = frame["t"].diff().fillna(0)
    frame["segment"] = 0
    frame["d"] = steps(samples["lat"], samples["lon"])
    frame["s"] = np.floor(1000 * samples["speed"] + 0.5) / 1000
    window = (frame["t"] - start) // int(values["intensity_span"] * 1000)
    still = runs(frame, (frame["s"] < moving_from).astype(int))["dt"].sum()
    return frame, {
        "total_distance": frame["d"].sum(),
        "max_speed": frame["s"].max(),
        "intensity": np.bincount(window, frame["d"]),
        "heart": heart(frame, values, start),
        "moving_time": frame["dt"][frame["s"] >= moving_from].sum() / 1000,
        "stops": still[still >= 5000],
    }


def common(
    samples: Samples, values: Mapping[str, Any], start: int, moving_from: float
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The same with what rides and runs have."""
    frame, found = basic(samples, values, start, moving_from)
    edges = np.array(values["speed_ranges"]) / 3.6
    ranged = np.digitize(frame["s"], edges) - 1
    total = np.concatenate([[0], np.cumsum(np.floor(frame["d"].to_numpy() * 1e4 + 0.5))])
    spans = [span for span in values["peak_windows"] if span < len(total)]
    up, down = hysteresis(samples["alt"], 3.0)
    return frame, found | {
        "range_seconds": np.bincount(ranged, frame["dt"], len(edges)) / 1000,
        "range_metres": np.bincount(ranged, frame["d"], len(edges)),
        "peaks": [float((total[span:] - total[:-span]).max() / 1e4) for span in spans],
        "ascent": up,
        "descent": down,
    }


def hysteresis(altitude: np.ndarray, threshold: float) -> tuple[float, float]:
    """Ascent and descent."""
    heights = altitude.tolist()
    reference, up, down = heights[0], 0.0, 0.0
    for z in heights:
        if z - reference >= threshold:
            up, reference = up + z - reference, z
        elif reference - z >= threshold:
            down, reference = down + reference - z, z
    return up, down


def fourth(mean: np.ndarray) -> float:
    return float((mean**4).mean() ** 0.25)


def halves(series: np.ndarray, beats: np.ndarray) -> float:
    """Decoupling of a 30 s series from heart rate."""
    middle = len(series) // 2
    first, second = (
        fourth(part) / hr.mean()
        for part, hr in ((series[:middle], beats[:middle]), (series[middle:], beats[middle:]))
    )
    return float(100 * (first - second) / first)


def biking(samples: Samples, values: Mapping[str, Any], start: int) -> dict[str, Any]:
    """The ride's metrics from whole columns."""
    frame, found = common(samples, values, start, 1.0)
    watts = samples["power"].astype(np.int64)
    sums = np.concatenate([[0], np.cumsum(watts)])
    means = (sums[30:] - sums[:-30]) / 30
    normalized = fourth(means)
    edges = np.array(values["power_zones"]) * values["ftp"] / 100
    curve = {}
    for span in DURATIONS:
        if span < len(sums):
            totals = sums[span:] - sums[:-span]
            at = int(totals.argmax())
            curve[span] = (totals[at] / span, at)
    cp, capacity = values["cp"], values["w_prime"]
    balance = least = float(capacity)
    for w in watts.tolist():
        balance += cp - w if w >= cp else (cp - w) * (capacity - balance) / capacity
        least = min(least, balance)
    turning = samples["cadence"] > 0
    weights, cadence = frame["dt"][turning], samples["cadence"][turning]
    factor = normalized / values["ftp"]
    return found | {
        "normalized": normalized,
        "average": watts.mean(),
        "stress": 100 * len(watts) / 3600 * factor**2,
        "zones": np.bincount(np.digitize(watts, edges) - 1, minlength=len(edges)),
        "curve": curve,
        "balance": (least, balance),
        "decoupling": halves(means, samples["hr"][29:]),
        "cadence": (cadence * weights).sum() / weights.sum(),
        "torque": (watts[turning] / cadence * weights).sum() / weights.sum(),
    }


def slopes(metres: np.ndarray, altitude: np.ndarray) -> np.ndarray:
    """Rise over run of the last 30 m or more, by the median of five altitudes."""
    level = pd.Series(altitude).rolling(5, min_periods=1).median().to_numpy()
    at = np.searchsorted(metres, metres - 30, side="right") - 1
    run = metres - metres[at]
    slope = np.divide(level - level[at], run, out=np.zeros_like(run), where=(at >= 0) & (run >= 30))
    return np.clip(slope, -0.45, 0.45)


def best_effort(t: np.ndarray, metres: np.ndarray, distance: float) -> float:
    """Least time over a distance, on the straight lines between samples."""
    ends, starts = metres[metres >= distance], metres[metres <= metres[-1] - distance]
    by_end = np.interp(ends, metres, t) - np.interp(ends - distance, metres, t)
    by_start = np.interp(starts + distance, metres, t) - np.interp(starts, metres, t)
    return float(min(by_end.min(), by_start.min()))


def running(samples: Samples, values: Mapping[str, Any], start: int) -> dict[str, Any]:
    """The run's metrics from whole columns; of a trail its slope classes, too."""
    frame, found = common(samples, values, start, 0.5)
    t, metres = samples["t"] / 1000, frame["d"].cumsum().to_numpy()
    slope = slopes(metres, samples["alt"])
    cost = np.polyval(EC, slope) / 3.6
    graded = np.floor(1000 * frame["s"].to_numpy() * cost + 0.5)
    sums = np.concatenate([[0], np.cumsum(graded)])
    means = (sums[30:] - sums[:-30]) / 30
    stepping = samples["cadence"] > 0
    turns = (samples["cadence"] * frame["dt"])[stepping].sum()
    threshold = 1000 / values["threshold_pace"]
    edges = np.array(values["pace_zones"]) * threshold / 100
    whole = np.arange(0, metres[-1], values["split_distance"])
    if "slope_classes" in values:
        classes = np.digitize(slope, np.array(values["slope_classes"]) / 100)
        found["slope_metres"] = np.bincount(classes, frame["d"], 7)
        found["slope_seconds"] = np.bincount(classes, frame["dt"], 7)
    return found | {
        "flat_metres": (frame["d"] * cost).sum(),
        "normalized": fourth(means) / 1000,
        "decoupling": halves(means, samples["hr"][29:]),
        "laps": np.diff(np.interp(whole, metres, t)),
        "efforts": [best_effort(t, metres, mm / 1e3) for mm in EFFORTS if mm / 1e3 < metres[-1]],
        "zones": np.bincount(np.digitize(frame["s"], edges) - 1, frame["dt"], len(edges)),
        "cadence": turns / frame["dt"][stepping].sum(),
        "step_length": frame["d"][stepping].sum() / (turns / 60_000),
    }


def swimming(samples: Samples, values: Mapping[str, Any], start: int) -> dict[str, Any]:
    """The metrics of a swim in open water from whole columns."""
    frame, found = basic(samples, values, start, 0.3)
    lat, lon = samples["lat"], samples["lon"]
    stroking = samples["cadence"] > 0
    turns = (samples["cadence"] * frame["dt"])[stroking].sum()
    metres = frame["d"].cumsum().to_numpy()
    ends, before = [1], metres[1]
    while True:  # pieces of 100 m of way and what the last sample adds
        at = int(np.searchsorted(metres, before + 100.0))
        if at >= len(metres):
            break
        ends.append(at)
        before = metres[at]
    straight = steps(lat[ends], lon[ends]).sum()
    time = frame["dt"].sum() / 1000
    return found | {
        "strokes": turns / 60_000,
        "stroke_rate": turns / frame["dt"][stroking].sum(),
        "pace_100m": 100 * time / metres[-1],
        "drift": (metres[ends[-1]] - metres[1]) / straight if len(ends) > 1 else None,
    }


def triathlon(samples: Samples, values: Mapping[str, Any], start: int) -> dict[str, Any]:
    """The metrics of a frame over a whole race."""
    return basic(samples, values, start, 0.3)[1]
