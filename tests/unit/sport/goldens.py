"""golden.json's names for what a soccer document says, and its comparison."""

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np


def efforts_over(values: dict[str, Any], key: str, threshold: int) -> list[dict[str, Any]]:
    return list(values[key][f"threshold_{threshold}"]["values"])


def _sums(found: dict[str, Any], name: str, efforts: list[dict[str, Any]]) -> None:
    found[f"{name}_count"] = len(efforts)
    found[f"{name}_seconds"] = sum(effort["duration"] for effort in efforts)
    found[f"{name}_m"] = sum(effort["distance"] for effort in efforts)


def found(values: dict[str, Any], document: dict[str, Any], samples: int) -> dict[str, Any]:
    """Values (unrounded, or the document's own) under golden.json's names."""
    found: dict[str, Any] = {
        "n": samples,
        "n_breaks": document["quality"]["gaps"],
        "n_rejected_fixes": document["quality"]["rejected_positions"],
        "gap_time_s": values["gap_time"],
        "time_s": values["moving_time"] + values["standing_time"],
        "total_distance_m": values["total_distance"],
        "average_speed_mps": values["average_speed"],
        "max_speed_mps": values["max_speed"],
        "window_samples": document["definition"]["smoothing_samples"],
        "intensity_m": values["intensity"]["distance"],
        "speed_range_m": [row["distance"] for row in values["distance_per_speed_ranges"]],
        "speed_range_seconds": [row["duration"] for row in values["time_per_speed_ranges"]],
    }
    for name, key, best in (("acc", "accelerations", max), ("dec", "decelerations", min)):
        both = [efforts_over(values, key, 1), efforts_over(values, key, 2)]
        _sums(found, f"{name}_2", both[0])
        _sums(found, f"{name}_3", both[1])
        ordered = sorted(both[0] + both[1], key=lambda effort: effort["start_time"])
        found[f"max_{name}_mps2"] = best(effort["max_value"] for effort in ordered)
        for field, value in ordered[0].items():
            found[f"{name}_first_{field}"] = value
    _sums(found, "hid_4", efforts_over(values, "hid", 1))
    _sums(found, "hid_5", efforts_over(values, "hid", 2))
    _sums(found, "sprint_5", efforts_over(values, "sprint", 1))
    for peak in values["peaks"]:
        if peak["quantity"] == "distance":
            found[f"peak_{peak['span'] // 60}min_m"] = peak["value"]
            found[f"peak_{peak['span'] // 60}min_start_ms"] = peak["start_time"]
    return found


def tolerance(golden: dict[str, Any], key: str) -> tuple[float, float]:
    """How far a value may be off, absolute and relative: the first pattern that fits its name."""
    return next((a, r) for pattern, a, r in golden["tolerances"] if fnmatch(key, pattern))


def compare(recordings: Path, name: str, found: dict[str, Any], *, without: set[str]) -> None:
    """Every golden value of a file but those named in ``without``, within its tolerance."""
    golden = json.loads((recordings / "golden.json").read_text())
    wanted = golden["files"][f"soccer/{name}"]["values"]
    unchecked = set(wanted) - set(found) - without
    assert not unchecked, f"golden values that nothing checks: {unchecked}"
    for key in set(wanted) - without:
        absolute, relative = tolerance(golden, key)
        np.testing.assert_allclose(
            found[key], wanted[key], atol=absolute, rtol=relative, err_msg=f"{name}: {key}"
        )
