"""The soccer recordings give the values of design/metrics.md section 5 and of golden.json."""

import json
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
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


def _efforts(values: dict[str, Any], key: str, threshold: int) -> list[dict[str, Any]]:
    return list(values[key][f"threshold_{threshold}"]["values"])


def _sums(found: dict[str, Any], name: str, efforts: list[dict[str, Any]]) -> None:
    found[f"{name}_count"] = len(efforts)
    found[f"{name}_seconds"] = sum(effort["duration"] for effort in efforts)
    found[f"{name}_m"] = sum(effort["distance"] for effort in efforts)


def _found(path: Path) -> dict[str, Any]:
    """Our values under golden.json's names."""
    fold = _fold(path)
    values, document = fold.values(True)[0], fold.document(True)
    ungated = _fold(path, gate=0.0).values(True)[0]
    found: dict[str, Any] = {
        "n": fold.n,
        "n_late": fold.n_late,
        "n_breaks": document["quality"]["gaps"],
        "n_rejected_fixes": document["quality"]["rejected_positions"],
        "gap_time_s": values["gap_time"],
        "time_s": values["moving_time"] + values["standing_time"],
        "total_distance_m": values["total_distance"],
        "ungated_distance_m": ungated["total_distance"],
        "average_speed_mps": values["average_speed"],
        "max_speed_mps": values["max_speed"],
        "window_samples": document["definition"]["smoothing_samples"],
        "intensity_m": values["intensity"]["distance"],
        "speed_range_m": [row["distance"] for row in values["distance_per_speed_ranges"]],
        "speed_range_seconds": [row["duration"] for row in values["time_per_speed_ranges"]],
    }
    for name, key, best in (("acc", "accelerations", max), ("dec", "decelerations", min)):
        both = [_efforts(values, key, 1), _efforts(values, key, 2)]
        _sums(found, f"{name}_2", both[0])
        _sums(found, f"{name}_3", both[1])
        ordered = sorted(both[0] + both[1], key=lambda effort: effort["start_time"])
        found[f"max_{name}_mps2"] = best(effort["max_value"] for effort in ordered)
        for field, value in ordered[0].items():
            found[f"{name}_first_{field}"] = value
    _sums(found, "hid_4", _efforts(values, "hid", 1))
    _sums(found, "hid_5", _efforts(values, "hid", 2))
    _sums(found, "sprint_5", _efforts(values, "sprint", 1))
    for peak in values["peaks"]:
        if peak["quantity"] == "distance":
            found[f"peak_{peak['span'] // 60}min_m"] = peak["value"]
            found[f"peak_{peak['span'] // 60}min_start_ms"] = peak["start_time"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_golden_file(recordings: Path, name: str) -> None:
    golden = json.loads((recordings / "golden.json").read_text())
    wanted = golden["files"][f"soccer/{name}"]["values"]
    found = _found(recordings / "soccer" / name)
    assert not set(wanted) - set(found), "a golden value that nothing checks"
    for key, value in wanted.items():
        absolute, relative = next(
            (a, r) for pattern, a, r in golden["tolerances"] if fnmatch(key, pattern)
        )
        np.testing.assert_allclose(
            found[key], value, atol=absolute, rtol=relative, err_msg=f"{name}: {key}"
        )


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
        efforts = _efforts(document, "hid", threshold)
        seconds = sum(effort["duration"] for effort in efforts)
        metres = sum(effort["distance"] for effort in efforts)
        assert (len(efforts), round(seconds, 1), round(metres, 2)) == row
    assert [len(_efforts(document, "accelerations", i)) for i in (1, 2)] == [46, 11]
    assert [len(_efforts(document, "decelerations", i)) for i in (1, 2)] == [54, 7]
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
    efforts = _efforts(document, "hid", 1)
    assert len(efforts) == 4
    assert round(sum(effort["duration"] for effort in efforts), 1) == 7.1
    assert round(sum(effort["distance"] for effort in efforts), 2) == 30.62
    assert len(_efforts(document, "hid", 2)) == 2
    assert [len(_efforts(document, "accelerations", i)) for i in (1, 2)] == [6, 0]
    assert [len(_efforts(document, "decelerations", i)) for i in (1, 2)] == [4, 2]


def test_no_heart_rate_is_said(recordings: Path) -> None:
    """The recordings' heart-rate column is 0 throughout: absent, never a value."""
    document = _fold(recordings / "soccer" / "statsports_U16_ID67.csv").document(True)
    assert document["hr_avg"] is document["hr_max"] is document["hr_min"] is None
    assert document["hr_plot"] == []
    assert document["timePerHrZone"] == []
    noted = {note["key"] for note in document["notes"]}
    assert {"hr_avg", "hr_max", "hr_min", "athlete_max_hr", "timePerHrZone"} <= noted
