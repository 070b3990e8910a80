"""An hour of a made mountain run at 1 Hz, by a phone: steep climbs, a rest, a gap, lost positions.

``python -m plugins.trailrunning.goldens.generate`` writes expected.json anew: do so only when a
definition changes, and raise the metric's version with it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.sport import golden
from plugins.trailrunning.sport import TRAILRUNNING

START = 1_700_300_000_000
END = START + 5_400_000
PARAMS = {
    "max_hr": 186,
    "rest_hr": 46,
    "sex": "M",
    "weight": 74,
    "height": 1.81,
    "threshold_pace": 290,
    "elevation_threshold": 5,
}
EXPECTED = Path(__file__).with_name("expected.json")


def samples() -> dict[str, np.ndarray]:
    """The recording: t (int64 ms), lat, lon, alt, speed, hr, cadence (float64, NaN absent)."""
    n = 3600
    rng = np.random.default_rng(23)
    at = np.arange(n)
    along = np.cumsum(np.full(n, 2.4))
    hill = 160 * np.sin(along / 900) + 40 * np.sin(along / 310)
    slope = np.gradient(hill, along)
    pace = np.clip(2.9 - 6 * np.abs(slope + 0.06), 0.8, 4.2) + rng.normal(0, 0.06, n)
    pace[2000:2060] = 0.0
    steps = np.full(n, 1000)
    steps[1400] = 41_000
    metres = pace * steps / 1000
    heading = np.cumsum(rng.normal(0, 0.05, n))
    lat = 46.1025 + np.cumsum(metres * np.cos(heading)) / 111_180
    lon = 7.2328 + np.cumsum(metres * np.sin(heading)) / 77_300
    lat[500:506] = np.nan
    alt = 1600 + np.interp(np.cumsum(metres), along, hill) + rng.normal(0, 0.3, n)
    hr = (140 + 120 * np.convolve(slope, np.ones(60) / 60, "same") + at / 300).round()
    hr[::83] = np.nan
    cadence = np.where(pace > 0.5, 150 + 12 * pace + rng.integers(-3, 4, n), 0).round()
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
    return golden.document(TRAILRUNNING, (START, END), PARAMS, {"samples": samples()})


if __name__ == "__main__":
    golden.write(EXPECTED, computed())
