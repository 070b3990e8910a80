"""A made pool session, and a made swim in open water with fixes lost under water, at 1 Hz.

``python -m plugins.swimming.goldens.generate`` writes expected.json anew: do so only when a
definition changes, and raise the metric's version with it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.sport import golden
from plugins.swimming.sport import SWIMMING

START = 1_700_000_000_000
END = START + 3_600_000
POOL = 25.0
PARAMS = {"max_hr": 182, "rest_hr": 50, "sex": "F", "css": 96}
EXPECTED = Path(__file__).with_name("expected.json")
OPEN_WATER = Path(__file__).with_name("open_water.json")

Columns = dict[str, np.ndarray]


def pool() -> dict[str, Columns]:
    """Samples without positions, and lengths: sets of ten, rests, drills without strokes."""
    rng = np.random.default_rng(50)
    n = 60
    seconds = np.where(np.arange(n) % 11 == 10, 35.0, 24.0 + rng.normal(0, 1.2, n)).round(3)
    active = np.arange(n) % 11 != 10
    strokes = np.where(active, rng.integers(14, 21, n), np.nan)
    strokes[20:22] = 0
    stroke_type = np.where(active, np.where(np.arange(n) % 7 == 0, 2, 0), np.nan)
    stroke_type[20:22] = 4
    starts = START + 1000 * np.floor(np.concatenate([[0], np.cumsum(seconds)[:-1]])).astype(int)
    t = START + 1000 * np.arange(int(seconds.sum()))
    t = t[(t < START + 500_000) | (t > START + 520_000)]
    hr = (130 + 25 * np.sin(np.arange(len(t)) / 90)).round()
    hr[::53] = np.nan
    return {
        "samples": {"t": t, "hr": hr},
        "lengths": {
            "t": starts,
            "duration": seconds,
            "strokes": strokes,
            "active": active.astype(float),
            "stroke_type": stroke_type,
        },
    }


def open_water() -> dict[str, Columns]:
    """Twenty minutes with a turn, fixes lost for seconds at a time, one fix far off."""
    n = 1200
    rng = np.random.default_rng(51)
    pace = np.clip(1.2 + np.convolve(rng.normal(0, 0.6, n), np.ones(25) / 25, "same"), 0, 2)
    pace[700:715] = 0.0
    heading = np.cumsum(rng.normal(0, 0.02, n)) + np.where(np.arange(n) > 600, np.pi, 0)
    lat = 46.5 + np.cumsum(pace * np.cos(heading)) / 111_180
    lon = 6.6 + np.cumsum(pace * np.sin(heading)) / 76_700
    for at in rng.integers(10, n - 20, 60):
        lat[at : at + rng.integers(1, 9)] = np.nan
    lat[300] = 46.6
    speed = (pace + rng.normal(0, 0.05, n)).clip(0).round(3)
    speed[np.isnan(lat)] = np.nan
    cadence = np.where(pace > 0.3, 30 + rng.integers(-3, 4, n), 0).astype(float)
    steps = np.full(n, 1000)
    steps[900] = 40_000
    columns = {"lat": lat.round(8), "lon": lon.round(8), "speed": speed, "cadence": cadence}
    return {"samples": {"t": START + np.cumsum(steps), **columns}}


def computed() -> dict[str, Any]:
    """The pool session's document."""
    return golden.document(SWIMMING, (START, END), PARAMS, pool(), {"pool_length": POOL})


def computed_open_water() -> dict[str, Any]:
    """The document of the swim in open water."""
    return golden.document(SWIMMING, (START, END), PARAMS, open_water())


if __name__ == "__main__":
    golden.write(EXPECTED, computed())
    golden.write(OPEN_WATER, computed_open_water())
