"""The soccer recordings as columns, parsed plainly: no decoder of ours between file and kernel."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

NAMES = (
    "statsports_U16_ID66.csv",
    "statsports_U16_ID67.csv",
    "U18_ID1.csv",
    "U18_ID2.csv",
    "U18_ID3.csv",
)
EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def soccer_columns(path: Path) -> dict[str, np.ndarray]:
    """STATSports (time of day, so 1970-01-01; km/h; heart rate 0 throughout) or Catapult days."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))[1:]
    return _statsports(rows) if path.name.startswith("statsports") else _catapult(rows)


def _statsports(rows: list[list[str]]) -> dict[str, np.ndarray]:
    clock = [row[2].split(":") for row in rows]
    return {
        "t": np.array(
            [int(h) * 3600_000 + int(m) * 60_000 + round(float(s) * 1000) for h, m, s in clock]
        ),
        "lat": np.array([float(row[4]) for row in rows]),
        "lon": np.array([float(row[5]) for row in rows]),
        "speed": np.array([float(row[6]) / 3.6 for row in rows]),
        "hr": np.array([float(row[8]) for row in rows]),
    }


def _catapult(rows: list[list[str]]) -> dict[str, np.ndarray]:
    days = (UNIX_EPOCH - EXCEL_EPOCH) / timedelta(days=1)
    # The day number resolves to about 0.6 ms; the device's grid is 100 ms.
    t = [round((float(row[0]) - days) * 864_000) * 100 for row in rows]
    return {
        "t": np.array(t),
        "lat": np.array([float(row[2]) for row in rows]),
        "lon": np.array([float(row[1]) for row in rows]),
    }


def intervals(path: Path) -> np.ndarray:
    """Intervals between beats, ms: one a line, after ``[HRData]`` where the file is a Polar hrm."""
    lines = path.read_text(encoding="latin-1").split("[HRData]")[-1].split()
    return np.array([float(line) for line in lines])


def accelerations(path: Path) -> dict[str, np.ndarray]:
    """A phone's three axes in g. Its clock says whole seconds only: the rows of a second are spread
    over it evenly.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = np.array([[float(value) for value in row] for row in csv.reader(file) if row])
    seconds, place, counts = np.unique(rows[:, 0], return_inverse=True, return_counts=True)
    first = np.searchsorted(rows[:, 0], seconds)
    within = (np.arange(len(rows)) - first[place]) * 1000 // counts[place]
    t = (rows[:, 0] * 1000).astype(np.int64) + within
    return {"t": t, "ax": rows[:, 1], "ay": rows[:, 2], "az": rows[:, 3]}
