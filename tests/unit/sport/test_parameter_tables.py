"""Section 4 of the design's metrics: every parameter, its default and its range, as a table."""

from typing import Any

import pytest

import schemas
from core.sport.registry import registry

FIELD, FOOT = ("soccer", "tennis"), ("running", "trailrunning")
ENDURANCE = ("biking", *FOOT, "swimming", "triathlon")
ALL = (*FIELD, *ENDURANCE)
HUT, LEG = {"name": "hut", "distance": 1200}, {"sport": "swimming", "distance": 1500}

Row = tuple[tuple[str, ...], str, Any, list[Any], list[Any]]

# Sports, parameter, default, values at the edges of what is taken, values just beyond.
ACTIVITY: list[Row] = [
    (ALL, "type", "training", ["training", "match", "race", "test", "other"], ["game", None]),
    (ALL, "timezone", "UTC", ["Europe/Zurich"], ["Mars/Olympus", 1]),
    (ENDURANCE, "gpx", "", ["<gpx/>"], [1, None]),
    (("soccer",), "surface", "grass", ["grass", "artificial"], ["snow"]),
    (("tennis",), "surface", "hard", ["clay", "hard", "indoor"], ["snow"]),
    (("biking", "running", "triathlon"), "surface", "road", ["road", "track"], ["snow"]),
    (("trailrunning",), "surface", "trail", ["trail"], ["snow"]),
    (("swimming",), "surface", "water", ["water"], ["snow"]),
    (("soccer",), "field_corners", None, [None], [[], "pitch"]),
    (("soccer",), "field_length", 105, [20, 130], [19.9, 130.1]),
    (("soccer",), "field_width", 68, [15, 100], [14.9, 100.1]),
    (("soccer",), "periods", [], [[]], [[{"name": "1"}]]),
    (("soccer",), "players_per_side", 11, [3, 11], [2, 12, 4.5]),
    (("soccer",), "attack_direction", [], [["left_to_right", "right_to_left"]], [["up"]]),
    (("tennis",), "court_corners", None, [None], [[], "court"]),
    (("tennis",), "court_length", 23.77, [23.77], [0]),
    (("tennis",), "court_width", 10.97, [8.23, 10.97], [0]),
    (("tennis",), "singles", True, [True, False], [1]),
    (("tennis",), "sets", [], [[]], [[{"name": "1"}]]),
    (("biking", "running"), "indoor", False, [True], [0]),
    (("biking",), "drafting", False, [True], [0]),
    (("biking",), "bike_mass", 8, [4, 30], [3.9, 30.1]),
    (("biking",), "wheel_circumference", 2.105, [0.9, 2.5], [0.89, 2.51]),
    (("biking",), "route_type", "road", ["road", "gravel", "mtb", "track"], ["sea"]),
    (("running",), "track_length", None, [None, 200, 440], [199, 441]),
    (FOOT, "split_distance", 1000, [100, 10_000], [99, 10_001]),
    (("swimming", "triathlon"), "pool_length", None, [None, 10, 22.86, 100], [0, 9.9, 100.1]),
    (("swimming", "triathlon"), "pool_unit", "m", ["m", "yd"], ["ft"]),
    (("swimming",), "lanes", None, [None, 8], [0]),
    (("trailrunning",), "checkpoints", [], [[HUT]], [[{"name": "hut"}]]),
    (("trailrunning",), "max_off_course", 50, [50], [0]),
    (("triathlon",), "format", "custom", ["sprint", "olympic", "half", "full"], ["long"]),
    (("triathlon",), "legs", [], [[LEG]], [[{"sport": "chess"}]]),
]  # fmt: skip
TIMEFRAME: list[Row] = [
    (ALL, "max_hr", 0, [0, 100, 240], [99, 241]),
    (ALL, "estimate_max_hr", False, [True], [1]),
    (ALL, "rest_hr", None, [None, 25, 120], [24, 121]),
    (FIELD, "hr_zones", [0, 85, 100], [[0, 120]], [[0], [0, 85, 80], [0, 121], list(range(11))]),
    (ENDURANCE, "hr_zones", [0, 60, 70, 80, 90, 100], [list(range(10))], [[0, 60, 60]]),
    (ALL, "weight", None, [None, 20, 200], [19, 201]),
    (ALL, "height", None, [None, 1.0, 2.5], [0.9, 2.6]),
    (ALL, "sex", None, [None, "M", "F"], ["x"]),
    (ALL, "smoothing", "vendor", ["vendor", "research"], ["none"]),
    (FIELD, "max_gap", 1, [0.2, 60], [0.1, 61]),
    (ENDURANCE, "max_gap", 10, [0.2, 60], [0.1, 61]),
    (FIELD, "bridge_gaps", False, [True], [0]),
    (ENDURANCE, "bridge_gaps", True, [False], [0]),
    (ALL, "max_bridge", 60, [1, 600], [0.9, 601]),
    (FIELD, "stationary_speed", 0.2, [0, 1], [-0.1, 1.1]),
    (ENDURANCE, "stationary_speed", 0, [0, 1], [-0.1, 1.1]),
    (ALL, "distance_source", "position", ["position", "speed", "device"], ["map"]),
    ((*FIELD, *FOOT), "max_speed", 12, [1, 40], [0.9, 41]),
    (("biking", "triathlon"), "max_speed", 35, [1, 40], [0.9, 41]),
    (("swimming",), "max_speed", 3, [1, 40], [0.9, 41]),
    (ALL, "intensity_span", 300, [30, 3600], [29, 3601]),
    (FIELD, "acceleration_thresholds", [2, 3], [[0.5, 10]], [[0.4], [3, 2], [1, 2, 3, 4, 5, 6, 7]]),
    (FIELD, "deceleration_thresholds", [2, 3], [[0.5, 10]], [[10.1], [2, 2]]),
    (FIELD, "effort_boundary", 0.2, [0.2], [-1]),
    (FIELD, "acceleration_min_duration", 0, [0, 2], [-0.1, 2.1]),
    (FIELD, "hid_thresholds", [4, 5], [[1, 12], [5.5, 7]], [[0.9], [5, 4], [12.1]]),
    (FIELD, "sprint_thresholds", [5], [[7], [1, 2, 3, 4, 5, 6]], [[1, 2, 3, 4, 5, 6, 7]]),
    (FIELD, "sprint_min_duration", 0, [0, 1], [-0.1]),
    (FIELD, "sprint_exit_percent", 100, [50, 100], [49, 101]),
    (FIELD, "sprint_merge_gap", 0, [0, 1], [-0.1]),
    (FIELD, "speed_ranges", [0, 1, 4, 10, 15, 20, 25], [list(range(12))], [[0], list(range(13))]),
    (FIELD, "athlete_max_speed", None, [None, 9.5], [0]),
    (FIELD, "terrain_factor", 1.29, [1.0, 1.29], [0]),
    (ALL, "peak_windows", [60, 180, 300], [[60]], [[300, 60], [601], [0]]),
    (("soccer",), "team", "home", ["away"], ["", 1]),
    (("soccer",), "role", None, ["goalkeeper", "defender"], ["coach"]),
    (("tennis",), "side", None, ["near", "far"], ["left"]),
    (("biking", "triathlon"), "ftp", 0, [0, 50, 600], [49, 601]),
    (("biking", "triathlon"), "cp", None, [None], [0]),
    (("biking", "triathlon"), "w_prime", 20000, [1000, 60000], [999, 60001]),
    (("biking",), "tau", None, [None, 100, 1000], [99, 1001]),
    (("biking",), "power_zones", [0, 55, 75, 90, 105, 120, 150], [[0, 9]], [[55, 75], [0, 75, 55]]),
    (("biking",), "ftp_hr", None, [None, 170], [0]),
    (("biking",), "speed_ranges", [0, 10, 20, 25, 30, 35, 40, 50], [[0, 30]], [[10, 30]]),
    ((*FOOT, "triathlon"), "threshold_pace", 0, [0, 120, 900], [119, 901]),
    (FOOT, "critical_speed", None, [None], [0]),
    (FOOT, "d_prime", None, [None], [0]),
    (FOOT, "power_cp", None, [None], [0]),
    (FOOT, "pace_zones", [0, 78, 88, 95, 101, 107], [[0, 100]], [[0, 88, 88]]),
    (FOOT, "cadence_one_foot", False, [True], [1]),
    (FOOT, "speed_ranges", [0, 4, 6, 8, 10, 12, 14, 16, 18, 20], [[0, 10]], [[4, 6]]),
    (("swimming", "triathlon"), "css", 0, [0, 50, 300], [49, 301]),
    (("swimming",), "stroke_counting", "arms", ["arms", "cycles"], ["legs"]),
    (("trailrunning",), "elevation_threshold", 3, [0.5, 20], [0.4, 20.1]),
    (("trailrunning",), "slope_classes", [-25, -15, -5, 5, 15, 25], [[0]], [[5, -5]]),
    (("trailrunning",), "altitude_source", "barometer", ["barometer", "gnss"], ["map"]),
    (("triathlon",), "legs", [], [[]], [[{"sport": "running"}]]),
    (("triathlon",), "transitions", "auto", ["auto", "manual"], ["none"]),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["activity", "timeframe"])
def test_every_parameter_its_default_and_its_range(kind: str) -> None:
    for sports, name, default, taken, refused in ACTIVITY if kind == "activity" else TIMEFRAME:
        for sport in sports:
            schema = getattr(registry().sport(sport), f"{kind}_schema")
            base: dict[str, Any] = {"sport": sport} if kind == "activity" else {}
            field = schema["properties"][name]
            assert field["default"] == default, (sport, name)
            for value in [default, *taken]:
                assert schemas.validate(schema, {**base, name: value}) == [], (sport, name, value)
            for value in refused:
                faults = schemas.validate(schema, {**base, name: value})
                assert faults, (sport, name, value)
                assert all(fault["pointer"].startswith(f"/{name}") for fault in faults)


def test_the_tables_hold_every_parameter() -> None:
    """What stands in a schema and not in the design is named here, so that nothing comes unseen."""
    ours = {"sport", "transitions"}  # the sport's constant; what the recorder says of a race
    for sport in ALL:
        declared = registry().sport(sport)
        for table, schema in (
            (ACTIVITY, declared.activity_schema),
            (TIMEFRAME, declared.timeframe_schema),
        ):
            told = {name for sports, name, *_ in table if sport in sports}
            assert set(schema["properties"]) - told <= ours, sport
