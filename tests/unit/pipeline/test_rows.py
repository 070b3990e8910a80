"""The writer of JSON rows against the standard library's reader."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.pipeline import rows
from tests.unit.pipeline.samples import T0, player

NAN = float("nan")


def read(text: bytes) -> list[dict[str, Any]]:
    return json.loads(b"[" + text + b"]")


def agrees(columns: dict[str, NDArray], got: list[dict[str, Any]]) -> None:
    """Every number reads back equal, every NaN as null, whole numbers without a point."""
    assert len(got) == len(columns["t"])
    for name, values in columns.items():
        key = "gnss.timestamp" if name == "t" else name
        column = [row[key] for row in got]
        assert all(type(value) is int for value in column) or name != "t"
        numbers = np.array([np.nan if value is None else value for value in column])
        np.testing.assert_array_equal(numbers, values)


def one(values: list[float]) -> list[Any]:
    """What a single column is written as."""
    columns = {"t": T0 + np.arange(len(values)), "x": np.array(values)}
    got = read(rows.rows(columns))
    agrees(columns, got)
    return [row["x"] for row in got]


def test_a_players_rows_are_the_stored_decimals() -> None:
    columns = player(7_001)
    got = read(b",".join(rows.chunks(columns)))
    agrees(columns, got)
    assert list(got[0]) == ["gnss.timestamp", *list(columns)[1:]]
    assert all(type(row["ecg.hr"]) is int for row in got if row["ecg.hr"] is not None)


@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [7.0, 0.0, 9.0],
        [0.0, 99.0],
        [0.0, 9999.0, 250.0],
        [1.0, 10000.0],
        [12345678.0, 99999999.0],
        [1_590_868_800_000.0, NAN, 1_590_868_800_999.0],
        [-999.0, -1.0, 0.0, 999.0],
        [-1000.0, 5.0],
        [-0.5, 0.5, -0.0, -12.25],
        [-179.9999999, 179.9999999, -0.0000001],
        [46.5, 46.5200001, NAN, 6.0],
        [0.1, 0.12, 0.123, 0.1234],
        [0.12345, 1.0],
        [0.123456, 1.0],
        [0.12345678, 1.0],
        [0.123456789, 1.0, -3.0],
        [10000.5, 10000.75],
        [1.5, 123456.5],
        [NAN, NAN],
        [NAN, 5.0],
        [1 / 3, NAN, -2 / 3],
        [5e-324, 1.7976931348623157e308, -1e22],
        [2.0**53, -(2.0**53), 2.0**60],
    ],
)
def test_numbers_of_every_kind(values: list[float]) -> None:
    one(values)


def test_decimals_are_not_written_as_their_binary_neighbours() -> None:
    text = rows.rows({"t": np.array([T0]), "x": np.array([46.5200001]), "y": np.array([3.2])})
    assert text == b'{"gnss.timestamp":%d,"x":46.5200001,"y":3.2}' % T0


decimals = st.builds(
    lambda whole, places: whole / 10**places, st.integers(-(10**12), 10**12), st.integers(0, 9)
)
anything = st.one_of(
    decimals,
    st.integers(-2000, 20_000).map(float),
    st.floats(allow_nan=True, allow_infinity=False),
    st.just(NAN),
)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(-(2**62), 2**62),
    st.lists(st.tuples(anything, decimals, st.integers(0, 300).map(float)), min_size=1, max_size=9),
)
def test_any_number_reads_back_equal(t: int, table: list[tuple[float, ...]]) -> None:
    columns = {"t": t + np.arange(len(table))}
    columns |= {f"c{k}": np.array(values) for k, values in enumerate(zip(*table, strict=True))}
    agrees(columns, read(rows.rows(columns)))
