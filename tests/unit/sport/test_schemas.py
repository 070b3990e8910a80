"""The sports' schemas and the validator's pointers."""

from typing import Any

import pytest

import schemas
from core.sport.registry import registry

SPORTS = ["biking", "running", "soccer", "swimming", "tennis", "trailrunning", "triathlon"]


@pytest.mark.parametrize("name", SPORTS)
def test_vendor_minimal_documents(name: str) -> None:
    sport = registry().sport(name)
    assert schemas.validate(sport.activity_schema, {"sport": name}) == []
    assert schemas.validate(sport.activity_schema, {"sport": name, "type": "match"}) == []
    assert schemas.validate(sport.timeframe_schema, {}) == []
    assert schemas.validate(sport.timeframe_schema, {"max_hr": 0}) == []


@pytest.mark.parametrize("name", ["biking", "running", "trailrunning"])
def test_a_planned_course_is_all_that_a_minimal_activity_has(name: str) -> None:
    """The vendor's own example: {"gpx": "...", "sport": "biking"}."""
    schema = registry().sport(name).activity_schema
    assert schemas.validate(schema, {"gpx": "...", "sport": name}) == []
    faults = schemas.validate(schema, {"gpx": "x" * 5_242_881, "sport": name})
    assert [fault["pointer"] for fault in faults] == ["/gpx"]


@pytest.mark.parametrize(
    ("name", "params", "pointer"),
    [
        ("biking", {"ftp": 49}, "/ftp"),
        ("biking", {"cp": 601}, "/cp"),
        ("biking", {"power_zones": [0, 75, 55]}, "/power_zones/2"),
        ("biking", {"power_zones": [55, 75]}, "/power_zones/0"),
        ("biking", {"w_prime": 0}, "/w_prime"),
        ("running", {"threshold_pace": 119}, "/threshold_pace"),
        ("running", {"pace_zones": [0, 88, 88]}, "/pace_zones/2"),
        ("running", {"cadence_one_foot": 1}, "/cadence_one_foot"),
        ("trailrunning", {"slope_classes": [5, -5]}, "/slope_classes/1"),
        ("trailrunning", {"elevation_threshold": 0}, "/elevation_threshold"),
        ("trailrunning", {"altitude_source": "map"}, "/altitude_source"),
    ],
)
def test_endurance_faults_are_pointed_at(name: str, params: dict[str, Any], pointer: str) -> None:
    faults = schemas.validate(registry().sport(name).timeframe_schema, params)
    assert [fault["pointer"] for fault in faults] == [pointer]


