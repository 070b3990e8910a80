"""Swimming, in pools by lengths and in open water by samples, small enough to work out by hand."""

import hashlib
from itertools import pairwise
from json import loads
from typing import Any

import numpy as np
import pytest

from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from plugins.swimming.goldens import generate
from tests.unit.sport.ledgers import check_ledgers
from tests.unit.sport.test_definitions import METRE, START
from tests.unit.sport.test_goldens import compare

SWIMMING = registry().sport("swimming")


def frame(pool: float | None = None, params: dict[str, Any] | None = None) -> FrameFold:
    activity = {"sport": "swimming", "pool_length": pool}
    resolved = resolve_parameters(SWIMMING, activity, params or {}, {})
    return FrameFold(SWIMMING, resolved, START, START + 86_400_000, rate=1.0)


def lengths(*rows: tuple[float, float, float, float, float]) -> dict[str, np.ndarray]:
    """Rows of start (s), duration, strokes, active, stroke type."""
    table = np.array(rows, float)
    names = ("duration", "strokes", "active", "stroke_type")
    return {"t": START + (1000 * table[:, 0]).astype(np.int64)} | dict(
        zip(names, table[:, 1:].T, strict=True)
    )


NONE = float("nan")
# Two lengths freestyle, eight seconds at the wall, a drill without strokes, one on the chest.
SET = lengths(
    (0, 20.5, 10, 1, 0),
    (21, 24.5, 12, 1, 0),
    (45, 8.25, NONE, 0, NONE),
    (54, 30.0, NONE, 1, 4),
    (84, 25.0, 9, 1, 2),
)


def of_pool(pool: float | None = 25.0, **params: Any) -> tuple[dict[str, Any], list[Any]]:
    fold = frame(pool, params)
    fold.advance(SET, "lengths")
    return fold.values(True)


def test_a_set_in_a_pool() -> None:
    found, notes = of_pool(css=90)
    assert (found["active_lengths"], found["idle_lengths"], found["pool_length"]) == (4, 1, 25.0)
    assert (found["total_distance"], found["swim_time"], found["strokes"]) == (100.0, 100.0, 31)
    assert found["rest_time"] == 109.0 - 100.0
    assert (found["moving_time"], found["standing_time"]) == (100.0, 9.0)
    assert (found["average_speed"], found["pace_100m"], found["max_speed"]) == (1.0, 100, 25 / 20.5)
    assert found["stroke_rate"] == pytest.approx(60 * 31 / 70)  # lengths with strokes
    assert found["distance_per_stroke"] == pytest.approx(75 / 31)
    assert found["stroke_index"] == pytest.approx(75 / 70 * 75 / 31)
    assert found["swolf"] == {
        "mean": (30.5 + 36.5 + 30 + 34) / 4,
        "best": 30.5,
        "swolf_25": 32.75,
    }
    assert found["intensity_factor"] == 0.9
    assert found["training_stress_score"] == pytest.approx(100 * 100 / 3600 * 0.9**3)
    assert found["distance_source"] == "lengths"
    assert found["stops"] == {"count": 1, "duration": 54 - 45.5}
    shares = [(row["stroke_type"], row["lengths"], row["share"]) for row in found["stroke_types"]]
    assert shares == [("freestyle", 2, 50.0), ("breaststroke", 1, 25.0), ("drill", 1, 25.0)]
    assert found["lengths"][2] == {
        "start_time": START + 45_000,
        "duration": 8.25,
        "active": False,
        "strokes": None,
        "stroke_type": None,
        "swolf": None,
    }
    assert found["lengths"][3]["swolf"] == 30.0
    assert [(row["lengths"], row["distance"]) for row in found["intervals"]] == [(2, 50), (2, 50)]
    assert found["intervals"][1]["pace_100m"] == 110.0
    assert {"key": "heading_drift", "reason": "no 100 m of way with positions"} in notes


def test_lengths_of_a_pool_whose_length_is_not_known() -> None:
    found, notes = of_pool(None)
    assert (found["active_lengths"], found["swim_time"], found["strokes"]) == (4, 100.0, 31)
    assert found["swolf"]["mean"] == 32.75
    assert found["swolf"]["swolf_25"] is None
    nothing = ("total_distance", "average_speed", "pace_100m", "distance_per_stroke", "intensity")
    assert [found[key] for key in nothing] == [None] * 5
    reasons = {note["key"]: note["reason"] for note in notes}
    assert reasons["total_distance"] == "pool_length of the activity is not set"
    assert reasons["intensity_factor"] == "css is not set"


