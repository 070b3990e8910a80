"""Each definition on samples small enough to work out by hand (10 Hz unless said)."""

import math
from typing import Any

import numpy as np
import pytest

from core.sport.kernels.geodesy import NEAR, near_cosine, step_length
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold

START = 1_700_000_000_000
METRE = 1 / 111_131.7  # degrees of latitude at 45 degrees, about


def fold(
    columns: dict[str, Any],
    params: dict[str, Any] | None = None,
    sport: str = "soccer",
    t: Any = None,
    profile: dict[str, Any] | None = None,
) -> FrameFold:
    declared = registry().sport(sport)
    resolved = resolve_parameters(declared, {"sport": sport}, params or {}, profile or {})
    count = len(next(iter(columns.values())))
    times = START + np.arange(count) * 100 if t is None else START + np.asarray(t)
    frame = FrameFold(declared, resolved, START, START + 86_400_000, rate=10.0)
    frame.advance({"t": times, **{k: np.asarray(v, float) for k, v in columns.items()}})
    return frame


def values(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return fold(*args, **kwargs).values(True)[0]


def north(metres: Any) -> dict[str, Any]:
    """Positions due north of 45 N 7 E."""
    return {"lat": 45 + np.asarray(metres, float) * METRE, "lon": np.full(len(metres), 7.0)}


# Distance


@pytest.mark.parametrize(
    ("lat", "north_m", "east_m"),
    # metres of 0.001 degrees on WGS84: meridian and parallel arcs
    [(0.0, 110.5743, 111.3195), (45.0, 111.1318, 78.8463), (80.0, 111.6599, 19.3939)],
)
def test_step_on_the_ellipsoid(lat: float, north_m: float, east_m: float) -> None:
    at = math.cos(math.radians(lat))
    up = step_length(lat - 0.0005, 7, lat + 0.0005, 7, at)
    across = step_length(lat, 7, lat, 7.001, at)
    assert up == pytest.approx(north_m, abs=1e-3)
    assert across == pytest.approx(east_m, abs=1e-3)
    over = step_length(lat, 179.9995, lat, -179.9995, at)
    assert over == pytest.approx(east_m, abs=1e-3), "the date line is no obstacle"


def test_near_cosine_is_the_cosine() -> None:
    for anchor in (-1.4, -0.3, 0.0, 0.7, 1.5):
        for turn in (-NEAR, -1e-5, 0.0, 3e-4, NEAR):
            near = near_cosine(turn, math.cos(anchor), math.sin(anchor))
            assert near == pytest.approx(math.cos(anchor + turn), abs=2e-16)


def test_total_distance_and_average() -> None:
    found = values(north(np.arange(101) * 0.5))
    assert found["total_distance"] == pytest.approx(50, rel=1e-4)
    assert found["average_speed"] == pytest.approx(5, rel=1e-4)
    assert found["distance_per_minute"] == pytest.approx(300, rel=1e-4)
    assert found["max_speed"] == pytest.approx(5, abs=1e-3)


def test_stationary_gate_uses_the_raw_doppler_speed() -> None:
    wander = north([0, 0.1, 0, 0.1, 0, 0.1])
    speed = np.array([0.1, 0.1, 0.199, 0.2, 0.3, 0.1])
    assert values({**wander, "speed": speed})["total_distance"] == pytest.approx(0.2, rel=1e-4)
    off = values({**wander, "speed": speed}, {"stationary_speed": 0})
    assert off["total_distance"] == pytest.approx(0.5, rel=1e-4)


def test_a_jump_is_rejected_and_the_next_fix_carries_the_way() -> None:
    frame = fold(north([0, 0.5, 500, 1.5, 2.0]))
    assert frame.quality()["rejected_positions"] == 1
    assert frame.values(True)[0]["total_distance"] == pytest.approx(2, rel=1e-4)


@pytest.mark.parametrize("bad", [(0.0, 0.0), (91.0, 7.0), (45.0, 181.0)])
def test_impossible_positions_are_rejected(bad: tuple[float, float]) -> None:
    columns = north([0, 0.5, 1.0, 1.5])
    columns["lat"][2], columns["lon"][2] = bad
    frame = fold(columns)
    assert frame.quality()["rejected_positions"] == 1
    assert frame.values(True)[0]["total_distance"] == pytest.approx(1.5, rel=1e-4)


def test_gap_counts_nothing_unless_bridged() -> None:
    t = [0, 100, 200, 10_200, 10_300]
    columns = north([0, 0.5, 1.0, 21.0, 21.5])
    plain = values(columns, t=t)
    assert plain["total_distance"] == pytest.approx(1.5, rel=1e-4)
    assert (plain["gap_distance"], plain["gap_time"]) == (0, 10.0)
    bridged = values(columns, {"bridge_gaps": True}, t=t)
    assert bridged["gap_distance"] == pytest.approx(20, rel=1e-4)
    assert bridged["total_distance"] == pytest.approx(21.5, rel=1e-4)
    assert bridged["average_speed"] == pytest.approx(5, rel=1e-4)
    too_long = values(columns, {"bridge_gaps": True, "max_bridge": 9}, t=t)
    assert too_long["gap_distance"] == 0


def test_a_step_of_exactly_max_gap_is_no_gap() -> None:
    assert values(north([0, 1, 2]), t=[0, 1000, 2000])["gap_time"] == 0
    assert values(north([0, 1, 2]), t=[0, 1001, 2001])["gap_time"] == 1.001


def test_position_lost_while_time_runs() -> None:
    metres = np.arange(40) * 0.5
    columns = {**north(metres), "speed": np.full(40, 5.0)}
    columns["lat"][5:10] = np.nan  # 0.6 s to the next fix: the full step
    assert values(columns)["total_distance"] == pytest.approx(19.5, rel=1e-4)
    columns["lat"][5:25] = np.nan  # 2.1 s: beyond max_gap, nothing; time still counts
    lost = values(columns)
    assert lost["total_distance"] == pytest.approx(19.5 - 10.5, rel=1e-4)
    assert lost["moving_time"] == 3.9
    assert values(columns, {"bridge_gaps": True})["gap_distance"] == pytest.approx(10.5, rel=1e-4)


def test_distance_from_speed() -> None:
    found = values({"speed": [2, 4, 4, 2]}, {"distance_source": "speed"})
    assert found["total_distance"] == pytest.approx(0.3 + 0.4 + 0.3)
    assert found["distance_source"] == "speed"


def test_distance_from_the_device() -> None:
    told = [7.0, 8.5, np.nan, 11.0, 1.0, 3.0]  # it was started anew before the fifth
    found = values({"distance": told}, {"distance_source": "device"})
    assert found["total_distance"] == pytest.approx(1.5 + 2.5 + 0.0 + 2.0)
    assert found["average_speed"] == pytest.approx(6.0 / 0.5)
    assert (found["distance_source"], found["gap_distance"]) == ("device", 0.0)


def test_sparse_samples_with_the_devices_distance() -> None:
    """Time and heart rate go on over 120 s, gaps are still those of max_gap."""
    columns = {"distance": [0, 80, 160, 360], "hr": [140, 140, 150, 160]}
    given = {"distance_source": "device", "max_gap": 10, "max_hr": 190}
    frame = fold(columns, given, t=[0, 60_000, 180_000, 300_001])
    found, _ = frame.values(True)
    assert found["total_distance"] == 360.0
    assert found["gap_distance"] == 200.0
    assert found["average_speed"] == pytest.approx(160 / 180)
    assert found["hr_avg"] == pytest.approx((140 * 60 + 150 * 120) / 180)
    quality = frame.document(True)["quality"]
    assert (quality["gaps"], found["gap_time"]) == (3, 300.001)
    assert quality["level"] == "poor", "the last step is a break, and no part of the covered time"
    assert "samples are over 10 s apart for 100.0 % of the time" in quality["reasons"]


def test_sparse_samples_that_cover_the_time_are_usable() -> None:
    given = {"distance_source": "device", "max_gap": 10}
    frame = fold({"distance": [0, 80, 160]}, given, t=[0, 60_000, 120_000])
    assert frame.document(True)["quality"]["level"] == "usable"


def test_without_the_devices_distance_there_is_none() -> None:
    found, notes = fold(north([0, 0.5, 1.0]), {"distance_source": "device"}).values(True)
    assert found["total_distance"] is None
    assert {"key": "total_distance", "reason": "no valid device distance in these samples"} in notes


def test_nothing_to_measure_is_null() -> None:
    found, notes = fold({"hr": [100, 101, 102]}).values(True)
    assert found["total_distance"] is found["max_speed"] is found["average_speed"] is None
    assert {"total_distance", "max_speed", "average_speed"} <= {note["key"] for note in notes}


# Speed


def test_vendor_smoothing_is_the_mean_of_ten() -> None:
    speeds = np.arange(20) * 0.1
    assert values({"speed": speeds})["max_speed"] == pytest.approx(speeds[-10:].mean())
    research = values({"speed": speeds}, {"smoothing": "research"})
    assert research["max_speed"] == pytest.approx(speeds[-3:].mean())


def test_a_gap_empties_the_filter() -> None:
    found = values({"speed": [0] * 10 + [6, 6]}, t=[*range(0, 1000, 100), 5000, 5100])
    assert found["max_speed"] == 6


def test_implausible_doppler_is_absent() -> None:
    assert values({"speed": [3, 3, 149, 3]})["max_speed"] == 3


def test_speed_unknown_for_longer_than_max_gap_is_in_no_range() -> None:
    speed = np.full(60, 2.0)
    speed[20:50] = np.nan
    found = values({"speed": speed})
    covered = sum(row["duration"] for row in found["time_per_speed_ranges"])
    assert covered == pytest.approx(5.9 - 2.0)  # known for 1.0 s after the last value, then not
    assert found["standing_time"] == pytest.approx(2.0)


def test_range_edges_are_closed_below() -> None:
    found = values({"speed": [4.0] * 30}, {"speed_ranges": [0, 7.2, 14.4]})
    assert [row["duration"] for row in found["time_per_speed_ranges"]] == [0, 0, 2.9]


# Efforts


def sprints(speed: list[float], t: Any = None, **params: Any) -> list[tuple[float, float]]:
    """(start in s, duration) of sprints over 5 m/s, speed smoothed over three samples."""
    found = values({"speed": speed}, {"smoothing": "research", **params}, t=t)
    efforts = found["sprint"]["threshold_1"]["values"]
    return [((e["start_time"] - START) / 1000, e["duration"]) for e in efforts]


FAST, SLOW = [6.0] * 10, [0.0] * 10


def test_effort_runs_from_first_to_last_sample_in() -> None:
    # smoothed: 2, 4, 6 ... 6, 4, 2: in from the third fast sample to the last
    assert sprints(SLOW + FAST + SLOW) == [(1.2, 0.8)]


def test_equal_to_the_threshold_is_in() -> None:
    assert sprints([5.0] * 5) == [(0.0, 0.4)]


def test_a_gap_ends_an_effort() -> None:
    t = [*range(0, 1000, 100), *range(5000, 6000, 100)]
    assert sprints(FAST + FAST, t=t) == [(0.0, 0.9), (5.0, 0.9)]


def test_an_effort_without_time_is_none() -> None:
    assert sprints([6.0, 0.0, 0.0, 0.0], t=[0, 5000, 10_000, 15_000]) == []


def test_exit_percent() -> None:
    dip = [6.0] * 6 + [4.5] * 6 + [6.0] * 6
    assert len(sprints(dip)) == 2
    assert sprints(dip, sprint_exit_percent=80) == [(0.0, 1.7)]


def test_minimum_duration() -> None:
    assert sprints(SLOW + FAST + SLOW, sprint_min_duration=0.8) == [(1.2, 0.8)]
    assert sprints(SLOW + FAST + SLOW, sprint_min_duration=0.9) == []


def test_merge_gap_includes_the_pause() -> None:
    twice = FAST + [0.0] * 3 + FAST + SLOW
    # in until 0.9 s, out 1.0 to 1.4 s (0.5 s), in again from 1.5 s to 2.2 s
    assert sprints(twice) == [(0.0, 0.9), (1.5, 0.8)]
    assert sprints(twice, sprint_merge_gap=0.5) == [(0.0, 2.2)]
    assert sprints(twice, sprint_merge_gap=0.4) == [(0.0, 0.9), (1.5, 0.8)]


def test_hid_thresholds_overlap_and_derived_values_follow() -> None:
    speed = [*np.linspace(0, 8, 40), *np.linspace(8, 0, 40)]
    columns = {"speed": speed, **north(np.cumsum(speed) * 0.1)}
    found = values(columns, {"athlete_max_speed": 10})
    low, high = (found["hid"][f"threshold_{i}"]["values"] for i in (1, 2))
    assert len(low) == len(high) == 1
    assert low[0]["duration"] > high[0]["duration"]
    assert low[0]["max_value"] == high[0]["max_value"] == found["max_speed"]
    assert found["sprint"]["threshold_1"]["values"] == high
    assert found["high_speed_distance"] == low[0]["distance"]
    assert found["sprint_count"] == 1
    assert found["sprint_distance"] == high[0]["distance"]
    assert found["max_speed_percent"] == pytest.approx(found["max_speed"] * 10)


def test_accelerations_are_exclusive_by_peak() -> None:
    ramp = [*np.arange(0, 6, 0.25), *[6.0] * 20, *np.arange(6, 0, -0.35)]  # +2.5, then -3.5 m/s2
    found = values({"speed": ramp, **north(np.cumsum(ramp) * 0.1)})
    up = {k: v["values"] for k, v in found["accelerations"].items()}
    down = {k: v["values"] for k, v in found["decelerations"].items()}
    assert (len(up["threshold_1"]), len(up["threshold_2"])) == (1, 0)
    assert (len(down["threshold_1"]), len(down["threshold_2"])) == (0, 1)
    effort = up["threshold_1"][0]
    assert effort["max_value"] == pytest.approx(2.5)
    assert effort["initial_speed"] < effort["end_speed"]
    assert down["threshold_2"][0]["max_value"] == pytest.approx(-3.5)
    long = values({"speed": ramp}, {"acceleration_min_duration": 2})
    assert not long["accelerations"]["threshold_1"]["values"]


# Windows


def test_intensity_windows_and_their_zeros() -> None:
    t = [*range(0, 30_000, 100), *range(120_000, 130_000, 100)]
    columns = north(np.arange(len(t)) * 0.5)
    found = values(columns, {"intensity_span": 30}, t=t)["intensity"]
    assert [round(d, 1) for d in found["distance"]] == [149.5, 0.0, 0.0, 0.0, 49.5]
    assert found["end_time"] - found["start_time"] == 150_000


def test_peaks_take_whole_windows_and_the_earliest_of_equals() -> None:
    seconds = 40
    speed = np.full(seconds * 10, 1.0)
    speed[150:250] = 5.0
    columns = {**north(np.cumsum(speed) * 0.1), "speed": speed}
    rows = values(columns, {"peak_windows": [10, 60]})["peaks"]
    peak = next(row for row in rows if row["quantity"] == "distance" and row["span"] == 10)
    assert peak["value"] == pytest.approx(50, abs=0.01)
    assert peak["per_minute"] == pytest.approx(300, abs=0.1)
    assert peak["start_time"] == START + 15_000
    assert all(row["value"] is None for row in rows if row["span"] == 60)
    still = values({**north(np.zeros(300)), "speed": np.zeros(300)}, {"peak_windows": [10]})[
        "peaks"
    ]
    assert {(row["value"], row["start_time"]) for row in still} == {(0.0, START)}


def test_stops_last_five_seconds() -> None:
    def stops(still: int) -> dict[str, Any]:
        speed = [3.0] * 20 + [0.0] * still + [3.0] * 20
        return dict(values({"speed": speed}, {"smoothing": "research"})["stops"])

    # the mean of three is still above 0.28 m/s for two samples after the last fast one
    assert stops(51) == {"count": 0, "duration": 0.0}
    assert stops(52) == {"count": 1, "duration": 5.0}


# Heart


def test_heart_rate_statistics_and_zones() -> None:
    hr = [0, 100, 160, 170, 200, np.nan, 250, 24]
    found = values({"hr": hr}, {"max_hr": 200})
    assert (found["hr_min"], found["hr_max"]) == (100, 200)
    assert found["hr_avg"] == pytest.approx((100 + 160 + 170 + 200) / 4)
    assert [z["percentage_hrmax"] for z in found["timePerHrZone"]] == [50, 50]  # 170 = 85 %: above
    assert found["hr_plot"] == [[START, pytest.approx(157.5)]]


def test_heart_rate_above_the_last_edge_counts_in_the_last_zone() -> None:
    found = values({"hr": [220, 220, 220]}, {"max_hr": 200, "hr_zones": [0, 50, 90]})
    assert [z["percentage_hrmax"] for z in found["timePerHrZone"]] == [0, 100]


@pytest.mark.parametrize(("sex", "a", "b"), [("M", 0.64, 1.92), ("F", 0.86, 1.67)])
def test_trimp(sex: str, a: float, b: float) -> None:
    params = {"max_hr": 200, "rest_hr": 50}
    found = values({"hr": [155.0] * 601}, params, profile={"gender": sex})
    x = (155 - 50) / 150
    assert found["trimp"]["banister"] == pytest.approx(x * a * math.exp(b * x))
    assert found["trimp"]["edwards"] == pytest.approx(3.0)  # 77.5 % is zone 3
    assert found["hr_rest_reserve"] == pytest.approx(70)
    low = values({"hr": [102.0] * 601}, params, profile={"gender": sex})
    assert low["trimp"] == {"banister": 0.0, "edwards": pytest.approx(1.0)}  # x < 0.35; 51 %


def test_trimp_of_unknown_sex_is_null() -> None:
    found, notes = fold({"hr": [155.0] * 10}, {"max_hr": 200, "rest_hr": 50}).values(True)
    assert found["trimp"]["banister"] is None
    assert found["trimp"]["edwards"] > 0
    assert any(note["key"] == "trimp" for note in notes)


# Metabolic power


def test_steady_running_costs_its_distance() -> None:
    speed = np.full(600, 4.0)
    found = values({**north(np.cumsum(speed) * 0.1), "speed": speed})
    metabolic = found["metabolic"]
    assert metabolic["energy"] == pytest.approx(3.6 * 1.29 * 4.0 * 59.9)
    assert metabolic["equivalent_distance"] == pytest.approx(4.0 * 59.9)
    assert metabolic["equivalent_distance_index"] == pytest.approx(1, rel=1e-3)
    power = 3.6 * 1.29 * 4.0
    assert 10 < power < 20
    assert metabolic["high_power_distance"] == 0
    assert [band["duration"] for band in metabolic["bands"]] == [0, 59.9, 0, 0, 0]
    assert found["hmld"] == 0


def test_hmld_counts_fast_or_hard() -> None:
    fast = np.full(100, 6.0)
    found = values({**north(np.cumsum(fast) * 0.1), "speed": fast})
    assert found["hmld"] == pytest.approx(found["total_distance"])
    metres = np.full(100, 5.5)  # equal is not above
    assert values({**north(np.cumsum(metres) * 0.1), "speed": metres})["hmld"] == 0


# Tennis


def test_bouts_and_rest() -> None:
    # active 5 s, then 3 s of tail, rest, and again
    speed = ([2.0] * 50 + [0.0] * 150) * 2
    found = values({"speed": speed, **north(np.cumsum(speed) * 0.1)}, sport="tennis")
    bouts = found["bouts"]
    assert bouts["count"] == 2
    assert found["active_time"] + found["rest_time"] == pytest.approx(39.9)
    assert found["work_rest_ratio"] == pytest.approx(found["active_time"] / found["rest_time"])
    # the mean of ten is 0.6 m/s or more for seven samples after the last of 2 m/s, then 3 s more;
    # the second bout begins two samples late, while the mean rises
    assert bouts["longest"] == pytest.approx(8.6)
    assert found["active_time"] == pytest.approx(8.6 + 8.5)
    assert bouts["mean_duration"] == pytest.approx(found["active_time"] / 2)


def test_a_gap_ends_a_bout() -> None:
    t = [*range(0, 10_000, 100), *range(60_000, 70_000, 100), 130_000, 130_100]
    found = values({"speed": [2.0] * 202}, sport="tennis", t=t)
    assert found["bouts"]["count"] == 2  # what is shorter than 3 s is rest
    assert found["bouts"]["longest"] == 9.9
    assert found["rest_time"] == pytest.approx(0.1)
