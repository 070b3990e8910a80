"""The refusals of contract/touchline.md section 2, by column and first row, and what passes."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput, TooLarge
from core.pipeline.uplink import Batch, parse

T0 = 1_590_868_800_000
NOW = T0 + 3_600_000


def body(**columns: Any) -> bytes:
    clock = {"gnss.timestamp": [T0, T0 + 100, T0 + 200]}
    return json.dumps({"batch": "b", "sent": NOW, "columns": clock | columns}).encode()


def take(raw: bytes | dict[str, Any]) -> Batch:
    return parse(raw if isinstance(raw, bytes) else json.dumps(raw).encode(), NOW)


def refused(raw: bytes | dict[str, Any]) -> str:
    with pytest.raises(BadInput) as caught:
        take(raw)
    assert caught.value.status == 400
    return caught.value.errors[0]["pointer"] if caught.value.errors else ""


def test_a_batch_becomes_columns() -> None:
    batch = take(body(**{"gnss.speed": [1, None, 2.5], "ecg.hr": [None] * 3}))
    assert (batch.batch, batch.sent, batch.n, batch.t0, batch.t1) == ("b", NOW, 3, T0, T0 + 200)
    samples = batch.streams["samples"]
    assert list(samples) == ["t", "gnss.speed"]  # a column without any value is not kept
    assert samples["t"].dtype == np.int64
    np.testing.assert_array_equal(samples["gnss.speed"], [1, np.nan, 2.5])


@pytest.mark.parametrize(
    ("columns", "pointer"),
    [
        ({"gnss.timestamp": [T0, T0 + 100, T0 + 100]}, "/columns/gnss.timestamp/2"),
        ({"gnss.timestamp": [T0, T0 - 100, T0 + 100]}, "/columns/gnss.timestamp/1"),
        ({"gnss.timestamp": [T0, None, T0 + 100]}, "/columns/gnss.timestamp/1"),
        ({"gnss.timestamp": [T0, T0 + 0.5, T0 + 100]}, "/columns/gnss.timestamp/1"),
        ({"gnss.timestamp": [946_684_799_999, T0, T0 + 1]}, "/columns/gnss.timestamp/0"),
        ({"gnss.timestamp": [T0, T0 + 1, NOW + 300_001]}, "/columns/gnss.timestamp/2"),
        ({"gnss.timestamp": [1e300, 1e301, 1e302]}, "/columns/gnss.timestamp/0"),
        ({"gnss.timestamp": []}, "/columns/gnss.timestamp"),
        ({"gnss.timestamp": T0}, "/columns/gnss.timestamp"),
        ({"gnss.speed": [1, 2]}, "/columns/gnss.speed/2"),
        ({"gnss.speed": [1, 2, 3, 4]}, "/columns/gnss.speed/3"),
        ({"gnss.speed": None}, "/columns/gnss.speed"),
        ({"gnss.speed": [1, 2, True]}, "/columns/gnss.speed/2"),
        ({"gnss.speed": [1, "2", 3]}, "/columns/gnss.speed/1"),
        ({"gnss.speed": [[1], 2, 3]}, "/columns/gnss.speed/0"),
        ({"gnss.speed": [1, {}, 3]}, "/columns/gnss.speed/1"),
        ({"gnss.speed": [1, 2, 10**40]}, "/columns/gnss.speed/2"),
        ({"gnss.speed": [1, float("nan"), 3]}, "/columns/gnss.speed/1"),
        ({"gnss.speed": [1, 2, float("inf")]}, "/columns/gnss.speed/2"),
        ({"gnss.speed": [1, -0.001, 3]}, "/columns/gnss.speed/1"),
        ({"gnss.speed": [1, 2, 150.001]}, "/columns/gnss.speed/2"),
        ({"gnss.latitude": [None, 2, 90.0000001]}, "/columns/gnss.latitude/2"),
        ({"gnss.longitude": [-180.0000001, 2, 3]}, "/columns/gnss.longitude/0"),
        ({"gnss.altitude": [1, -1000.1, 3]}, "/columns/gnss.altitude/1"),
        ({"gnss.altitude": [1, 20_000.1, 3]}, "/columns/gnss.altitude/1"),
        ({"ecg.hr": [1, 301, 3]}, "/columns/ecg.hr/1"),
        ({"pwr.pwr_instantpower": [1, 2, 5001]}, "/columns/pwr.pwr_instantpower/2"),
        ({"ecg.timestamp": [T0, 12, None]}, "/columns/ecg.timestamp/1"),
        ({"gnss.satellites": [1, 2, 3]}, "/columns/gnss.satellites"),
        ({"a/b~c": [1, 2, 3]}, "/columns/a~1b~0c"),
        ({"field.x": [1, 2, 3]}, "/columns/field.x"),
        ({"t": [1, 2, 3]}, "/columns/t"),
    ],
)
def test_refusals_name_column_and_row(columns: dict[str, Any], pointer: str) -> None:
    assert refused(body(**columns)) == pointer


def test_literal_overflow_is_named() -> None:
    assert refused(body(**{"gnss.speed": [1, 2, 3]}).replace(b"2, 3]", b"2, 1e999]")) == (
        "/columns/gnss.speed/2"
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"gnss.speed": [0, 149.9, 150]},
        {"gnss.latitude": [-90, 90, 46.123456789]},
        {"gnss.altitude": [-1000, 20_000, 0]},
        {"ecg.hr": [0, 300, None], "ecg.timestamp": [T0 + 3, None, T0 + 203]},
        {"pwr.pwr_instantpower": [0, 5000, 1], "pwr.pwr_cadence": [0, 250, 90]},
        {
            "device.standstill": [0, 1, 1],
            "device.Bat_lvl": [50, 50, 49],
            "device.timestamp": [T0] * 3,
        },
        {"run.cadence": [170, 171, 172], "env.temp": [-30, 0, 20.5]},
        {"gnss.timestamp": [NOW + 299_998, NOW + 299_999, NOW + 300_000]},
        {"gnss.timestamp": [946_684_800_000, T0, T0 + 1]},
    ],
)
def test_everything_inside_the_bounds_passes(columns: dict[str, Any]) -> None:
    samples = take(body(**columns)).streams["samples"]
    for name, values in columns.items():
        kept = samples["t" if name == "gnss.timestamp" else name]
        np.testing.assert_array_equal(kept, np.array(values, float))


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"batch": "b", "sent": NOW}, "/columns"),
        ({"batch": "b", "columns": {}}, "/columns/gnss.timestamp"),
        ({"batch": "b", "columns": []}, "/columns"),
        ({"batch": "b", "streams": {"heat": {}}}, "/streams/heat"),
        ({"batch": "b", "streams": {"rr": {"rr": [800]}}}, "/streams/rr/timestamp"),
        ({"batch": "b", "streams": {"rr": {"timestamp": [T0], "q": [1]}}}, "/streams/rr/q"),
        ({"batch": "b", "streams": {"imu": {"timestamp": [T0], "ax": []}}}, "/streams/imu/ax/0"),
        ({"batch": "b", "streams": {"rr": {"timestamp": [5]}}}, "/streams/rr/timestamp/0"),
        ({"batch": "b", "streams": {"events": {"timestamp": [T0], "x": []}}}, "/streams/events/x"),
        ({"batch": "b", "colums": {}}, "/colums"),
        ({"batch": "", "columns": {"gnss.timestamp": [T0]}}, "/batch"),
        ({"batch": "x" * 65, "columns": {"gnss.timestamp": [T0]}}, "/batch"),
        ({"batch": 7, "columns": {"gnss.timestamp": [T0]}}, "/batch"),
        ({"batch": "a\x00", "columns": {"gnss.timestamp": [T0]}}, "/batch"),
        ({"columns": {"gnss.timestamp": [T0]}}, "/batch"),
        ({"batch": "b", "sent": "now", "columns": {"gnss.timestamp": [T0]}}, "/sent"),
        ({"batch": "b", "sent": True, "columns": {"gnss.timestamp": [T0]}}, "/sent"),
        ({"batch": "b", "n": -1, "columns": {"gnss.timestamp": [T0]}}, "/n"),
        ({"batch": "b", "n": 0, "columns": {"gnss.timestamp": [T0]}}, "/n"),
    ],
)  # fmt: skip
def test_refusals_of_the_envelope(document: dict[str, Any], pointer: str) -> None:
    assert refused(document) == pointer


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"[1]", b"null", b'"x"', b"[" * 50_000, b'{"batch":"\\ud800"}']
)
def test_bodies_that_are_no_object(raw: bytes) -> None:
    assert refused(raw) == ""


def test_streams_travel_alone() -> None:
    batch = take({"batch": "x" * 64, "n": 3, "streams": {"rr": {"timestamp": [T0], "rr": [812]}}})
    assert (batch.number, batch.n, list(batch.streams)) == (3, 1, ["rr"])
    assert batch.streams["rr"]["rr"].tolist() == [812]


def named(stream: str = "lengths", **columns: Any) -> dict[str, Any]:
    clock = {"timestamp": [T0, T0 + 1, T0 + 2]}
    return {"batch": "b", "streams": {stream: clock | columns}}


def test_names_become_codes() -> None:
    names = take(named(stroke_type=["freestyle", None, "butterfly"]))
    np.testing.assert_array_equal(names.streams["lengths"]["stroke_type"], [0, np.nan, 3])
    codes = take(named(stroke_type=[0, None, 3]))
    assert codes.content_hash == names.content_hash
    events = take(named("events", event=["lap", "period", 36], value=[1, 2, None]))
    assert events.streams["events"]["event"].tolist() == [9, 1000, 36]


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (named(stroke_type=["freestyle", "doggy paddle", 0]), "/streams/lengths/stroke_type/1"),
        (named(stroke_type=["freestyle", "", 0]), "/streams/lengths/stroke_type/1"),
        (named(stroke_type=[0, 0.5, 0]), "/streams/lengths/stroke_type/1"),
        (named(stroke_type=[0, 0, -1]), "/streams/lengths/stroke_type/2"),
        (named(stroke_type=[65_536, 0, 1]), "/streams/lengths/stroke_type/0"),
        (named(stroke_type=[0, True, 1]), "/streams/lengths/stroke_type/1"),
        (named(stroke_type=["freestyle"]), "/streams/lengths/stroke_type/1"),
        (named(strokes=["freestyle", 1, 2]), "/streams/lengths/strokes/0"),
        (named("events", event=["lap", "freestyle", 0]), "/streams/events/event/1"),
    ],
)
def test_refusals_of_names(document: dict[str, Any], pointer: str) -> None:
    assert refused(document) == pointer


def test_limits_of_size() -> None:
    clock = {"gnss.timestamp": list(range(T0, T0 + 36_000))}
    assert take({"batch": "b", "columns": clock}).n == 36_000
    clock["gnss.timestamp"].append(T0 + 36_000)
    with pytest.raises(TooLarge):
        take({"batch": "b", "columns": clock})
    with pytest.raises(TooLarge):
        take(b" " * (8 * 1024 * 1024 + 1))


def test_hash_is_of_the_samples() -> None:
    plain = take(body(**{"gnss.speed": [1, None, 0], "ecg.hr": [None] * 3})).content_hash
    spaced = {
        "columns": {"gnss.speed": [1.0, None, -0.0], "gnss.timestamp": [T0, T0 + 100, T0 + 200]},
        "batch": "b",
    }
    assert take(json.dumps(spaced, indent=2).encode()).content_hash == plain
    for other in ([1, None, 1], [1, 0, None], [None, 1, 0]):
        assert take(body(**{"gnss.speed": other})).content_hash != plain
    assert take(body(**{"gnss.altitude": [1, None, 0]})).content_hash != plain


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
names = st.sampled_from(["gnss.timestamp", "gnss.speed", "ecg.hr", "field.x", "timestamp", "rr"])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "batch": st.text(max_size=70) | json_values,
            "sent": json_values,
            "columns": st.dictionaries(names, json_values | st.lists(st.just(T0))) | json_values,
            "streams": st.dictionaries(st.sampled_from(["rr", "imu", "x"]), json_values),
        },
    )
)
def test_no_body_is_a_failure_of_ours(document: dict[str, Any]) -> None:
    raw = json.dumps(document).encode()
    try:
        batch = parse(raw, NOW)
    except BadInput as error:
        assert error.detail  # noqa: PT017 -- most bodies are refused, some are good
    else:
        assert batch.n >= 1
