"""Unkind samples, seeded: what a real recording holds now and then, these hold often."""

import numpy as np

START = 1_700_000_000_000
END = START + 4 * 3600 * 1000
CHANNELS = ("lat", "lon", "alt", "speed", "hr", "power", "cadence")

Samples = dict[str, np.ndarray]


def walk(seed: int, n: int, hz: float = 10.0, doppler: bool = True) -> Samples:
    """A player on a pitch: runs, stops, gaps, jumps, missing positions, speeds, heart rates."""
    rng = np.random.default_rng(seed)
    steps = np.full(n, round(1000 / hz))
    steps[rng.random(n) < 0.02] *= 2
    gaps = rng.random(n) < 0.004
    steps[gaps] = rng.integers(900, 30_000, int(gaps.sum()))
    t = START + np.cumsum(steps)
    pace = np.clip(np.cumsum(rng.normal(0, 0.35, n)) % 14 - 3, 0, 8)
    heading = np.cumsum(rng.normal(0, 0.1, n))
    metres = pace * steps / 1000
    north = np.cumsum(metres * np.cos(heading)) + rng.normal(0, 0.05, n)
    east = np.cumsum(metres * np.sin(heading)) + rng.normal(0, 0.05, n)
    lat = 46.5 + north / 111_180
    lon = 6.6 + east / 76_700
    jumps = rng.random(n) < 0.003
    lat[jumps] += 0.01
    lost = rng.random(n) < 0.01
    lat[lost] = np.nan
    away = rng.integers(0, max(1, n - 40))
    lon[away : away + 25] = np.nan
    speed = np.maximum(0, pace + rng.normal(0, 0.1, n)).round(3)
    speed[rng.random(n) < (0.01 if doppler else 1.0)] = np.nan
    hr = (120 + 60 * np.sin(np.arange(n) / 700) + rng.integers(-2, 3, n)).round()
    hr[rng.random(n) < 0.05] = 0
    hr[rng.random(n) < 0.05] = np.nan
    return {"t": t, "lat": lat, "lon": lon, "speed": speed, "hr": hr}


def cut(samples: Samples, low: int, high: int) -> Samples:
    return {name: column[low:high] for name, column in samples.items()}
