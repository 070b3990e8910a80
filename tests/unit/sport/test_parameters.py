"""Precedence of parameters, unset values, the fingerprint."""

from dataclasses import replace

import pytest

from core.sport import Derived, Sport
from core.sport.parameters import resolve_parameters, used_parameters
from core.sport.registry import registry

SOCCER = registry().sport("soccer")
ACTIVITY = {"sport": "soccer"}


def test_precedence() -> None:
    profile = {"weight": 70, "height": 1.8, "gender": "F", "first_name": "A"}
    athlete = {"weight": 72, "max_hr": 190, "rest_hr": 50}
    found = resolve_parameters(SOCCER, ACTIVITY, {"max_hr": 195}, profile, athlete)
    assert (found.values["max_hr"], found.sources["max_hr"]) == (195, "params")
    assert (found.values["rest_hr"], found.sources["rest_hr"]) == (50, "athlete")
    assert (found.values["weight"], found.sources["weight"]) == (72, "athlete")
    assert (found.values["height"], found.sources["height"]) == (1.8, "profile")
    assert (found.values["sex"], found.sources["sex"]) == ("F", "profile")
    assert (found.values["max_gap"], found.sources["max_gap"]) == (1, "default")
    of_activity = {"field_corners", "periods", "attack_direction"}
    assert set(found.values) == set(SOCCER.timeframe_schema["properties"]) | of_activity


def test_zero_and_null_are_unset_only_where_that_is_meant() -> None:
    athlete = {"max_hr": 188, "stationary_speed": 0.5, "athlete_max_speed": 9.0}
    params = {"max_hr": 0, "stationary_speed": 0, "athlete_max_speed": None}
    found = resolve_parameters(SOCCER, ACTIVITY, params, {}, athlete)
    assert (found.values["max_hr"], found.sources["max_hr"]) == (188, "athlete")
    assert (found.values["stationary_speed"], found.sources["stationary_speed"]) == (0, "params")
    assert found.values["athlete_max_speed"] == 9.0
    unset = resolve_parameters(SOCCER, ACTIVITY, {"max_hr": 0}, {})
    assert (unset.values["max_hr"], unset.sources["max_hr"]) == (None, "unset")


@pytest.mark.parametrize(
    ("params", "age", "value", "source"),
    [
        ({"estimate_max_hr": True}, 30, 187.0, "estimate"),
        ({"estimate_max_hr": True}, None, None, "unset"),
        ({}, 30, None, "unset"),
        ({"estimate_max_hr": True, "max_hr": 200}, 30, 200, "params"),
    ],
)
def test_maximum_heart_rate_is_never_guessed_silently(params, age, value, source) -> None:
    found = resolve_parameters(SOCCER, ACTIVITY, params, {}, age=age)
    assert (found.values["max_hr"], found.sources["max_hr"]) == (value, source)


def test_surface_sets_the_terrain_factor() -> None:
    def factor(surface: str, **params: float) -> float:
        found = resolve_parameters(SOCCER, {**ACTIVITY, "surface": surface}, params, {})
        return float(found.values["terrain_factor"])

    assert factor("grass") == 1.29
    assert factor("indoor") == 1.0
    assert factor("indoor", terrain_factor=1.1) == 1.1


def test_fingerprint_covers_what_metrics_use_and_nothing_else() -> None:
    def fingerprint(**params: object) -> str:
        return resolve_parameters(SOCCER, ACTIVITY, params, {}).fingerprint

    base = fingerprint()
    assert fingerprint(max_gap=1.0) == base  # 1 and 1.0 are one number
    assert fingerprint(role="goalkeeper") == base
    for changed in (
        {"hid_thresholds": [4, 6]},
        {"max_hr": 190},
        {"smoothing": "research"},
        {"team": "away"},
    ):
        assert fingerprint(**changed) != base
    assert {"max_gap", "hid_thresholds", "athlete_max_speed"} <= set(used_parameters(SOCCER))


def test_what_metrics_use_of_the_activity_is_that_of_its_json() -> None:
    length = next(m for m in SOCCER.metrics if m.key == "max_speed_percent")
    assert isinstance(length, Derived)
    asks = replace(length, params=(*length.params, "field_length"))
    fields = {name: getattr(SOCCER, name) for name in SOCCER.__dataclass_fields__}
    sport = Sport(**{**fields, "metrics": (*(m for m in SOCCER.metrics if m != length), asks)})

    def found(**activity: float) -> tuple[object, str]:
        resolved = resolve_parameters(sport, {**ACTIVITY, **activity}, {}, {})
        return resolved.values["field_length"], resolved.sources["field_length"]

    assert found() == (105, "default")
    assert found(field_length=100) == (100, "activity")
    made = [
        resolve_parameters(sport, {**ACTIVITY, "field_length": m}, {}, {}) for m in (100.0, 90.0)
    ]
    assert made[0].fingerprint != made[1].fingerprint
