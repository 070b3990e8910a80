"""The Arrow form of a batch: the same content, the same refusals, and nothing believed."""

import json
import random
import struct
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput, TooLarge
from core.pipeline import uplink
from core.pipeline.uplink_arrow import MAX_MESSAGES, parse
from tests.unit.pipeline.arrow_batches import as_arrow, one_stream

T0 = 1_590_868_800_000
NOW = T0 + 3_600_000
CLOCK = {"gnss.timestamp": [T0, T0 + 100, T0 + 200]}


def document(**columns: Any) -> dict[str, Any]:
    return {"batch": "b", "sent": NOW, "columns": CLOCK | columns}


def refused(body: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        parse(body, NOW)
    assert caught.value.status == 400
    return caught.value.errors[0]["pointer"] if caught.value.errors else ""


def test_arrow_carries_what_json_carries() -> None:
    whole = {
        **document(**{"gnss.latitude": [46.1234567, None, -0.0], "ecg.hr": [120, None, 121]}),
        "n": 7,
        "streams": {
            "rr": {"timestamp": [T0, T0 + 812], "rr": [812, 790.5]},
            "imu": {"timestamp": [T0], "ax": [0.25], "gz": [None]},
            "lengths": {"timestamp": [T0, T0 + 1], "stroke_type": ["drill", None]},
        },
    }
    by_json = uplink.parse(json.dumps(whole).encode(), NOW)
    for compression in (None, "zstd", "lz4"):
        by_arrow = parse(as_arrow(whole, compression=compression, rows=2), NOW)
        assert by_arrow.content_hash == by_json.content_hash
        for name in ("batch", "sent", "number", "n", "t0", "t1"):
            assert getattr(by_arrow, name) == getattr(by_json, name)
        assert list(by_arrow.streams) == ["samples", "rr", "imu", "lengths"]
        for stream, columns in by_json.streams.items():
            assert list(by_arrow.streams[stream]) == list(columns)
            for name, values in columns.items():
                np.testing.assert_array_equal(by_arrow.streams[stream][name], values)


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.int64(), pa.float16(), pa.float32()])
def test_numbers_of_any_width(kind: pa.DataType) -> None:
    table = pa.table(
        {**CLOCK, "ecg.hr": pa.array([120, None, 96], kind), "gnss.speed": pa.nulls(3)}
    )
    samples = parse(one_stream(table, {"batch": "b", "pandas": "{}"}), NOW).streams["samples"]
    np.testing.assert_array_equal(samples["ecg.hr"], [120, np.nan, 96])
    assert "gnss.speed" not in samples


@pytest.mark.parametrize(
    ("column", "pointer"),
    [
        ({"gnss.timestamp": [T0, T0 + 100, T0 + 100]}, "/columns/gnss.timestamp/2"),
        ({"gnss.timestamp": [T0, None, T0 + 100]}, "/columns/gnss.timestamp/1"),
        ({"gnss.timestamp": [T0, T0 + 0.5, T0 + 100]}, "/columns/gnss.timestamp/1"),
        ({"gnss.timestamp": pa.array([T0, T0 + 1, T0 + 2], pa.timestamp("ms"))},
         "/columns/gnss.timestamp"),
        ({"gnss.speed": [1, 2, 150.001]}, "/columns/gnss.speed/2"),
        ({"gnss.speed": [None, float("nan"), 1]}, "/columns/gnss.speed/1"),
        ({"gnss.speed": [1, 2, float("-inf")]}, "/columns/gnss.speed/2"),
        ({"gnss.speed": [True, False, True]}, "/columns/gnss.speed"),
        ({"gnss.speed": ["1", "2", "3"]}, "/columns/gnss.speed"),
        ({"gnss.speed": [[1.0], [], [2.0]]}, "/columns/gnss.speed"),
        ({"gnss.speed": pa.array([1.0, 2.0, 1.0]).dictionary_encode()}, "/columns/gnss.speed"),
        ({"gnss.speed": pa.array([1, 2, 3], pa.decimal128(5, 2))}, "/columns/gnss.speed"),
        ({"gnss.satellites": [1, 2, 3]}, "/columns/gnss.satellites"),
        ({"a/b~c": [1, 2, 3]}, "/columns/a~1b~0c"),
        ({"field.x": [1, 2, 3]}, "/columns/field.x"),
    ],
)  # fmt: skip
def test_refusals_name_column_and_row(column: dict[str, Any], pointer: str) -> None:
    for rows in (10**6, 1):
        body = one_stream(pa.table(CLOCK | column), {"batch": "b"}, rows=rows)
        assert refused(body) == pointer


@pytest.mark.parametrize(
    ("metadata", "pointer"),
    [
        (None, "/batch"),
        ({"sent": "1"}, "/batch"),
        ({"batch": ""}, "/batch"),
        ({"batch": "x" * 65}, "/batch"),
        ({"batch": "b", "sent": "now"}, "/sent"),
        ({"batch": "b", "sent": "-1"}, "/sent"),
        ({"batch": "b", "n": "1.0"}, "/n"),
        ({"batch": "b", "n": "9" * 5_000}, "/n"),
        ({"batch": "b", "stream": "heat"}, "/streams/heat"),
        ({"batch": "b", "stream": "rr"}, "/streams/rr/gnss.timestamp"),
    ],
)
def test_refusals_of_the_metadata(metadata: dict[str, str] | None, pointer: str) -> None:
    assert refused(one_stream(pa.table(CLOCK), metadata)) == pointer


