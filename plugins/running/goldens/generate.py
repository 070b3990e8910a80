"""Forty minutes of a made hill run at 1 Hz: intervals, a stop, a gap, lost positions.

``python -m plugins.running.goldens.generate`` writes expected.json anew: do so only when a
definition changes, and raise the metric's version with it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.sport import golden
from plugins.running.sport import RUNNING

START = 1_700_200_000_000
END = START + 3_600_000
PARAMS = {
    "max_hr": 186,
    "rest_hr": 46,
    "sex": "F",
    "weight": 61,
    "height": 1.68,
    "threshold_pace": 265,
    "power_cp": 240,
}
EXPECTED = Path(__file__).with_name("expected.json")


def samples() -> dict[str, np.ndarray]:
    """The recording: t (int64 ms), lat, lon, alt, speed, hr, cadence (float64, NaN absent)."""
    n = 2400
    rng = np.random.default_rng(22)
    at = np.arange(n)
    fast = (at // 180) % 2 == 1
    pace = np.where(fast, 4.1, 3.0) + 0.15 * np.sin(at / 17) + rng.normal(0, 0.05, n)
    pace[1200:1230] = 0.0
    steps = np.full(n, 1000)
    steps[700] = 25_000
    steps[1500::50] = 2000
    metres = pace * steps / 1000
    heading = np.cumsum(rng.normal(0, 0.03, n))
    lat = 46.5225 + np.cumsum(metres * np.cos(heading)) / 111_180
    lon = 6.6328 + np.cumsum(metres * np.sin(heading)) / 76_700
    lat[300:304] = np.nan
    alt = 500 + 45 * np.sin(np.cumsum(metres) / 700) + rng.normal(0, 0.2, n)
    alt[900:904] = np.nan
    hr = (128 + 28 * np.convolve(fast, np.ones(40) / 40, "same") + at / 200).round()
    hr[::97] = np.nan
    cadence = np.where(pace > 1, np.where(fast, 184, 170) + rng.integers(-2, 3, n), 0)
    return {
        "t": START + np.cumsum(steps),
        "lat": lat.round(8),
        "lon": lon.round(8),
        "alt": alt.round(1),
        "speed": np.maximum(0, pace + rng.normal(0, 0.02, n)).round(3),
        "hr": hr,
        "cadence": cadence.astype(float),
    }


def computed() -> dict[str, Any]:
    """The document of these samples, by the kernels installed here."""
    return golden.document(RUNNING, (START, END), PARAMS, {"samples": samples()})


if __name__ == "__main__":
    golden.write(EXPECTED, computed())
