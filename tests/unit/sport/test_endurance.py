"""Endurance metrics against plain recomputations, and what they say without their input."""

from typing import Any

import numpy as np
import pytest

from core.sport.document import empty_document
from core.sport.metrics.pace import EFFORTS
from core.sport.metrics.power import DURATIONS
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold

START = 1_700_000_000_000
END = START + 48 * 3_600_000
ALL = {
    "first_timestamp", "last_timestamp", "total_distance", "max_speed", "average_speed",
    "time_per_speed_ranges", "distance_per_speed_ranges", "intensity", "hr_avg", "hr_max", "hr_min",
    "hr_plot", "athlete_max_hr", "timePerHrZone", "moving_time", "standing_time", "stops",
    "distance_per_minute", "gap_time", "gap_distance", "distance_source", "peaks",
    "hr_rest_reserve", "trimp", "hrv", "ascent", "descent",
}  # fmt: skip
RUN = {
    "pace", "laps", "best_efforts", "grade_adjusted", "normalized_graded_pace",
    "training_stress_score", "intensity_factor", "cadence", "step_length", "vertical_speed",
    "efficiency_factor", "decoupling",
}  # fmt: skip
TRAIL = {"slope_classes", "climbs", "descents", "flat_equivalent_distance", "effort_km"}
RIDE = {
    "power", "time_per_power_zone", "mean_maximal_power", "w_prime_balance", "efficiency_factor",
    "decoupling", "cadence", "torque", "left_right_balance", "climbs",
}  # fmt: skip
KEYS = {"biking": RIDE, "running": RUN, "trailrunning": RUN | TRAIL}


def folded(sport: str, samples: dict[str, Any], activity: Any = None, **params: Any) -> FrameFold:
    declared = registry().sport(sport)
    resolved = resolve_parameters(declared, {"sport": sport, **(activity or {})}, params, {})
    fold = FrameFold(declared, resolved, START, END)
    fold.advance(samples)
    return fold


def values(sport: str, samples: dict[str, Any], **params: Any) -> dict[str, Any]:
    return folded(sport, samples, **params).values(True)[0]


def straight(speed: np.ndarray, alt: np.ndarray | None = None, **more: Any) -> dict[str, Any]:
    """Due north at these speeds, a sample a second; metres are exact to 1e-6."""
    north = np.cumsum(np.concatenate([[0.0], speed[1:]]))
    found = {"t": START + 1000 * np.arange(len(speed)), "speed": speed, **more}
    found["lat"] = north / 110_574.388558
    found["lon"] = np.full(len(speed), 6.5)
    if alt is not None:
        found["alt"] = alt
    return found


@pytest.mark.parametrize("sport", list(KEYS))
def test_keys_of_the_contract(sport: str) -> None:
    fold = folded(sport, straight(np.full(100, 3.0)))
    found = fold.document(True)
    assert set(found) >= ALL | KEYS[sport]
    assert set(empty_document(registry().sport(sport))) == set(found)


@pytest.mark.parametrize("sport", list(KEYS))
def test_absent_inputs_are_null_with_a_reason(sport: str) -> None:
    """Only times: nothing is 0 that nobody measured."""
    found = folded(sport, {"t": START + 1000 * np.arange(200)}).document(True)
    noted = {note["key"] for note in found["notes"]}
    measured = {
        "gap_distance", "gap_time", "moving_time", "standing_time", "stops", "distance_source",
        "first_timestamp", "last_timestamp", "time_per_speed_ranges", "intensity", "peaks",
        "distance_per_speed_ranges", "hr_plot", "trimp", "definition", "metrics", "parameters",
        "quality", "notes", "digest",
    }  # fmt: skip
    for key in set(found) - measured:
        assert found[key] is None or found[key] == [], key
        assert key in noted, key


def brute_best(t: np.ndarray, metres: np.ndarray, distance: float) -> float:
    """Least time over ``distance`` on the straight lines between samples: ends at a sample, or
    starts at one.
    """
    reached = np.interp(metres, metres, t)
    ends = metres[metres >= distance]
    starts = metres[metres <= metres[-1] - distance]
    by_end = np.interp(ends, metres, t) - np.interp(ends - distance, metres, t)
    by_start = np.interp(starts + distance, metres, t) - np.interp(starts, metres, t)
    assert len(reached) == len(t)
    return float(min(by_end.min(), by_start.min()))