def test_endurance_defaults_of_the_design() -> None:
    ride = dict(schemas.defaults(registry().sport("biking").timeframe_schema))
    run = dict(schemas.defaults(registry().sport("running").timeframe_schema))
    assert (ride["max_gap"], ride["bridge_gaps"], ride["stationary_speed"]) == (10, True, 0)
    assert (ride["max_speed"], run["max_speed"]) == (35, 12)
    assert ride["hr_zones"] == run["hr_zones"] == [0, 60, 70, 80, 90, 100]
    assert ride["speed_ranges"] == [0, 10, 20, 25, 30, 35, 40, 50]
    assert run["speed_ranges"] == [0, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert (ride["ftp"], ride["cp"], ride["w_prime"], run["threshold_pace"]) == (0, None, 20000, 0)


@pytest.mark.parametrize("name", SPORTS)
def test_every_field_has_type_default_and_title(name: str) -> None:
    sport = registry().sport(name)
    for schema in (sport.activity_schema, sport.timeframe_schema):
        assert schema["additionalProperties"] is False
        assert "$ref" not in str(schema), "references are inlined"
        for key, field in schema["properties"].items():
            assert field["title"], key
            assert "type" in field, key
            assert "default" in field or key == "sport", key


def test_defaults_of_the_design() -> None:
    found = dict(schemas.defaults(registry().sport("soccer").timeframe_schema))
    assert found["speed_ranges"] == [0, 1, 4, 10, 15, 20, 25]
    assert found["hid_thresholds"] == [4, 5]
    assert found["hr_zones"] == [0, 85, 100]
    assert found["terrain_factor"] == 1.29
    assert found["team"] == "home"
    tennis = registry().sport("tennis")
    assert "team" not in dict(schemas.defaults(tennis.timeframe_schema))
    assert dict(schemas.defaults(tennis.activity_schema))["surface"] == "hard"


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"max_hr": 50}, "/max_hr"),
        ({"max_hr": "190"}, "/max_hr"),
        ({"max_hr": True}, "/max_hr"),
        ({"shoe_size": 43}, "/shoe_size"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"hid_thresholds": [5, 4]}, "/hid_thresholds/1"),
        ({"hid_thresholds": [5, 5]}, "/hid_thresholds/1"),
        ({"hid_thresholds": []}, "/hid_thresholds"),
        ({"hid_thresholds": [4, "5"]}, "/hid_thresholds/1"),
        ({"speed_ranges": [1, 4]}, "/speed_ranges/0"),
        ({"speed_ranges": [0]}, "/speed_ranges"),
        ({"hr_zones": [0, 85, 130]}, "/hr_zones/2"),
        ({"peak_windows": [60, 601]}, "/peak_windows/1"),
        ({"peak_windows": [60.5]}, "/peak_windows/0"),
        ({"smoothing": "butterworth"}, "/smoothing"),
        ({"sprint_exit_percent": 40}, "/sprint_exit_percent"),
    ],
)
def test_timeframe_faults_are_pointed_at(params: dict[str, Any], pointer: str) -> None:
    faults = schemas.validate(registry().sport("soccer").timeframe_schema, params)
    assert [fault["pointer"] for fault in faults] == [pointer]
    assert faults[0]["detail"]


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/sport"),
        ({"sport": "tennis"}, "/sport"),
        ({"sport": "soccer", "timezone": "Mars/Olympus"}, "/timezone"),
        ({"sport": "soccer", "players_per_side": 12}, "/players_per_side"),
        ({"sport": "soccer", "field_corners": [[46, 6], [46, 6], [46, 6]]}, "/field_corners"),
        (
            {"sport": "soccer", "field_corners": [[460, 6], [46, 6], [46, 6], [46, 6]]},
            "/field_corners/0/0",
        ),
        (
            {
                "sport": "soccer",
                "periods": [
                    {
                        "name": "1",
                        "start_time": "2024-01-01T10:00:00",
                        "end_time": "2024-01-01T11:00:00Z",
                    }
                ],
            },
            "/periods/0/start_time",
        ),
    ],
)
def test_activity_faults_are_pointed_at(document: dict[str, Any], pointer: str) -> None:
    faults = schemas.validate(registry().sport("soccer").activity_schema, document)
    assert [fault["pointer"] for fault in faults] == [pointer]


def test_long_values_are_not_repeated() -> None:
    faults = schemas.validate({"const": "x"}, "y" * 100_000)
    assert len(faults[0]["detail"]) < 400


def test_two_faults_are_two_entries() -> None:
    schema = registry().sport("tennis").timeframe_schema
    faults = schemas.validate(schema, {"max_gap": 0, "smoothing": 1, "side": "left"})
    assert {fault["pointer"] for fault in faults} == {"/max_gap", "/smoothing", "/side"}


@pytest.mark.parametrize(("sport", "field"), [("soccer", "periods"), ("tennis", "sets")])
def test_a_span_ends_after_it_starts(sport: str, field: str) -> None:
    schema = registry().sport(sport).activity_schema
    span = {"name": "1", "start_time": "2026-03-01T15:00:00Z", "end_time": "2026-03-01T15:45:00Z"}
    assert schemas.validate(schema, {"sport": sport, field: [span]}) == []
    back = {**span, "end_time": "2026-03-01T15:00:00+00:00"}
    (fault,) = schemas.validate(schema, {"sport": sport, field: [span, back]})
    assert fault == {"pointer": f"/{field}/1/end_time", "detail": "must be after start_time"}
