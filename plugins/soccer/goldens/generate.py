"""Twelve minutes of a made midfielder at 10 Hz, with a gap, a lost and a jumping position.

``python -m plugins.soccer.goldens.generate`` writes expected.json anew: do so only when a
definition changes, and raise the metric's version with it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from core.sport import golden
from plugins.soccer.sport import SOCCER

START = 1_700_000_000_000
END = START + 900_000
PARAMS = {"max_hr": 192, "rest_hr": 52, "sex": "M", "athlete_max_speed": 8.9}
# A pitch of 105 m by 68 m, turned by 30 degrees, over which the path leads; the second half is
# played the other way.
ACTIVITY = {
    "type": "match",
    "field_corners": [
        [46.52274897, 6.63162901],
        [46.52322126, 6.63281411],
        [46.52375103, 6.63237099],
        [46.52327874, 6.63118589],
    ],
    "periods": [
        {
            "name": "First half",
            "start_time": "2023-11-14T22:13:20Z",
            "end_time": "2023-11-14T22:19:00Z",
        },
        {
            "name": "Second half",
            "start_time": "2023-11-14T22:20:00Z",
            "end_time": "2023-11-14T22:28:20Z",
        },
    ],
    "attack_direction": ["left_to_right", "right_to_left"],
}
EXPECTED = Path(__file__).with_name("expected.json")


def samples() -> dict[str, np.ndarray]:
    """The recording: t (int64 ms), lat, lon, speed, hr (float64, NaN absent)."""
    n = 7200
    rng = np.random.default_rng(20)
    steps = np.full(n, 100)
    steps[4000] = 12_300
    pace = np.abs(np.convolve(rng.normal(0, 16, n), np.ones(35) / 35, "same"))
    pace = np.where(np.sin(np.arange(n) / 800) < -0.6, 0.05, np.clip(pace, 0, 8.5))
    heading = np.cumsum(rng.normal(0, 0.04, n))
    metres = pace * 0.1
    lat = 46.5225 + np.cumsum(metres * np.cos(heading)) / 111_180
    lon = 6.6328 + np.cumsum(metres * np.sin(heading)) / 76_700
    lat[1500] += 0.004
    lon[2500:2507] = np.nan
    speed = np.maximum(0, pace + rng.normal(0, 0.05, n)).round(3)
    speed[5000:5030] = np.nan
    hr = (135 + 45 * np.sin(np.arange(n) / 1500)).round()
    hr[::97] = 0
    return {
        "t": START + np.cumsum(steps),
        "lat": lat.round(8),
        "lon": lon.round(8),
        "speed": speed,
        "hr": hr,
    }


def beats() -> dict[str, np.ndarray]:
    """Intervals (ms) of the same minutes, each at its end: early and missed beats among them."""
    rng = np.random.default_rng(120)
    rr = (60_000 / (135 + 45 * np.sin(np.arange(1600) / 330)) + rng.normal(0, 8, 1600)).round()
    rr[200::180] *= 0.6
    rr[700:703] *= 2
    return {"t": START + np.cumsum(rr).astype(np.int64), "rr": rr}


def accelerations() -> dict[str, np.ndarray]:
    """A minute between the shoulder blades at 100 Hz, in g: running steps, harder ones, a gap."""
    n = 6000
    rng = np.random.default_rng(220)
    steps = np.full(n, 10)
    steps[2500] = 3_000
    stride = np.maximum(0, np.sin(np.arange(n) / 5.5)) ** 6 * (1 + np.arange(n) // 1500)
    axes = {"ax": 0.2 * stride, "ay": -0.3 * stride, "az": 1 + stride}
    noise = rng.normal(0, 0.04, (3, n))
    shaken = {name: (axis + noise[i]).round(4) for i, (name, axis) in enumerate(axes.items())}
    return {"t": START + 60_000 + np.cumsum(steps), **shaken}


def computed() -> dict[str, Any]:
    """The document of these samples, by the kernels installed here."""
    streams = {"samples": samples(), "rr": beats(), "imu": accelerations()}
    return golden.document(SOCCER, (START, END), PARAMS, streams, ACTIVITY)


if __name__ == "__main__":
    golden.write(EXPECTED, computed())
