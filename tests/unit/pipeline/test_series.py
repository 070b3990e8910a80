"""What a chart draws: buckets equal those counted one sample at a time, whatever the pieces."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pipeline import export, series
from core.pipeline.columns import Columns, between
from core.pipeline.series import Limits

T0 = 1_590_868_800_000
LIMITS = Limits(gap=1_000, max_speed=12.0)


def drawn(pieces: list[Columns], bucket: int = 1_000, limits: Limits = LIMITS) -> dict[str, Any]:
    made = series.Series(bucket, bucket, limits)
    for piece in pieces:
        made.add(piece)
    return made.document()


def channel(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["channels"] if one["channel"] == name)


def walk(n: int, step: int = 100, speed: float = 3.0) -> Columns:
    k = np.arange(n)
    return {
        "t": T0 + step * k,
        "gnss.latitude": 46.5 + speed * k * step / 1000 / 111_195,
        "gnss.longitude": np.full(n, 6.6),
    }


@given(
    times=st.lists(st.integers(0, 60_000), unique=True, min_size=1, max_size=60).map(sorted),
    cuts=st.lists(st.integers(0, 60_000), max_size=4).map(sorted),
    bucket=st.sampled_from([100, 1_000, 10_000]),
    seed=st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_buckets_are_those_of_single_samples(
    times: list[int], cuts: list[int], bucket: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(len(times)) < 0.3, np.nan, np.round(rng.random(len(times)), 3))
    columns = {"t": np.array(times) + T0, "gnss.altitude": values}
    edges = [0, *cuts, 60_001]
    pieces = [between(columns, T0 + low, T0 + high) for low, high in itertools.pairwise(edges)]
    document = drawn(pieces, bucket)
    expected: dict[int, list[float]] = {}
    for t, value in zip(times, values.tolist(), strict=True):
        expected.setdefault((T0 + t) // bucket * bucket, []).append(value)
    rows = [row for row, t in enumerate(document["t"].tolist()) if t % bucket == 0]
    assert [document["t"][row] for row in rows] == list(expected)
    assert document["samples"] == len(times)
    if not document["channels"]:
        assert np.isnan(values).all()
        return
    found = channel(document, "gnss.altitude")
    for row, bucketed in zip(rows, expected.values(), strict=True):
        there = [value for value in bucketed if not math.isnan(value)]
        if not there:
            assert math.isnan(found["mean"][row])
            continue
        assert (found["min"][row], found["max"][row]) == (min(there), max(there))
        assert found["mean"][row] == pytest.approx(sum(there) / len(there), abs=6e-4)


def test_a_silence_is_a_row_of_nulls_before_the_bucket_that_ends_it() -> None:
    samples = {**walk(200), "gnss.speed": np.full(200, 3.0)}
    kept = (samples["t"] < T0 + 5_000) | (samples["t"] >= T0 + 9_500)
    document = drawn([{name: values[kept] for name, values in samples.items()}])
    speed = channel(document, "gnss.speed")
    (row,) = np.flatnonzero(np.isnan(speed["mean"]))
    assert document["t"][row] == T0 + 9_000 - 1
    assert document["t"][row - 1] == T0 + 4_000
    assert document["route"]["breaks"].tolist() == [5]


def test_speed_comes_from_positions_where_the_device_gives_none() -> None:
    speed = channel(drawn([walk(300)]), "gnss.speed")
    assert speed["source"] == "position"
    assert speed["mean"] == pytest.approx(3.0, rel=2e-3)
    measured = {**walk(300), "gnss.speed": np.full(300, 2.5)}
    speed = channel(drawn([measured]), "gnss.speed")
    assert (speed["source"], set(speed["mean"])) == ("device", {2.5})


def test_a_heart_rate_of_0_is_none() -> None:
    samples = {"t": T0 + 1000 * np.arange(4), "ecg.hr": np.array([0.0, 90, 0, 95])}
    heart = channel(drawn([samples]), "ecg.hr")
    assert np.isnan(heart["min"]).tolist() == [True, False, True, False]


def test_fixes_that_cannot_be_reached_are_not_on_the_route() -> None:
    samples = walk(100, step=1_000)
    samples["gnss.latitude"][40] += 0.01  # a kilometre off
    samples["gnss.latitude"][60] = samples["gnss.longitude"][60] = 0.0
    route = drawn([samples])["route"]
    left_out = {T0 + 40_000, T0 + 60_000}
    assert route["t"].tolist() == [t for t in samples["t"].tolist() if t not in left_out]


def test_samples_that_come_seldom_by_themselves_are_one_line() -> None:
    samples = {**walk(10, step=60_000, speed=0.5), "gnss.speed": np.full(10, 0.5)}
    document = drawn([samples], limits=Limits(10_000, 3.0))
    assert document["gap"] == 120_000
    assert not np.isnan(channel(document, "gnss.speed")["mean"]).any()
    assert len(document["route"]["breaks"]) == 0
    apart = {name: np.delete(values, [4, 5]) for name, values in samples.items()}
    assert np.isnan(channel(drawn([apart], limits=Limits(10_000, 3.0)), "gnss.speed")["mean"]).any()


def test_nothing_gives_nothing() -> None:
    document = drawn([])
    assert (document["samples"], document["channels"]) == (0, [])
    assert len(document["route"]["t"]) == 0


@pytest.mark.parametrize(
    ("span", "most", "bucket"),
    [(60_000, 1_000, 100), (5_400_000, 1_000, 10_000), (6 * 3_600_000, 1_000, 30_000), (0, 1, 100)],
)
def test_the_bucket_is_the_shortest_that_fits(span: int, most: int, bucket: int) -> None:
    assert series.bucket_for(span, most) == bucket


def test_samples_as_csv() -> None:
    samples = {**walk(2), "ecg.hr": np.array([np.nan, 90.0])}
    text = (export.HEAD + export.rows(samples)).decode().splitlines()
    assert text[0].startswith("time,gnss.timestamp,gnss.latitude,gnss.longitude,gnss.altitude")
    first, second = (
        dict(zip(text[0].split(","), line.split(","), strict=True)) for line in text[1:]
    )
    assert (first["time"], first["gnss.timestamp"]) == ("2020-05-30T20:00:00.000Z", str(T0))
    assert (first["ecg.hr"], second["ecg.hr"]) == ("", "90")
    assert float(second["gnss.latitude"]) == samples["gnss.latitude"][1]
