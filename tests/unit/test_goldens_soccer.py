"""The soccer recordings give the values of design/metrics.md section 5 and of golden.json."""

from functools import cache
from pathlib import Path

import pytest

from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from tests.unit.sport.goldens import compare, efforts_over, found
from tests.unit.sport.ledgers import check_ledgers
from tests.unit.sport.recordings import NAMES, soccer_columns

pytestmark = pytest.mark.recordings


@cache
def _fold(path: Path, gate: float = 0.2) -> FrameFold:
    samples = soccer_columns(path)
    soccer = registry().sport("soccer")
    resolved = resolve_parameters(
        soccer, {"sport": "soccer"}, {"stationary_speed": gate}, profile={}
    )
    fold = FrameFold(soccer, resolved, int(samples["t"][0]), int(samples["t"][-1]) + 1)
    fold.advance(samples)
    return fold


@pytest.mark.parametrize("name", NAMES)
def test_golden_file(recordings: Path, name: str) -> None:
    path = recordings / "soccer" / name
    fold = _fold(path)
    ours = found(fold.values(True)[0], fold.document(True), fold.n)
    ours["n_late"] = fold.n_late
    ours["ungated_distance_m"] = _fold(path, gate=0.0).values(True)[0]["total_distance"]
    compare(recordings, f"soccer/{name}", ours, without=set())


@pytest.mark.parametrize("name", NAMES)
def test_ledgers(recordings: Path, name: str) -> None:
    check_ledgers(_fold(recordings / "soccer" / name))


def test_printed_row_id67(recordings: Path) -> None:
    """The row of metrics.md section 5, read off the document that users get."""
    fold = _fold(recordings / "soccer" / "statsports_U16_ID67.csv")
    document = fold.document(True)
    assert fold.n == 45045
    assert round(document["moving_time"] + document["standing_time"], 1) == 4504.6
    assert round(document["total_distance"], 2) == 3743.27
    assert document["average_speed"] == 0.8310
    assert document["max_speed"] == 5.9904
    for threshold, row in ((1, (20, 29.7, 128.63)), (2, (6, 7.5, 37.39))):
        efforts = efforts_over(document, "hid", threshold)
        seconds = sum(effort["duration"] for effort in efforts)
        metres = sum(effort["distance"] for effort in efforts)
        assert (len(efforts), round(seconds, 1), round(metres, 2)) == row
    assert [len(efforts_over(document, "accelerations", i)) for i in (1, 2)] == [46, 11]
    assert [len(efforts_over(document, "decelerations", i)) for i in (1, 2)] == [54, 7]
    seconds = [round(row["duration"], 1) for row in document["time_per_speed_ranges"]]
    assert seconds == [1208.4, 2192.3, 943.7, 137.1, 22.0, 1.1, 0.0]


def test_printed_row_id66(recordings: Path) -> None:
    fold = _fold(recordings / "soccer" / "statsports_U16_ID66.csv")
    document = fold.document(True)
    assert fold.n == 43791
    assert round(document["moving_time"] + document["standing_time"], 1) == 4379.3
    assert document["total_distance"] == 1038.1526
    assert document["average_speed"] == 0.2371
    assert document["max_speed"] == 5.4174
    efforts = efforts_over(document, "hid", 1)
    assert len(efforts) == 4
    assert round(sum(effort["duration"] for effort in efforts), 1) == 7.1
    assert round(sum(effort["distance"] for effort in efforts), 2) == 30.62
    assert len(efforts_over(document, "hid", 2)) == 2
    assert [len(efforts_over(document, "accelerations", i)) for i in (1, 2)] == [6, 0]
    assert [len(efforts_over(document, "decelerations", i)) for i in (1, 2)] == [4, 2]


def test_no_heart_rate_is_said(recordings: Path) -> None:
    """The recordings' heart-rate column is 0 throughout: absent, never a value."""
    document = _fold(recordings / "soccer" / "statsports_U16_ID67.csv").document(True)
    assert document["hr_avg"] is document["hr_max"] is document["hr_min"] is None
    assert document["hr_plot"] == []
    assert document["timePerHrZone"] == []
    noted = {note["key"] for note in document["notes"]}
    assert {"hr_avg", "hr_max", "hr_min", "athlete_max_hr", "timePerHrZone"} <= noted
