"""The computed document: the vendor's shape, rounding, digest, the empty one."""

import hashlib
import json
from typing import Any

import numpy as np
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sport.document import canonical, digest, empty_document, rounded
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from tests.unit.sport.samples import END, START, walk

VENDOR = {
    "first_timestamp", "last_timestamp", "total_distance", "max_speed", "average_speed",
    "accelerations", "decelerations", "sprint", "hid", "time_per_speed_ranges",
    "distance_per_speed_ranges", "intensity", "hr_avg", "hr_max", "hr_min", "hr_plot",
    "athlete_max_hr", "timePerHrZone",
}  # fmt: skip
OURS = {
    "moving_time", "standing_time", "stops", "distance_per_minute", "gap_time", "gap_distance",
    "distance_source", "definition", "peaks", "hr_rest_reserve", "trimp", "high_speed_distance",
    "sprint_count", "sprint_distance", "max_speed_percent", "metrics", "parameters", "quality",
    "hrv", "player_load", "impacts", "ascent", "descent", "hmld", "metabolic", "heat_map", "thirds",
    "notes", "digest",
}  # fmt: skip
PER_SPORT = {
    "soccer": {
        "changes_of_direction",
        "repeated_sprints",
        "periods",
    },
    "tennis": {
        "active_time",
        "rest_time",
        "work_rest_ratio",
        "bouts",
        "court_zones",
        "changes_of_direction",
        "sets",
    },
}


def document(sport: str = "soccer", final: bool = True, n: int = 3000, **params: Any) -> Any:
    declared = registry().sport(sport)
    resolved = resolve_parameters(declared, {"sport": sport}, params, {})
    fold = FrameFold(declared, resolved, START, END)
    fold.advance(walk(5, n))
    return fold.document(final)


@pytest.mark.parametrize("sport", ["soccer", "tennis"])
def test_keys(sport: str) -> None:
    found = document(sport)
    assert set(found) == VENDOR | OURS | PER_SPORT[sport]
    assert set(empty_document(registry().sport(sport))) == set(found)
    assert set(found["metrics"]) == set(found) - {
        "definition", "metrics", "parameters", "quality", "notes", "digest",
    }  # fmt: skip
    json.dumps(found, allow_nan=False)


def test_vendor_shapes() -> None:
    found = document(max_hr=189)
    for family in ("accelerations", "decelerations", "hid"):
        assert [found[family][f"threshold_{i}"]["threshold"] for i in (1, 2)] in ([2, 3], [4, 5])
    assert list(found["sprint"]) == ["threshold_1"]
    effort = found["accelerations"]["threshold_1"]["values"][0]
    assert {"start_time", "max_value", "duration", "distance", "initial_speed", "end_speed"} <= set(
        effort
    )
    assert all(e["max_value"] < 0 for e in found["decelerations"]["threshold_1"]["values"])
    assert set(found["hid"]["threshold_1"]["values"][0]) == {
        "start_time",
        "duration",
        "max_value",
        "distance",
    }
    lows = [row["threshold_low"] for row in found["time_per_speed_ranges"]]
    assert lows[:3] == [0, 0.2777777777777778, 1.1111111111111112]  # as the vendor prints them
    assert found["time_per_speed_ranges"][-1]["threshold_high"] is None
    assert set(found["distance_per_speed_ranges"][0]) == {
        "distance",
        "ratio",
        "threshold_low",
        "threshold_high",
    }
    intensity = found["intensity"]
    assert intensity["start_time"] == START
    assert intensity["end_time"] == START + len(intensity["distance"]) * 300_000
    first, second = found["timePerHrZone"]
    assert first["range_percent_hrmax"] == [0, 85]
    assert first["range_bpm"] == [0, 160.65]
    assert second["range_bpm"] == [160.65, 189]
    assert found["athlete_max_hr"] == 189
    buckets = [t for t, _ in found["hr_plot"]]
    assert all((t - START) % 5000 == 0 for t in buckets)
    assert buckets == sorted(set(buckets))


def test_parameters_carry_their_source() -> None:
    found = document(max_hr=189)["parameters"]
    assert found["max_hr"] == {"value": 189, "source": "params"}
    assert found["rest_hr"] == {"value": None, "source": "unset"}
    assert found["max_gap"] == {"value": 1, "source": "default"}


