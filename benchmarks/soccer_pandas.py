"""The soccer metrics as a batch in pandas and numpy, as an analyst would write them for a file.

The other side of `benchmarks.kernels`, of field sports in `benchmarks.sports`, and an independent
second computation for the tests. It takes samples of which each has a plausible position and a
Doppler speed; it knows gaps, not dropped fixes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.sport.geometry import fit

A, E2 = 6378137.0, 0.0066943799901413165
EC = np.array([155.4, -30.4, -43.3, 46.3, 19.5, 3.6])


def steps(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Metres from each fix to the next, first 0: WGS84, mid-latitude form."""
    middle = np.radians((lat[1:] + lat[:-1]) / 2)
    w = 1 - E2 * np.sin(middle) ** 2
    east = np.radians(np.diff(lon)) * np.cos(middle) * A / np.sqrt(w)
    north = np.radians(np.diff(lat)) * A * (1 - E2) / w**1.5
    return np.concatenate([[0.0], np.hypot(east, north)])


def smoothed(frame: pd.DataFrame, window: int) -> pd.Series:
    """Trailing mean of whole mm/s since the last gap."""
    if frame["segment"].iat[-1] == 0:
        rolled = frame["mm"].rolling(window, min_periods=1).mean()
    else:
        rolled = frame.groupby("segment")["mm"].rolling(window, min_periods=1).mean()
        rolled = rolled.reset_index(level=0, drop=True)
    return rolled.round(6) / 1000


def acceleration(frame: pd.DataFrame, speed: pd.Series) -> pd.Series:
    """Change over three samples of one segment, else 0."""
    value = (speed - speed.shift(3)) / ((frame["t"] - frame["t"].shift(3)) / 1000)
    return value.where(frame["segment"] == frame["segment"].shift(3), 0.0).fillna(0.0)


def runs(frame: pd.DataFrame, state: pd.Series) -> pd.core.groupby.DataFrameGroupBy:
    """Maximal runs of equal non-zero state inside a segment."""
    change = (state != state.shift()) | (frame["segment"] != frame["segment"].shift())
    return frame.assign(run=change.cumsum(), state=state)[state.to_numpy() != 0].groupby("run")


def efforts(frame: pd.DataFrame, threshold: float) -> pd.DataFrame:
    found = runs(frame, (frame["s"] >= threshold).astype(int)).agg(
        start=("t", "first"), ms=("dt", "sum"), top=("s", "max"), metres=("d", "sum")
    )
    return found[found["ms"] > 0]


def accelerations(frame: pd.DataFrame, values: Mapping[str, Any]) -> dict[str, list[pd.DataFrame]]:
    boundary = values["effort_boundary"]
    sign = (frame["a"] >= boundary).astype(int) - (frame["a"] <= -boundary).astype(int)
    found = runs(frame, sign).agg(
        start=("t", "first"),
        ms=("dt", "sum"),
        metres=("d", "sum"),
        first=("s", "first"),
        last=("s", "last"),
        high=("a", "max"),
        low=("a", "min"),
        sign=("state", "first"),
    )
    out = {}
    for key, side, peak in (
        ("accelerations", 1, found["high"]),
        ("decelerations", -1, -found["low"]),
    ):
        thresholds = values[key[:-1] + "_thresholds"]
        classed = np.digitize(peak, thresholds)
        out[key] = [
            found[(found["sign"] == side) & (classed == i + 1)] for i in range(len(thresholds))
        ]
    return out


def peaks(frame: pd.DataFrame, values: Mapping[str, Any]) -> list[tuple[float, int]]:
    second = frame["t"].to_numpy() // 1000
    bins = second - second[0]
    fast = frame["s"].to_numpy() >= values["hid_thresholds"][0]
    parts = (
        frame["d"].to_numpy(),
        frame["d"].to_numpy() * fast,
        frame["a"].abs().to_numpy() * frame["dt"].to_numpy() / 1000,
    )
    found = []
    totals = [
        np.concatenate([[0], np.cumsum(np.bincount(bins, np.floor(part * 1e4 + 0.5))[:-1])])
        for part in parts
    ]
    for span in values["peak_windows"]:
        for total in totals:
            if len(total) <= span:
                continue
            sums = total[span:] - total[:-span]
            best = int(np.argmax(sums))
            found.append((float(sums[best] / 1e4), int((second[0] + best) * 1000)))
    return found


def heart(frame: pd.DataFrame, values: Mapping[str, Any], start: int) -> dict[str, Any]:
    beats = frame[frame["hr"].between(25, 240)]
    if beats.empty:
        return {}
    hr, dt = beats["hr"], beats["dt"]
    bucket = (beats["t"] - start) // 5000
    found: dict[str, Any] = {
        "hr_min": hr.min(),
        "hr_max": hr.max(),
        "hr_avg": (hr * dt).sum() / dt.sum(),
        "hr_plot": hr.groupby(bucket).mean(),
    }
    if values["max_hr"]:
        edges = np.array(values["hr_zones"]) * values["max_hr"] / 100
        zone = np.clip(np.digitize(hr, edges[1:-1]), 0, len(edges) - 2)
        found["zones"] = np.bincount(zone, dt, len(edges) - 1)
        number = np.digitize(hr, np.arange(50, 100, 10) * values["max_hr"] / 100)
        found["edwards"] = (number * dt).sum() / 60000
        if values["rest_hr"] and values["sex"]:
            scale, growth = {"M": (0.64, 1.92), "F": (0.86, 1.67)}[values["sex"]]
            x = ((hr - values["rest_hr"]) / (values["max_hr"] - values["rest_hr"])).clip(0, 1)
            weight = (x * scale * np.exp(growth * x)).where(x >= 0.35, 0)
            found["banister"] = (weight * dt).sum() / 60000
    return found