@pytest.mark.parametrize(
    ("stream", "column", "pointer"),
    [
        ("lengths", {"stroke_type": ["drill", "doggy paddle"]}, "/streams/lengths/stroke_type/1"),
        ("lengths", {"strokes": ["drill", "drill"]}, "/streams/lengths/strokes"),
        ("rr", {"stroke_type": ["drill", "drill"]}, "/streams/rr/stroke_type"),
    ],
)
def test_text_is_taken_for_names_only(stream: str, column: dict[str, Any], pointer: str) -> None:
    clock = {"timestamp": [T0, T0 + 1]}
    assert refused(as_arrow({"batch": "b", "streams": {stream: clock | column}})) == pointer


def test_a_stream_or_a_column_twice_is_refused() -> None:
    once = one_stream(pa.table(CLOCK), {"batch": "b"})
    assert refused(once + once) == "/stream"
    clock = pa.array(CLOCK["gnss.timestamp"])
    twice = pa.Table.from_arrays([clock, clock], ["gnss.timestamp", "gnss.timestamp"])
    assert refused(one_stream(twice, {"batch": "b"})) == "/columns/gnss.timestamp"


def test_bodies_that_are_no_stream() -> None:
    good = as_arrow(document(**{"gnss.speed": [1, 2, 3]}))
    for body in (
        b"",
        b"{}",
        b"ARROW1\x00\x00",
        good[:-100],
        good[:100],
        b"\x00" * 64,
        good + b"\xff" * 7,
        good + b"\x00" * 64,
        one_stream(pa.table({"gnss.timestamp": pa.array([], pa.int64())}), {"batch": "b"}),
    ):
        refused(body)


def test_limits_of_size() -> None:
    times = np.arange(T0, T0 + 36_001)
    table = pa.table({"gnss.timestamp": times})
    assert parse(one_stream(table.slice(0, 36_000), {"batch": "b"}, rows=999), NOW).n == 36_000
    with pytest.raises(TooLarge, match="rows"):
        parse(one_stream(table, {"batch": "b"}), NOW)
    with pytest.raises(TooLarge, match="bytes"):
        parse(b" " * (8 * 2**20 + 1), NOW)
    with pytest.raises(TooLarge, match="messages"):
        parse(one_stream(table.slice(0, MAX_MESSAGES), {"batch": "b"}, rows=1), NOW)


def test_what_unpacks_to_more_is_refused_before_it_is_unpacked() -> None:
    huge = pa.table({"gnss.timestamp": np.zeros(40 * 2**20 // 8, np.int64)})
    body = one_stream(huge, {"batch": "b"}, compression="zstd")
    assert len(body) < 100_000
    before = pa.total_allocated_bytes()
    with pytest.raises(TooLarge, match="unpacks"):
        parse(body, NOW)
    assert pa.total_allocated_bytes() - before < 2**20


def test_a_buffer_that_lies_about_what_it_holds_allocates_nothing() -> None:
    times = [T0 + 100 * k for k in range(600)]
    body = one_stream(pa.table({"gnss.timestamp": times}), {"batch": "b"}, compression="zstd")
    held = struct.pack("<q", 600 * 8)
    assert body.count(held) == 1
    for lie in (2**62, 2**40, 600 * 8 + 1, 1, -2, -(2**62)):
        tracemalloc.start()
        with pytest.raises((BadInput, TooLarge)):
            parse(body.replace(held, struct.pack("<q", lie)), NOW)
        assert tracemalloc.get_traced_memory()[1] < 2**20
        tracemalloc.stop()


@pytest.mark.parametrize("compression", [None, "zstd"])
def test_no_changed_byte_is_a_failure_of_ours(compression: str | None) -> None:
    whole = {**document(**{"gnss.speed": [1, None, 3]}), "streams": {"rr": {"timestamp": [T0]}}}
    good = as_arrow(whole, compression=compression)
    rng = random.Random(5)
    outcomes = {"good": 0, "refused": 0}
    for trial in range(len(good) * 4):
        body = bytearray(good)
        for _ in range(1 if trial < len(good) else rng.randint(1, 6)):
            at = trial if trial < len(good) else rng.randrange(len(good))
            body[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        try:
            parse(bytes(body), NOW)
            outcomes["good"] += 1
        except (BadInput, TooLarge):
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0


values = st.none() | st.integers(0, 150) | st.floats(0, 150)


@settings(deadline=None, max_examples=50)
@given(st.lists(values, min_size=3, max_size=3), st.sampled_from([1, 2, 9]), st.booleans())
def test_json_and_arrow_hash_alike(speed: list[float | None], rows: int, packed: bool) -> None:
    floats = [None if v is None else float(v) for v in speed]
    form = "lz4" if packed else None
    arrow = as_arrow(document(**{"gnss.speed": floats}), rows=rows, compression=form)
    plain = json.dumps(document(**{"gnss.speed": speed})).encode()
    assert parse(arrow, NOW).content_hash == uplink.parse(plain, NOW).content_hash
