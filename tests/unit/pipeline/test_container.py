"""The device file: what is written is read, damage is found, what it says of itself is checked."""

import io
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pipeline import container
from core.pipeline.columns import Columns
from core.pipeline.container import Column, ContainerError, Header, Reader, Writer
from core.pipeline.decode import DecodeError, decode, device_file

T0 = 1_590_868_800_000
KINDS = (
    Column("t", "ms", "i8"),
    Column("gnss.latitude", "deg", "i4", 7),
    Column("gnss.speed", "m/s", "i2", 3),
    Column("ecg.hr", "1/min", "f8"),
)


def ride(rows: int = 5) -> Columns:
    hr = np.full(rows, 120.0)
    hr[1::2] = np.nan
    return {
        "t": T0 + 100 * np.arange(rows, dtype=np.int64),
        "gnss.latitude": np.round(46.5 + np.arange(rows) * 1e-6, 7),
        "gnss.speed": np.where(np.arange(rows) == 2, np.nan, 3.125),
        "ecg.hr": hr,
    }


def file(columns: Columns | None = None, kinds: Any = KINDS, **about: str) -> bytes:
    stream = io.BytesIO()
    container.dump(stream, ride() if columns is None else columns, kinds, **about)
    return stream.getvalue()


def same(a: Columns, b: Columns) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n], equal_nan=True) for n in a)


def test_what_is_written_is_read() -> None:
    reader = Reader(io.BytesIO(file(serial_number="S1", sport="tennis")))
    assert reader.header == Header(KINDS, {"serial_number": "S1", "sport": "tennis"})
    [chunk] = reader.chunks()
    assert same(chunk, ride())


def test_chunks_come_as_they_are_written() -> None:
    stream = io.BytesIO()
    writer = Writer(stream, Header(KINDS))
    rows = container.MAX_ROWS + 10
    writer.write(ride(rows))
    writer.write({"t": ride(2)["t"] + 10**9})
    writer.close()
    stream.seek(0)
    sizes = [len(chunk["t"]) for chunk in Reader(stream).chunks()]
    assert sizes == [container.MAX_ROWS, 10, 2]


def test_a_recording() -> None:
    decoded = decode(file(serial_number="S1", device_name="vest", sport="soccer"))
    assert same(decoded.columns, ride())
    assert (decoded.format, decoded.records) == ("touchline", 5)
    assert (decoded.serial, decoded.product, decoded.sport) == ("S1", "vest", "soccer")
    assert decoded.repairs == {}


def test_repairs() -> None:
    columns = ride(6)
    columns["t"] = np.array([T0 + 100, T0, T0, 5, 2**62, T0 + 200])
    columns["ecg.hr"] = np.array([0.0, 120, 130, 1, 1, 900])
    decoded = decode(file(columns))
    assert decoded.columns["t"].tolist() == [T0, T0 + 100, T0 + 200]
    assert decoded.repairs == {
        "backward": 1,
        "duplicate": 1,
        "outside_bounds": 1,
        "without_time": 2,
    }
    kinds = (KINDS[0], Column("ecg.timestamp", "ms", "f8"))
    endless = {"t": ride(2)["t"], "ecg.timestamp": np.array([np.inf, 1.0])}
    assert np.isnan(decode(file(endless, kinds)).columns["ecg.timestamp"][0])


def test_a_value_that_does_not_fit_is_not_written() -> None:
    with pytest.raises(ValueError, match=r"gnss\.speed"):
        file(ride() | {"gnss.speed": np.full(5, 33.0)})
    with pytest.raises(ValueError, match=r"ecg\.hr"):
        file(ride() | {"ecg.hr": np.zeros(4)})


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_byte_can_change_unseen(data: st.DataObject) -> None:
    whole = file(serial_number="S1")
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    damaged = bytearray(whole)
    damaged[at] ^= 1 << bit
    with pytest.raises(ContainerError):
        list(Reader(io.BytesIO(bytes(damaged))).chunks())


def test_every_shorter_file_is_truncated() -> None:
    whole = file()
    for length in range(len(container.MAGIC), len(whole)):
        with pytest.raises(DecodeError) as caught:
            device_file.decode(whole[:length], date=None, timezone="UTC")
        assert caught.value.reason == "truncated"
        assert caught.value.offset <= length
    with pytest.raises(DecodeError, match="after the end"):
        decode(whole + b"x")


def with_header(document: Any) -> bytes:
    text = document if isinstance(document, bytes) else orjson.dumps(document)
    head = container._HEAD.pack(container.MAGIC, container.VERSION, len(text)) + text
    return head + container._CRC.pack(container.zlib.crc32(head))


CLOCK = {"name": "t", "unit": "ms", "type": "i8"}
SPEED = {"name": "gnss.speed", "unit": "m/s", "type": "f8"}


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"{", "not JSON"),
        ([], "not an object"),
        ({}, "no columns"),
        ({"columns": []}, "no columns"),
        ({"columns": ["t"]}, "no columns"),
        ({"columns": [SPEED, CLOCK]}, "first column"),
        ({"columns": [{**CLOCK, "type": "f8"}]}, "first column"),
        ({"columns": [CLOCK, SPEED, SPEED]}, "twice"),
        ({"columns": [CLOCK, {**SPEED, "unit": "km/h"}]}, "km/h"),
        ({"columns": [CLOCK, {**SPEED, "name": "warp"}]}, "warp"),
        ({"columns": [CLOCK, {**SPEED, "name": ["t"]}]}, "unknown column"),
        ({"columns": [CLOCK, {**SPEED, "type": "f4"}]}, "f4"),
        ({"columns": [CLOCK, {**SPEED, "type": {}}]}, "of type"),
        ({"columns": [CLOCK, {**SPEED, "scale": 1}]}, "scale"),
        ({"columns": [CLOCK, {**SPEED, "type": "i4", "scale": 10}]}, "scale"),
        ({"columns": [CLOCK, {**SPEED, "type": "i4", "scale": True}]}, "scale"),
        ({"columns": [CLOCK], "serial_number": 7}, "serial_number"),
        ({"columns": [CLOCK], "sport": "x" * 256}, "sport"),
    ],
)
def test_what_a_header_may_not_say(header: Any, says: str) -> None:
    with pytest.raises(ContainerError, match=says):
        Reader(io.BytesIO(with_header(header)))


def test_other_versions_and_huge_headers_are_refused() -> None:
    pack = container._HEAD.pack
    for head, says in (
        (pack(container.MAGIC, 2, 2), "version 2"),
        (pack(container.MAGIC, 1, 2**31), "header of"),
        (pack(b"ASI     ", 1, 2), "no Touchline"),
    ):
        with pytest.raises(ContainerError, match=says):
            Reader(io.BytesIO(head + b"{}"))