def test_best_efforts_are_the_least_times() -> None:
    rng = np.random.default_rng(5)
    speed = (3.5 + np.cumsum(rng.normal(0, 0.08, 3600)) % 1.5).round(3)
    samples = straight(speed)
    found = values("running", samples)["best_efforts"]
    metres = np.cumsum(np.concatenate([[0.0], speed[1:]]))
    assert [effort["distance"] for effort in found] == [mm / 1000 for mm in EFFORTS[:5]]
    for effort in found:
        least = brute_best(samples["t"] / 1000, metres, effort["distance"])
        assert effort["duration"] == pytest.approx(least, rel=3e-6, abs=0.002)


def test_best_efforts_beyond_the_fine_ring() -> None:
    """A slow marathon: half and full from the 10 m grid, a little over the least time."""
    rng = np.random.default_rng(6)
    speed = (2.0 + np.cumsum(rng.normal(0, 0.05, 25_000)) % 0.8).round(3)
    samples = straight(speed)
    metres = np.cumsum(np.concatenate([[0.0], speed[1:]]))
    found = {e["distance"]: e["duration"] for e in values("running", samples)["best_efforts"]}
    assert len(found) == len(EFFORTS)
    for distance, seconds in found.items():
        least = brute_best(samples["t"] / 1000, metres, distance)
        assert least - 0.002 <= seconds <= least + 1.0, distance


def test_a_gap_that_is_not_bridged_ends_the_search() -> None:
    samples = straight(np.full(600, 4.0))
    samples["t"] = samples["t"] + np.where(np.arange(600) >= 300, 90_000, 0)
    apart = values("running", samples)
    assert [effort["distance"] for effort in apart["best_efforts"]] == [400.0, 1000.0]
    bridged = values("running", samples, max_bridge=120)
    assert bridged["best_efforts"][-1]["distance"] == 1609.344
    assert bridged["laps"][-1]["distance"] == pytest.approx(396.0, abs=0.01)


def test_laps_are_interpolated() -> None:
    found = folded("running", straight(np.full(700, 3.0)), {"split_distance": 500}).document(False)
    assert [lap["distance"] for lap in found["laps"][:-1]] == [500] * 4
    assert found["laps"][1]["duration"] == pytest.approx(500 / 3, abs=0.001)
    assert found["laps"][-1]["open"] is True


def test_graded_pace_on_a_steady_slope() -> None:
    """10 % up: C(0.1) / 3.6 times the distance, from 30 m on."""
    speed = np.full(1200, 2.5)
    alt = 300 + 0.1 * np.cumsum(np.concatenate([[0.0], speed[1:]]))
    found = values("running", straight(speed, alt), threshold_pace=300)
    cost = np.polyval([155.4, -30.4, -43.3, 46.3, 19.5, 3.6], 0.1) / 3.6
    late = 2 * 2.5 * 0.1  # the median of five altitudes is two samples old
    assert found["grade_adjusted"]["distance"] == pytest.approx(2.5 * 1199 * cost, rel=0.02)
    assert found["normalized_graded_pace"] == pytest.approx(1000 / 2.5 / cost, rel=0.03)
    hours = 1200 / 3600
    assert found["training_stress_score"] == pytest.approx(
        100 * hours * found["intensity_factor"] ** 2
    )
    assert found["ascent"] == pytest.approx(0.1 * 2.5 * 1199, abs=3 + late)
    assert found["vertical_speed"] == pytest.approx(900, rel=0.02)


def test_decoupling_is_the_loss_of_speed_for_a_heart_rate() -> None:
    speed = np.where(np.arange(1800) < 900, 4.0, 3.8)
    found = values("running", straight(speed, hr=np.full(1800, 150.0)))
    assert found["decoupling"] == pytest.approx(5.0, abs=0.2)
    assert found["efficiency_factor"] == pytest.approx(3.9 * 60 / 150, rel=0.01)


def test_cadence_of_one_foot_is_doubled() -> None:
    samples = straight(np.full(300, 3.0), cadence=np.full(300, 85.0))
    found = values("running", samples, cadence_one_foot=True)
    assert found["cadence"] == {"average": 170.0, "maximum": 170.0}
    assert found["step_length"] == pytest.approx(3.0 * 60 / 170, rel=3e-6)


def test_running_power_without_a_sensor_is_the_models() -> None:
    found = values(
        "running", straight(np.full(300, 3.0), np.full(300, 400.0)), weight=70, height=1.8
    )
    area = 0.266 * 0.2025 * 1.8**0.725 * 70**0.425
    eta = (0.25 + 0.054 * 3) * (1 - 0.5 * 3 / 8.33)
    watts = 70 * 3 * (3.6 * eta + 0.5 * 1.2 * 0.9 * area * 9 / 70)
    assert found["power"]["source"] == "model"
    assert found["power"]["average"] == pytest.approx(watts, rel=1e-3)
    assert found["power"]["normalized"] == pytest.approx(watts, rel=1e-3)


