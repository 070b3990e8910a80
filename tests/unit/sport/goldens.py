"""golden.json's names for what a document says, and its comparison."""

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


# What a recording says of itself, or other programs of it; no document repeats these.
OF_THE_FILE = {
    "elapsed_s", "n_late", "device_distance_m", "device_distance_last_m", "exact_geodesic_sum_m",
    "local_step_sum_m",
}  # fmt: skip


def found_endurance(values: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Values (unrounded, or the document's own) of a ride or run under golden.json's names."""
    quality, cadence = document["quality"], values["cadence"] or {}
    covered = None  # of a recording without any speed the state alone knows
    if values["moving_time"] is not None:
        covered = values["moving_time"] + values["standing_time"]
    found: dict[str, Any] = {
        "n_breaks": quality["gaps"],
        "n_rejected_fixes": quality["rejected_positions"],
        "gap_time_s": values["gap_time"],
        "gap_distance_m": values["gap_distance"],
        "time_s": covered,
        "moving_time_s": values["moving_time"],
        "total_distance_m": values["total_distance"],
        "average_speed_mps": values["average_speed"],
        "max_speed_mps": values["max_speed"],
        "ascent_m": values["ascent"],
        "descent_m": values["descent"],
        "hr_avg": values["hr_avg"],
        "hr_min": values["hr_min"],
        "hr_max": values["hr_max"],
        "hr_zone_percent": [zone["percentage_hrmax"] for zone in values["timePerHrZone"]],
    }
    for unit in ("spm", "rpm"):
        found[f"cadence_avg_{unit}"] = cadence.get("average")
        found[f"cadence_max_{unit}"] = cadence.get("maximum")
    if "best_efforts" in values:
        _run(found, values, covered)
    if "mean_maximal_power" in values:
        _ride(found, values)
    return found


def _run(found: dict[str, Any], values: dict[str, Any], covered: float) -> None:
    graded = values["grade_adjusted"]
    found["flat_equivalent_distance_m"] = graded["distance"]
    found["gap_pace_s_per_km"] = graded["pace"]
    found["gap_mean_mps"] = graded["distance"] / covered
    for effort in values["best_efforts"]:
        found[f"best_{effort['distance']:.0f}m_s"] = effort["duration"]


def _ride(found: dict[str, Any], values: dict[str, Any]) -> None:
    power, balance = values["power"], values["w_prime_balance"]
    found |= {
        "mean_power_W": power["average"],
        "max_power_W": power["maximum"],
        "np_W": power["normalized"],
        "vi": power["variability_index"],
        "if": power["intensity_factor"],
        "tss": power["training_stress_score"],
        "work_kJ": power["work"],
        "power_seconds": power["seconds"],
        "wbal_min_J": balance["minimum"],
        "wbal_end_J": balance["end"],
    }
    for row in values["mean_maximal_power"]:
        found[f"mmp_{row['duration']}s_W"] = row["power"]


def golden_values(recordings: Path, name: str) -> dict[str, Any]:
    """What golden.json has of a file."""
    golden = json.loads((recordings / "golden.json").read_text())
    return dict(golden["files"][name]["values"])


def compare(recordings: Path, name: str, found: dict[str, Any], *, without: set[str]) -> None:
    """Every golden value of a file but those named in ``without``, within its tolerance."""
    golden = json.loads((recordings / "golden.json").read_text())
    wanted = golden["files"][name]["values"]
    unchecked = set(wanted) - set(found) - without
    assert not unchecked, f"golden values that nothing checks: {unchecked}"
    for key in set(wanted) - without:
        absolute, relative = tolerance(golden, key)
        np.testing.assert_allclose(
            found[key], wanted[key], atol=absolute, rtol=relative, err_msg=f"{name}: {key}"
        )
