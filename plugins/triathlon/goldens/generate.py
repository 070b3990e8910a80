"""A made triathlon at 1 Hz, folded whole: a swim, a ride and a run with the ways between them.

``python -m plugins.triathlon.goldens.generate`` writes expected.json anew: do so only when a
definition changes, and raise the metric's version with it. What a frame of one leg comes to is in
the goldens of that leg's sport.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.sport import golden
from plugins.triathlon.sport import TRIATHLON

START = 1_700_000_000_000
END = START + 3_600_000
PARAMS = {"max_hr": 186, "rest_hr": 48, "sex": "M"}
EXPECTED = Path(__file__).with_name("expected.json")


def samples() -> dict[str, np.ndarray]:
    """Ten minutes in the water, two to change, twenty on the bike, one to change, ten on foot."""
    rng = np.random.default_rng(53)
    spans, paces = (600, 120, 1200, 60, 600), (1.3, 1.0, 9.5, 1.2, 3.6)
    pace = np.repeat(paces, spans) + rng.normal(0, 0.1, sum(spans))
    n = len(pace)
    heading = np.cumsum(rng.normal(0, 0.01, n))
    lat = 46.5 + np.cumsum(pace * np.cos(heading)) / 111_180
    lon = 6.6 + np.cumsum(pace * np.sin(heading)) / 76_700
    lat[100:160:7] = np.nan
    lat[400:430] = np.nan
    hr = (140 + 20 * np.sin(np.arange(n) / 300)).round()
    hr[:600:3] = np.nan
    t = START + 1000 * np.arange(n)
    t[700:] += 30_000
    return {
        "t": t,
        "lat": lat.round(8),
        "lon": lon.round(8),
        "speed": pace.round(3),
        "hr": hr,
    }


def computed() -> dict[str, Any]:
    """The document of these samples, by the kernels installed here."""
    return golden.document(TRIATHLON, (START, END), PARAMS, {"samples": samples()})


if __name__ == "__main__":
    golden.write(EXPECTED, computed())