def test_climbs_descents_and_classes_of_a_hill() -> None:
    """A kilometre level, two up 8 %, one level on top, two down 8 %, one level."""
    speed = np.full(2801, 2.5)
    metres = np.concatenate([[0.0], np.cumsum(speed[1:])])
    alt = 500 + np.interp(metres, [1000, 3000, 4000, 6000], [0, 160, 160, 0])
    found = values("trailrunning", straight(speed, alt))
    (climb,), (descent,) = found["climbs"], found["descents"]
    assert climb["rise"] == pytest.approx(160, abs=3)
    assert climb["distance"] == pytest.approx(2000, rel=0.06)
    assert climb["vam"] == pytest.approx(3600 * 160 / 800, rel=0.06)
    assert climb["category"] == "4"  # more than 8000 m %, no more than 16 000
    assert (descent["rise"], descent["category"]) == (pytest.approx(-160, abs=3), None)
    assert found["best_climbs"]["highest"]["start_time"] == climb["start_time"]
    by_low = {row["low"]: row["distance"] for row in found["slope_classes"]}
    assert by_low[5] == pytest.approx(2000, abs=60)
    assert by_low[-15] == pytest.approx(2000, abs=60)
    assert by_low[-5] == pytest.approx(3000, abs=90)
    assert found["effort_km"] == pytest.approx(7 + 1.6, abs=0.05)
    assert found["downhill_speed_ratio"] == pytest.approx(1.0, abs=0.01)


def test_a_climb_under_way_is_open() -> None:
    speed = np.full(800, 2.5)
    alt = 500 + 0.1 * np.cumsum(speed)
    live = folded("trailrunning", straight(speed, alt)).document(False)
    assert live["climbs"][0]["open"] is True
    assert live["climbs"][0]["rise"] > 150


