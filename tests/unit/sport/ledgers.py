"""The ledger identities of design/metrics.md R7, for any fold."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from core.sport.runner import FrameFold


def check_ledgers(fold: FrameFold) -> None:
    """Raise AssertionError unless every partition of the frame's steps adds up (1e-9 relative)."""
    values, _ = fold.close().values(True)
    track = fold.close()._track
    covered = int(track["time_ms"]) / 1000.0
    total, bridged = values["total_distance"], values["gap_distance"]

    def near(x: float) -> object:
        return pytest.approx(x, rel=1e-9, abs=1e-9)

    for one, other in (("moving_time", "standing_time"), ("active_time", "rest_time")):
        if values.get(one) is not None:
            assert values[one] + values[other] == near(covered)
    times = values.get("time_per_speed_ranges", [])
    ranged = sum(row["duration"] for row in times)
    assert ranged <= covered + 1e-9
    if times and values["max_speed"] is not None and int(track["measured"]) == fold.n:
        assert ranged == near(covered)
    distances = values.get("distance_per_speed_ranges", [])
    if total is not None:
        if distances:
            assert sum(row["distance"] for row in distances) + bridged == near(total)
        assert sum(values["intensity"]["distance"]) == near(total)
        if values["average_speed"] is not None:
            assert values["average_speed"] == near((total - bridged) / covered)
    for rows in (times, distances):
        assert sum(row["ratio"] for row in rows) == near(1.0) or not any(
            row["ratio"] for row in rows
        )
    zones = values["timePerHrZone"]
    if zones and any(zone["percentage_hrmax"] for zone in zones):
        assert sum(zone["percentage_hrmax"] for zone in zones) == near(100.0)
    bound = (total or 0.0) + 1e-9
    for family in ("accelerations", "decelerations", "sprint", "hid"):
        for threshold in values.get(family, {}).values():
            assert all(effort["distance"] <= bound for effort in threshold["values"])
            assert all(effort["duration"] > 0 for effort in threshold["values"])
    check_endurance(values, covered, total or 0.0, bridged)


def check_streams(values: Mapping[str, Any]) -> None:
    """What adds up in metrics of beats and accelerations, where a sport has them."""
    hrv = values.get("hrv")
    if hrv is not None:
        assert hrv["filtered"]["n"] + hrv["filtered"]["refused"] == hrv["n"]
        assert hrv["differences"] == hrv["n"] - 1
        assert hrv["filtered"]["nn50"] <= hrv["filtered"]["differences"] < hrv["n"]
    load = values.get("player_load")
    if load is not None:
        axes = load["x"], load["y"], load["z"]
        assert max(axes) <= load["total"] * (1 + 1e-12)
        assert load["total"] <= sum(axes) * (1 + 1e-12)
    hits = values.get("impacts")
    if hits is not None:
        assert sum(band["count"] for band in hits["bands"]) == hits["count"]
        assert hits["count"] == 0 or hits["highest"] > hits["threshold"]


def check_endurance(values: dict[str, Any], covered: float, total: float, bridged: float) -> None:
    """Laps are the whole distance; slope classes partition steps; efforts fit into the whole."""
    laps = values.get("laps") or []
    assert sum(lap["distance"] for lap in laps) == pytest.approx(total if laps else 0.0, abs=1e-3)
    efforts = values.get("best_efforts") or []
    assert all(effort["distance"] <= total + 1e-3 for effort in efforts)
    for short, long in pairwise(efforts):
        assert short["duration"] <= long["duration"]
    classes = values.get("slope_classes")
    if classes:
        assert sum(row["duration"] for row in classes) == pytest.approx(covered)
        assert sum(row["distance"] for row in classes) == pytest.approx(total - bridged)
    if values.get("metabolic"):
        spent = sum(band["duration"] for band in values["metabolic"]["bands"])
        assert spent == pytest.approx(sum(r["duration"] for r in values["time_per_speed_ranges"]))
    zones = values.get("time_per_power_zone")
    if zones:
        assert sum(row["duration"] for row in zones) == values["power"]["seconds"]
        assert sum(row["ratio"] for row in zones) == pytest.approx(1.0)
    curve = [row["power"] * row["duration"] for row in values.get("mean_maximal_power") or []]
    assert all(low <= high + 1e-6 for low, high in pairwise(curve)), "work never falls with time"