def metabolic(frame: pd.DataFrame, values: Mapping[str, Any]) -> dict[str, Any]:
    es = (frame["a3"] / 9.80665).clip(-0.45, 0.45)
    power = np.polyval(EC, es) * np.sqrt(es**2 + 1) * values["terrain_factor"] * frame["s3"]
    band = np.digitize(power, [10, 20, 35, 55])
    hard = (frame["s3"] > 5.5) | (frame["a3"].abs() >= 2)
    return {
        "energy": (power * frame["dt"]).sum() / 1000,
        "high_power_distance": frame["d"][power > 20].sum(),
        "hmld": frame["d"][hard].sum(),
        "band_seconds": np.bincount(band, frame["dt"], 5) / 1000,
    }


def soccer(
    samples: Mapping[str, np.ndarray], values: Mapping[str, Any], start: int
) -> dict[str, Any]:
    """All soccer metrics of one frame, from whole columns (t ms, lat, lon, speed, hr)."""
    frame = pd.DataFrame({name: samples[name] for name in ("t", "hr")})
    dt = frame["t"].diff().fillna(0)
    gap = dt > values["max_gap"] * 1000
    frame["segment"] = gap.cumsum()
    frame["dt"] = dt.where(~gap, 0)
    d = steps(samples["lat"], samples["lon"])
    d[gap.to_numpy() | (samples["speed"] < values["stationary_speed"])] = 0
    frame["d"] = d
    frame["mm"] = np.floor(1000 * samples["speed"] + 0.5)
    frame["s"], frame["s3"] = smoothed(frame, 10), smoothed(frame, 3)
    frame["a"], frame["a3"] = acceleration(frame, frame["s"]), acceleration(frame, frame["s3"])
    edges = np.array(values["speed_ranges"]) / 3.6
    ranged = np.digitize(frame["s"], edges) - 1
    still = runs(frame, (frame["s"] < 0.28).astype(int))["dt"].sum()
    window = (frame["t"] - start) // int(values["intensity_span"] * 1000)
    return {
        "total_distance": frame["d"].sum(),
        "seconds": frame["dt"].sum() / 1000,
        "max_speed": frame["s"].max(),
        "gap_time": dt[gap].sum() / 1000,
        "hid": [efforts(frame, threshold) for threshold in values["hid_thresholds"]],
        "sprint": [efforts(frame, threshold) for threshold in values["sprint_thresholds"]],
        **accelerations(frame, values),
        "range_seconds": np.bincount(ranged, frame["dt"], len(edges)) / 1000,
        "range_metres": np.bincount(ranged, frame["d"], len(edges)),
        "intensity": np.bincount(window, frame["d"]),
        "moving_time": frame["dt"][frame["s"] >= 0.28].sum() / 1000,
        "stops": still[still >= 5000],
        "peaks": peaks(frame, values),
        "heart": heart(frame, values, start),
        "metabolic": metabolic(frame, values),
    }


def heat(samples: Mapping[str, np.ndarray], corners: Any, cell: float) -> dict[str, Any]:
    """Milliseconds by cell of the field and by third of its length."""
    field = fit(corners)
    x, y = field.place(samples["lat"], samples["lon"])
    dt = np.diff(samples["t"], prepend=samples["t"][0])
    columns, rows = int(np.ceil(field.length / cell)), int(np.ceil(field.width / cell))
    inside = (x >= 0) & (y >= 0) & (x < columns * cell) & (y < rows * cell)
    at = (y // cell * columns + x // cell)[inside].astype(int)
    third = np.clip(3 * x // field.length, 0, 2).astype(int)
    return {
        "x": x,
        "y": y,
        "heat": np.bincount(at, dt[inside], columns * rows),
        "thirds": np.bincount(third, dt, 3),
    }


def tennis(
    samples: Mapping[str, np.ndarray], values: Mapping[str, Any], start: int
) -> dict[str, Any]:
    """What soccer has, bouts of movement, and zones of the court."""
    found = soccer(samples, values, start)
    frame = pd.DataFrame({"t": samples["t"], "segment": 0})
    frame["dt"] = frame["t"].diff().fillna(0)
    fast = smoothed(frame.assign(mm=np.floor(1000 * samples["speed"] + 0.5)), 10) >= 0.6
    since = frame["t"] - frame["t"].where(fast).ffill()
    bouts = runs(frame, (since <= 3000).astype(int))["dt"].sum()
    court = values["court_corners"]
    place = heat(samples, court, 1.0)
    half = fit(court).length / 2
    from_net = np.abs(place["x"] - half)
    zone = np.digitize(from_net, [6.4, half, half + 6.5])
    return found | {
        "bouts": bouts[bouts >= 3000],
        "court": np.bincount(zone, frame["dt"], 4),
        "heat": place["heat"],
    }
