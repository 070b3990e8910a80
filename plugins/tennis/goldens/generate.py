"""Ten minutes of a made tennis player at 10 Hz: rallies, rests between points, a change of ends.

``python -m plugins.tennis.goldens.generate`` writes expected.json anew: do so only when a
definition changes, and raise the metric's version with it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.sport import golden
from plugins.tennis.sport import TENNIS

START = 1_700_100_000_000
END = START + 900_000
PARAMS = {"max_hr": 188, "rest_hr": 48, "sex": "F"}
ACTIVITY = {
    "type": "match",
    "court_corners": [
        [46.19989308, 6.10007106],
        [46.20010692, 6.10007106],
        [46.20010692, 6.09992894],
        [46.19989308, 6.09992894],
    ],
    "sets": [
        {
            "name": "First set",
            "start_time": "2023-11-16T02:00:00Z",
            "end_time": "2023-11-16T02:05:30Z",
        }
    ],
}
EXPECTED = Path(__file__).with_name("expected.json")


def samples() -> dict[str, np.ndarray]:
    """The recording: t (int64 ms), lat, lon, speed, hr (float64, NaN absent)."""
    n = 6000
    rng = np.random.default_rng(21)
    rally = np.sin(np.arange(n) / 40) > 0.1
    rally[3000:3600] = False
    across = 4 * np.sin(np.arange(n) / 9) * np.convolve(rally, np.ones(10) / 10, "same")
    along = np.where(np.arange(n) < 3300, -12.0, 12.0) + rng.normal(0, 0.02, n)
    pace = np.abs(np.gradient(across, 0.1))
    speed = np.maximum(0, np.clip(pace, 0, 6.5) + rng.normal(0, 0.03, n)).round(3)
    steps = np.full(n, 100)
    steps[3300] = 20_000
    hr = (120 + 35 * np.sin(np.arange(n) / 900) + 5 * rally).round()
    hr[1000:1100] = np.nan
    return {
        "t": START + np.cumsum(steps),
        "lat": (46.2 + along / 111_180).round(8),
        "lon": (6.1 + across / 77_100).round(8),
        "speed": speed,
        "hr": hr,
    }


def beats() -> dict[str, np.ndarray]:
    """Intervals (ms) of the same minutes, each at its end; the strap slips for some."""
    rng = np.random.default_rng(121)
    rr = (60_000 / (120 + 35 * np.sin(np.arange(1200) / 180)) + rng.normal(0, 15, 1200)).round()
    rr[500:512:2] = 2600
    return {"t": START + np.cumsum(rr).astype(np.int64), "rr": rr}


def accelerations() -> dict[str, np.ndarray]:
    """A minute of strokes and stops at 50 Hz, in g: too slow to compare with 100 Hz."""
    n = 3000
    rng = np.random.default_rng(221)
    stroke = 6 * np.maximum(0, np.sin(np.arange(n) / 50)) ** 40
    axes = {"ax": stroke, "ay": 0.5 * stroke, "az": np.ones(n)}
    noise = rng.normal(0, 0.05, (3, n))
    shaken = {name: (axis + noise[i]).round(4) for i, (name, axis) in enumerate(axes.items())}
    return {"t": START + 90_000 + 20 * np.arange(n), **shaken}


def computed() -> dict[str, Any]:
    """The document of these samples, by the kernels installed here."""
    streams = {"samples": samples(), "rr": beats(), "imu": accelerations()}
    return golden.document(TENNIS, (START, END), PARAMS, streams, ACTIVITY)


if __name__ == "__main__":
    golden.write(EXPECTED, computed())