def test_nulls_have_reasons() -> None:
    found = document()
    reasons = {note["key"]: note["reason"] for note in found["notes"]}
    for key in ("athlete_max_hr", "max_speed_percent", "hr_rest_reserve"):
        assert found[key] is None
        assert reasons[key]
    assert found["timePerHrZone"] == []
    assert found["trimp"] == {"banister": None, "edwards": None}


def test_presets_are_printed() -> None:
    definition = document(smoothing="research", acceleration_min_duration=0.5)["definition"]
    assert definition["smoothing"] == "research"
    assert definition["smoothing_samples"] == 3
    assert definition["acceleration_min_duration"] == 0.5


def test_rounding() -> None:
    value = {"a": 1.23456, "threshold_low": 1 / 3.6, "range_bpm": [1 / 3], "b": [np.float64(-1e-9)]}
    assert rounded(value, 4) == {
        "a": 1.2346, "threshold_low": 1 / 3.6, "range_bpm": [1 / 3], "b": [0.0],
    }  # fmt: skip
    assert str(rounded(-1e-9, 4)) == "0.0"
    with pytest.raises(ValueError, match="never nan"):
        rounded(float("nan"), 4)


def test_digest_is_of_the_result_alone() -> None:
    found = document(final=True)
    plain = {k: v for k, v in found.items() if k != "digest"}
    assert found["digest"] == hashlib.sha256(rfc8785.dumps(plain)).hexdigest()
    added = {
        **found,
        "last_computation": 1,
        "edition": 2,
        "input": {"samples": 3, "digest": "x"},
        "quality": {**found["quality"], "arrival": {"late": 4}},
    }
    assert digest(added) == found["digest"]
    assert digest({**found, "total_distance": 1.0}) != found["digest"]
    assert digest({**found, "quality": {**found["quality"], "gaps": 99}}) != found["digest"]


def test_an_open_effort_is_marked_live_and_not_digested() -> None:
    soccer = registry().sport("soccer")
    resolved = resolve_parameters(soccer, {"sport": "soccer"}, {}, {})
    fold = FrameFold(soccer, resolved, START, END)
    speed = np.minimum(8.0, np.arange(60) * 0.35)
    fold.advance({"t": START + np.arange(60) * 100, "speed": speed})
    live, final = fold.document(False), fold.document(True)
    assert live["sprint"]["threshold_1"]["values"][-1]["open"] is True
    assert live["hid"]["threshold_1"]["values"][-1]["open"] is True
    assert "open" not in final["sprint"]["threshold_1"]["values"][-1]
    assert live != final
    assert live["digest"] == final["digest"]


def test_empty_document() -> None:
    empty = empty_document(registry().sport("soccer"))
    assert empty["total_distance"] is None
    assert empty["metrics"]["total_distance"] == 1
    soccer = registry().sport("soccer")
    unfed = FrameFold(soccer, resolve_parameters(soccer, {"sport": "soccer"}, {}, {}), START, END)
    assert unfed.document(True) == unfed.document(False) == empty


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-1e6, 1e6).map(lambda x: round(x, 4)),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text("abcz_", max_size=6), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=100, deadline=None, derandomize=True)
@given(json_values)
def test_canonical_form_is_rfc_8785(value: Any) -> None:
    assert canonical(value).encode() == rfc8785.dumps(value)


def without_open(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_open(v) for k, v in value.items() if k != "open"}
    return [without_open(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("sport", ["soccer", "tennis"])
def test_a_document_written_by_its_changes_is_the_document_written_anew(sport: str) -> None:
    declared = registry().sport(sport)
    resolved = resolve_parameters(declared, {"sport": sport}, {"max_hr": 190, "rest_hr": 50}, {})
    samples = walk(seed=3, n=2400, doppler=True)
    going = FrameFold(declared, resolved, START, END)
    for low in range(0, 2400, 70):
        going.advance({name: column[low : low + 70] for name, column in samples.items()})
        document = going.document(False)
        fresh = FrameFold.restore(declared, resolved, START, END, going.snapshot())
        assert document == fresh.document(False)
        inside = {k: v for k, v in document.items() if k != "digest"}
        anew = hashlib.sha256(rfc8785.dumps(without_open(inside))).hexdigest()
        assert document["digest"] == digest(document) == anew
