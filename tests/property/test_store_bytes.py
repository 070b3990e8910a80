"""Bytes of the store come back bit for bit, whatever the values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.pipeline import blocks
from core.pipeline.columns import Columns, cut, exact_decimals, exact_long_columns

decimals = st.builds(
    lambda whole, scale: whole / 10**scale, st.integers(-(2**53), 2**53), st.integers(0, 9)
)
anything = st.one_of(
    st.just(float("nan")),
    decimals,
    st.integers(-(10**6), 10**6).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, 0.1 + 0.2]),
)


@st.composite
def columns(draw: st.DrawFn, most: int = 60) -> Columns:
    steps = draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=most))
    n = len(steps)
    names = draw(st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=4))
    made: Columns = {"t": draw(st.integers(-(2**40), 2**45)) + np.cumsum(steps)}
    for name in names:
        kind = draw(st.sampled_from(["any", "decimal", "absent"]))
        values = {"any": anything, "decimal": decimals, "absent": st.just(float("nan"))}[kind]
        if name != "t":
            made[name] = draw(arrays(np.float64, n, elements=values))
    return made


def equal(a: Columns, b: Columns) -> None:
    assert list(a) == list(b)
    for name in a:
        assert a[name].dtype == b[name].dtype
        assert a[name].flags.writeable
        np.testing.assert_array_equal(a[name], b[name])


@settings(deadline=None)
@given(columns())
def test_packed_row_round_trip(made: Columns) -> None:
    equal(made, blocks.unpack(blocks.pack(made)))


@settings(deadline=None, max_examples=60)
@given(columns())
def test_sealed_block_round_trip(made: Columns) -> None:
    equal(made, blocks.decode(blocks.encode(made)))


@settings(deadline=None)
@given(columns(), st.binary(max_size=40), st.integers(0, 200))
def test_damaged_row_is_an_error_of_ours(made: Columns, junk: bytes, at: int) -> None:
    good = blocks.pack(made)
    for bad in (good[:at], junk, junk + good[len(junk) :]):
        try:
            blocks.unpack(bad)
        except blocks.CorruptBlock:
            continue


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 300)), elements=anything))
def test_decimals_are_exact_or_refused(values: np.ndarray) -> None:
    whole, scale = exact_decimals(values)
    for row, places in enumerate(scale):
        there = ~np.isnan(values[row])
        if places >= 0:
            assert np.array_equal(whole[row][there] / 10.0**places, values[row][there])
            assert not whole[row][~there].any()


@given(arrays(np.float64, st.tuples(st.integers(0, 3), st.integers(1, 400)), elements=anything))
def test_long_columns_agree_with_short_ones(values: np.ndarray) -> None:
    whole, scale = exact_decimals(values)
    found = list(exact_long_columns(list(values)))
    assert [places for _, places, _ in found] == scale.tolist()
    for row, (kept, places, absent) in enumerate(found):
        there = ~np.isnan(values[row])
        assert there.all() if absent is None else np.array_equal(absent, ~there)
        np.testing.assert_array_equal(kept, whole[row] if places >= 0 else values[row])


@given(st.lists(decimals, min_size=1, max_size=300))
def test_scale_is_the_smallest(values: list[float]) -> None:
    column = np.array([values])
    _, (scale,) = exact_decimals(column)
    smaller = [
        places
        for places in range(10)
        if all(
            round(value * 10**places) / 10**places == value
            and abs(round(value * 10**places)) <= 2**53
            for value in values
        )
    ]
    assert scale == (smaller[0] if smaller else -1)


@given(columns(), st.integers(1, 20), st.integers(0, 10**10))
def test_cut_loses_nothing_and_keeps_the_bounds(made: Columns, rows: int, span: int) -> None:
    pieces = cut(made, rows=rows, span=span)
    assert np.array_equal(np.concatenate([piece["t"] for piece in pieces]), made["t"])
    for piece in pieces:
        assert 1 <= len(piece["t"]) <= rows
        assert piece["t"][-1] - piece["t"][0] <= span
        assert (np.diff(piece["t"]) <= 300_000).all()


def test_ten_samples_of_a_device_stay_small() -> None:
    from tests.unit.pipeline.samples import player

    second = player(10) | {"pwr.pwr_instantpower": np.full(10, 250.0)}
    assert len(blocks.pack(second)) <= 47 * 10


def test_unknown_version_is_named() -> None:
    with pytest.raises(blocks.CorruptBlock, match="version 9"):
        blocks.unpack(b"\x09\x01\x00\x00\x00\x00")
