"""A hundred minutes of a made ride at 1 Hz: climbs, intervals, a coffee stop, power lost.

``python -m plugins.biking.goldens.generate`` writes expected.json anew: do so only when a
definition changes, and raise the metric's version with it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.sport import golden
from plugins.biking.sport import BIKING

START = 1_700_400_000_000
END = START + 9_000_000
PARAMS = {
    "max_hr": 186,
    "rest_hr": 46,
    "sex": "F",
    "weight": 61,
    "ftp": 245,
    "cp": 235,
    "w_prime": 16_000,
}
EXPECTED = Path(__file__).with_name("expected.json")


def samples() -> dict[str, np.ndarray]:
    """The recording: t (int64 ms), and every channel of a ride as float64, NaN absent."""
    n = 6000
    rng = np.random.default_rng(24)
    at = np.arange(n)
    steps = np.full(n, 1000)
    steps[2900] = 240_000
    slope = np.where((at > 900) & (at < 2100), 0.06, np.where((at > 3500) & (at < 4300), 0.045, 0))
    slope = np.where((at > 2100) & (at < 2800), -0.07, slope)
    hard = (at // 240) % 3 == 1
    power = np.where(hard, 290, 185) + 15 * np.sin(at / 21) + rng.normal(0, 22, n)
    power = np.where(slope < 0, 0, np.clip(power, 0, None)).round()
    pace = np.where(slope < 0, 13.5, np.clip(power / (25 + 900 * slope), 2.0, 12)) * 0.95
    pace = np.convolve(pace, np.ones(20) / 20, "same")
    metres = pace
    heading = np.cumsum(rng.normal(0, 0.01, n))
    lat = 46.2025 + np.cumsum(metres * np.cos(heading)) / 111_180
    lon = 7.3328 + np.cumsum(metres * np.sin(heading)) / 77_000
    lat[300:304] = np.nan
    alt = 480 + np.cumsum(metres * slope) + rng.normal(0, 0.15, n)
    hr = (118 + 38 * np.convolve(power / 290, np.ones(90) / 90, "same") + at / 500).round()
    hr[::101] = np.nan
    cadence = np.where(power > 0, 88 + rng.integers(-4, 5, n), 0)
    power[5000:5004] = np.nan
    power[5400:5415] = np.nan
    return {
        "t": START + np.cumsum(steps),
        "lat": lat.round(8),
        "lon": lon.round(8),
        "alt": alt.round(1),
        "speed": np.maximum(0, pace + rng.normal(0, 0.02, n)).round(3),
        "hr": hr,
        "power": power,
        "cadence": cadence.astype(float),
    }


def computed() -> dict[str, Any]:
    """The document of these samples, by the kernels installed here."""
    return golden.document(BIKING, (START, END), PARAMS, {"samples": samples()})


if __name__ == "__main__":
    golden.write(EXPECTED, computed())
