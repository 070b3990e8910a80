"""Unkind samples, seeded: what a real recording holds now and then, these hold often."""

import numpy as np

START = 1_700_000_000_000
END = START + 4 * 3600 * 1000
CHANNELS = ("lat", "lon", "alt", "speed", "hr", "power", "cadence")

Samples = dict[str, np.ndarray]


def walk(seed: int, n: int, hz: float = 10.0, doppler: bool = True) -> Samples:
    """Somebody about: runs, stops, climbs, gaps, jumps; every channel missing now and then."""
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
    alt = (400 + 60 * np.sin(np.cumsum(metres) / 900) + rng.normal(0, 0.3, n)).round(1)
    alt[rng.random(n) < 0.02] = np.nan
    power = np.clip(200 + np.cumsum(rng.normal(0, 8, n)) % 300 - 150, 0, 900).round()
    power[rng.random(n) < 0.05] = np.nan
    cadence = np.where(rng.random(n) < 0.1, 0, 80 + rng.integers(-5, 6, n)).astype(float)
    cadence[rng.random(n) < 0.03] = np.nan
    return {
        "t": t, "lat": lat, "lon": lon, "alt": alt, "speed": speed, "hr": hr, "power": power,
        "cadence": cadence,
    }  # fmt: skip


def streams(seed: int, n: int) -> dict[str, Samples]:
    """Beats with ectopic ones and dropouts, a shaken accelerometer of uneven rate, pool lengths,
    events: what goes beside the samples of a frame.
    """
    rng = np.random.default_rng(seed)
    rr = (800 + 150 * np.sin(np.arange(n) / 40) + rng.normal(0, 40, n)).round()
    odd = rng.random(n) < 0.05
    rr[odd] = rng.choice([0.0, 280.0, 430.0, 1500.0, 2600.0, np.nan], int(odd.sum()))
    apart = rng.choice(
        [1, 4, 5, 10, 11, 20, 400, 1500], n, p=[0.1, 0.2, 0.2, 0.2, 0.2, 0.08, 0.01, 0.01]
    )
    axes = {axis: rng.normal(0, 1.2, n) for axis in ("ax", "ay", "az")}
    axes["ay"][rng.random(n) < 0.02] = np.nan
    few = max(1, n // 20)
    lengths = {
        "duration": rng.normal(30, 4, few).round(3),
        "strokes": rng.integers(0, 20, few).astype(float),
        "active": (rng.random(few) < 0.8).astype(float),
        "stroke_type": rng.integers(0, 7, few).astype(float),
    }
    events = {"event": rng.choice([0.0, 8.0, 9.0], few), "value": np.arange(few) * 1.0}
    at = START + 500 * np.arange(few) * 60
    return {
        "rr": {"t": START + np.cumsum(rng.integers(300, 1200, n)), "rr": rr},
        "imu": {"t": START + np.cumsum(apart), **axes},
        "lengths": {"t": at, **lengths},
        "events": {"t": at + 1, **events},
    }


def cut(samples: Samples, low: int, high: int) -> Samples:
    return {name: column[low:high] for name, column in samples.items()}
