"""What the document says of how far its numbers can be trusted."""

from typing import Any

import numpy as np
import pytest

from core.sport.parameters import resolve_parameters
from core.sport.quality import LEVELS, NOT_MEASURED, grounds
from core.sport.registry import registry
from core.sport.runner import FrameFold

START = 1_700_000_000_000
N = 6000


def samples(**changes: Any) -> dict[str, np.ndarray]:
    """Ten minutes at 10 Hz, straight on at 3 m/s; ``changes`` are columns."""
    steps = np.arange(N)
    return {
        "t": START + 100 * steps,
        "lat": 46.5 + 0.3 * steps / 111_195,
        "lon": np.full(N, 6.6),
        "speed": np.full(N, 3.0),
        "hr": np.full(N, 150.0),
        **changes,
    }


def quality(
    columns: dict[str, np.ndarray], params: dict[str, Any] | None = None, age: float | None = None
) -> dict[str, Any]:
    sport = registry().sport("soccer")
    resolved = resolve_parameters(sport, {}, params or {}, {}, age=age)
    fold = FrameFold(sport, resolved, START, START + 3_600_000, rate=10.0)
    for low in range(0, len(columns["t"]), 997):  # in any cuts
        fold.advance({name: column[low : low + 997] for name, column in columns.items()})
    return fold.document(final=True)["quality"]


def missing(share: float, value: float = np.nan) -> np.ndarray:
    """A mask-like column: ``value`` in one stretch of that share of the time, 150 elsewhere."""
    column = np.full(N, 150.0)
    column[1000 : 1000 + round(share * N)] = value
    return column


def test_whole_and_good() -> None:
    found = quality(samples())
    assert found == {
        "coverage": 1.0,
        "gaps": 0,
        "gap_time": 0.0,
        "rejected_positions": 0,
        "level": "good",
        "reasons": [],
        "rule": found["rule"],
        "channels": {"position": 1.0, "speed": 1.0, "alt": 0.0, "hr": 1.0},
        "metrics": {},
        "distance_source": "position",
        "smoothing": "vendor",
        "minimum_duration": {"acceleration": 0, "sprint": 0},
    }


@pytest.mark.parametrize("absent", [np.nan, 0.0, 300.0])
def test_a_channel_that_was_not_there(absent: float) -> None:
    """Missing, zero and out of range are the same; what does not rest on it stays as it is."""
    found = quality(samples(hr=missing(0.3, absent)), {"max_hr": 190})
    assert found["level"] == "good"
    # A second after its last value it is still there: no gap is shorter.
    assert found["channels"]["hr"] == pytest.approx(0.7 + 10 / N, abs=2e-4)
    assert found["metrics"]["hr_avg"] == {"level": "poor", "reasons": ["hr"]}
    assert {key for key in found["metrics"] if "hr" not in key.lower()} <= {"trimp"}
    assert "total_distance" not in found["metrics"]


def test_a_slow_channel_covers_the_time_between_its_values() -> None:
    """Heart rate once a second among positions at 10 Hz."""
    column = np.full(N, np.nan)
    column[::10] = 150.0
    assert quality(samples(hr=column))["channels"]["hr"] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("share", "level"), [(0.04, "good"), (0.1, "usable"), (0.3, "poor")])
def test_positions_that_were_lost(share: float, level: str) -> None:
    """The source of distance decides for the frame; heart rate is no worse for it."""
    track = samples()
    lost = np.isnan(missing(share))
    for name in ("lat", "lon", "speed"):
        track[name][lost] = np.nan
    found = quality(track)
    assert (found["level"], found["coverage"]) == (level, 1.0)
    if level != "good":
        assert found["reasons"][0].startswith("position is there for ")
        assert found["metrics"]["hr_avg"] == {"level": "good", "reasons": []}
        assert "total_distance" not in found["metrics"]
    by_speed = quality({**track, "speed": np.full(N, 3.0)}, {"distance_source": "speed"})
    assert (by_speed["level"], by_speed["distance_source"]) == ("good", "speed")


def test_no_position_at_all_is_no_lost_position() -> None:
    """On a treadmill distance is null; that says nothing of heart rate."""
    nothing = np.full(N, np.nan)
    found = quality(samples(lat=nothing, lon=nothing, speed=nothing))
    assert (found["level"], found["channels"]["position"]) == ("good", 0.0)


def test_gaps_and_rejected_positions() -> None:
    track = samples()
    track["t"][3000:] += 200_000  # of 800 s
    track["lat"][100:120] = 60.0
    found = quality(track)
    assert (found["level"], found["gaps"], found["gap_time"]) == ("poor", 1, 200.1)
    assert found["coverage"] == pytest.approx(0.75, abs=1e-3)
    assert found["reasons"][0].endswith("% of the time is covered by samples")
    assert found["rejected_positions"] == 20
    assert found["metrics"] == {}
    jumps = samples()
    jumps["lat"][np.arange(25, N, 50)] = 60.0
    assert quality(jumps)["level"] == "usable"


def test_an_estimate_is_graded_so() -> None:
    found = quality(samples(), {"estimate_max_hr": True}, age=25)
    assert found["level"] == "good"
    assert found["metrics"]["timePerHrZone"] == {
        "level": "usable",
        "reasons": ["max_hr is an estimate"],
    }
    assert "total_distance" not in found["metrics"]


def test_null_has_no_level() -> None:
    found = quality(samples(hr=np.full(N, np.nan)), {"max_hr": 190})
    assert found["channels"]["hr"] == 0.0
    assert "hr_avg" not in found["metrics"]


def test_beats_alone() -> None:
    """A frame without samples is poor; heart-rate variability needs none."""
    sport = registry().sport("soccer")
    fold = FrameFold(sport, resolve_parameters(sport, {}, {}, {}), START, START + 3_600_000)
    fold.advance({"t": START + 800 * np.arange(1, 101), "rr": np.full(100, 800.0)}, "rr")
    found = fold.document(final=True)["quality"]
    assert (found["level"], found["reasons"]) == ("poor", ["no samples"])
    assert found["metrics"] == {"hrv": {"level": "usable", "reasons": ["no samples beside it"]}}


@pytest.mark.parametrize("name", list(registry().sports))
def test_every_metric_that_measures_has_grounds(name: str) -> None:
    sport = registry().sport(name)
    measured = {metric.key for metric in sport.metrics if metric.unit not in NOT_MEASURED}
    assert grounds(sport).keys() == measured
    assert LEVELS == ("good", "usable", "poor")