def test_a_pool_without_lengths_is_null_with_the_reason() -> None:
    fold = frame(25.0)
    fold.advance({"t": START + 1000 * np.arange(60), "hr": np.full(60, 120.0)})
    found, notes = fold.values(True)
    assert (found["hr_avg"], found["total_distance"], found["swolf"]) == (120.0, None, None)
    assert (found["lengths"], found["active_lengths"]) == ([], None)
    assert {"key": "total_distance", "reason": "no lengths in this time frame"} in notes


def swum(metres: Any, **more: Any) -> dict[str, np.ndarray]:
    """1 Hz in open water, north along a meridian, or as ``lon`` says."""
    metres = np.asarray(metres, float)
    t = START + 1000 * np.arange(len(metres))
    return {"t": t, "lat": 45 + metres * METRE, "lon": np.full(len(metres), 7.0), **more}


def test_open_water_counts_strokes_by_their_rate() -> None:
    rate = np.full(101, 30.0)
    rate[:21] = 0
    fold = frame(params={"css": 80})
    fold.advance(swum(np.arange(101), cadence=rate, speed=np.ones(101)))
    found, _ = fold.values(True)
    assert found["total_distance"] == pytest.approx(100, rel=1e-4)
    assert found["stroke_rate"] == 30.0
    assert found["strokes"] == pytest.approx(80 * 30 / 60)
    assert found["distance_per_stroke"] == pytest.approx(2.0, rel=1e-4)
    assert found["cadence"] == {"average": 30.0, "maximum": 30.0}
    assert found["intensity_factor"] == pytest.approx(0.8, rel=1e-4)
    assert (found["swim_time"], found["rest_time"]) == (100.0, 0.0)
    assert (found["lengths"], found["distance_source"]) == ([], "position")


def test_heading_drift_is_way_beyond_the_straight_line() -> None:
    """Each 100 m in a zigzag of 5 m across: 3-4-5 triangles, 5 m of way for 4 m ahead."""
    ahead = np.arange(0, 201)
    across = np.where(ahead % 2 == 1, 3.0, 0.0)
    samples = swum(1.6 * ahead)
    east = METRE * 111_131.7 / 78_846.3  # degrees of longitude a metre
    samples["lon"] = 7.0 + across * 0.4 * east
    fold = frame()
    fold.advance(samples)
    found, _ = fold.values(True)
    assert found["total_distance"] == pytest.approx(400.0, rel=1e-3)
    assert found["heading_drift"]["ratio"] == pytest.approx(1.25, rel=1e-3)
    fold = frame(params={"distance_source": "speed"})
    fold.advance(samples)
    assert fold.values(True)[0]["heading_drift"] is None


def sha(fold: FrameFold) -> str:
    return hashlib.sha256(fold.snapshot()).hexdigest()


@pytest.mark.parametrize("size", [1, 7, 10, 600])
def test_streams_in_any_cuts_give_the_same_bytes(size: int) -> None:
    streams = generate.pool()
    params = {**generate.PARAMS, "distance_source": "device"}
    streams["samples"]["distance"] = np.floor(1.1 * np.arange(len(streams["samples"]["t"])))
    whole, pieces = frame(25.0, params), frame(25.0, params)
    for stream, columns in streams.items():
        whole.advance(columns, stream)
    for stream in ("lengths", "samples"):  # and in the other order
        edges = [*range(0, len(streams[stream]["t"]), size), len(streams[stream]["t"])]
        for low, high in pairwise(edges):
            columns = {name: column[low:high] for name, column in streams[stream].items()}
            pieces.advance(columns, stream)
    assert sha(pieces) == sha(whole)
    assert pieces.values(False) == whole.values(False)
    assert pieces.document(False)["digest"] == whole.document(True)["digest"]


def test_ledgers_of_open_water_by_the_recorders_distance() -> None:
    samples = generate.open_water()["samples"]
    samples["distance"] = np.floor(1.1 * np.arange(len(samples["t"])))
    samples["distance"][600:] -= 400  # started anew
    fold = frame(params={"distance_source": "device", **generate.PARAMS})
    fold.advance(samples)
    check_ledgers(fold)


def test_made_open_water() -> None:
    found, wanted = generate.computed_open_water(), loads(generate.OPEN_WATER.read_text("utf-8"))
    del found["digest"], wanted["digest"]
    compare(found, wanted, "open water")
    assert wanted["quality"]["rejected_positions"] == 1
    assert wanted["gap_distance"] > 0