def test_thresholds_of_altitude() -> None:
    """Two metres up and down count from a threshold of 2 m; GNSS altitudes from 10 m on."""
    alt = 100 + 2.0 * (np.arange(400) // 20 % 2)
    samples = straight(np.full(400, 3.0), alt)
    assert values("trailrunning", samples)["ascent"] == 0.0
    assert values("trailrunning", samples, elevation_threshold=2)["ascent"] == 20.0
    assert values("trailrunning", straight(np.full(400, 3.0), alt * 3))["ascent"] == 60.0
    gnss = values("trailrunning", straight(np.full(400, 3.0), alt * 3), altitude_source="gnss")
    assert gnss["ascent"] == 0.0


def ridden(seed: int = 8, n: int = 4000) -> dict[str, Any]:
    """A ride of one sample a second: missing power now and then, a pause of 30 s, one of 9 s."""
    rng = np.random.default_rng(seed)
    steps = np.full(n, 1000)
    steps[1500], steps[2500] = 30_000, 9_000
    power = np.clip(220 + np.cumsum(rng.normal(0, 25, n)) % 400 - 200, 0, None).round()
    power[rng.random(n) < 0.02] = np.nan
    power[3000:3012] = np.nan
    return {"t": START + np.cumsum(steps), "power": power, "hr": np.full(n, 150.0)}


def parts_of(samples: dict[str, Any], max_gap: int = 10) -> list[tuple[np.ndarray, np.ndarray]]:
    """Seconds and watts between restarts, missing seconds 0, as section 3.3 says."""
    there = ~np.isnan(samples["power"])
    t, watts = samples["t"][there] // 1000, samples["power"][there].astype(int)
    cuts = np.flatnonzero(np.diff(t) > max_gap) + 1
    found = []
    for ts, ws in zip(np.split(t, cuts), np.split(watts, cuts), strict=True):
        series = np.zeros(ts[-1] - ts[0] + 1, np.int64)
        series[ts - ts[0]] = ws
        found.append((np.arange(ts[0], ts[-1] + 1), series))
    return found


def test_power_against_numpy() -> None:
    samples = ridden()
    parts = parts_of(samples)
    assert len(parts) == 3
    found = values("biking", samples, ftp=260, weight=75)
    means = np.concatenate([np.convolve(w, np.ones(30), "valid") / 30 for _, w in parts])
    there = samples["power"][~np.isnan(samples["power"])]
    power = found["power"]
    assert power["normalized"] == pytest.approx((means**4).mean() ** 0.25, rel=1e-12)
    assert power["average"] == pytest.approx(there.mean(), rel=1e-12)
    assert (power["seconds"], power["work"]) == (len(there), there.sum() / 1000)
    factor = power["normalized"] / 260
    assert power["training_stress_score"] == pytest.approx(100 * len(there) / 3600 * factor**2)
    edges = np.array([0, 55, 75, 90, 105, 120, 150]) * 2.6
    counted = np.bincount(np.digitize(there, edges) - 1, minlength=7)
    assert [row["duration"] for row in found["time_per_power_zone"]] == counted.tolist()
    assert found["efficiency_factor"] == pytest.approx(power["normalized"] / 150)


def test_mean_maximal_curve_against_numpy() -> None:
    samples = ridden()
    parts = parts_of(samples)
    found = {row["duration"]: row for row in values("biking", samples)["mean_maximal_power"]}
    for span in DURATIONS:
        best = [
            (np.convolve(w, np.ones(span, np.int64), "valid").max(), seconds, w)
            for seconds, w in parts
            if len(w) >= span
        ]
        if not best:
            assert span not in found
            continue
        most, seconds, w = max(best, key=lambda one: one[0])
        assert found[span]["power"] == most / span
        at = int(np.argmax(np.convolve(w, np.ones(span, np.int64), "valid")))
        assert found[span]["start_time"] == int(seconds[at]) * 1000


def test_w_prime_balance_against_its_recurrences() -> None:
    samples = ridden()
    fold = folded("biking", samples, cp=230, w_prime=15_000)
    fold.batch({"samples": samples})
    found = fold.values(True)[0]
    balance = least = 15_000.0
    watts = np.concatenate([w for _, w in parts_of(samples)]).astype(float)
    for w in watts:
        balance += 230 - w if w >= 230 else (230 - w) * (15_000 - balance) / 15_000
        least = min(least, balance)
    assert found["w_prime_balance"]["end"] == pytest.approx(balance, rel=1e-9)
    assert found["w_prime_balance"]["minimum"] == pytest.approx(least, rel=1e-9)
    tau = 546 * np.exp(-0.01 * (230 - watts[watts < 230].mean())) + 316
    # Skiba's sum over all earlier seconds, where ours is a recurrence.
    above = np.maximum(watts - 230, 0)
    decay = np.exp(-np.arange(len(watts)) / tau)
    integral = 15_000 - np.convolve(above, decay)[: len(watts)]
    ours = found["w_prime_balance_integral"]
    assert ours["tau"] == pytest.approx(tau, rel=1e-12)
    assert ours["minimum"] == pytest.approx(integral.min(), rel=1e-6)
    assert ours["end"] == pytest.approx(integral[-1], rel=1e-6)


def test_power_at_ten_hertz_is_the_mean_of_each_second() -> None:
    """Ten samples a second that mean what one sample says give the same results."""
    rng = np.random.default_rng(9)
    slow = {"t": START + 1000 * np.arange(900), "power": rng.integers(0, 400, 900).astype(float)}
    spread = np.tile([-5.0, 5.0], 450 * 10)[:9000]
    fast = {
        "t": START + 100 * np.arange(9000),
        "power": np.maximum(np.repeat(slow["power"], 10) + 5, 5) + spread,
    }
    one, ten = values("biking", slow, cp=200), values("biking", fast, cp=205)
    assert [row["power"] + 5 for row in one["mean_maximal_power"]] == pytest.approx(
        [row["power"] for row in ten["mean_maximal_power"]]
    )
    assert one["w_prime_balance"]["end"] == pytest.approx(ten["w_prime_balance"]["end"])


def test_balance_is_weighted_by_power() -> None:
    n = 120
    hard, known = np.arange(n) < 40, np.arange(n) < 100
    balance = np.where(hard, 46.0, np.where(known, 52.0, np.nan))
    power = np.where(hard, 300.0, np.where(np.arange(n) < 80, 100.0, 0.0))
    samples = straight(np.full(n, 8.0), power=power, balance=balance)
    # The first sample ends no step: 39 s at 300 W and 40 s at 100 W, 20 s that rolled.
    share = (39 * 300 * 46.0 + 40 * 100 * 52.0) / (39 * 300 + 40 * 100)
    assert values("biking", samples)["left_right_balance"] == pytest.approx(share)
    del samples["balance"]
    assert values("biking", samples)["left_right_balance"] is None


def test_torque_and_gear() -> None:
    n = 120
    samples = straight(
        np.full(n, 8.0), power=np.full(n, 250.0), cadence=np.where(np.arange(n) < 60, 90.0, 0.0)
    )
    found = values("biking", samples)
    assert found["cadence"] == {"average": 90.0, "maximum": 90.0}
    assert found["torque"]["average"] == pytest.approx(250 / (2 * np.pi * 90 / 60))
    assert found["gear"]["development"] == pytest.approx(8 * 60 / 90, rel=3e-6)
    assert found["gear"]["ratio"] == pytest.approx(8 * 60 / 90 / 2.105, rel=3e-6)
