"""R7: every partition of the step ledger adds up; the other rules that hold for any samples."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sport.registry import registry
from core.sport.runner import FrameFold
from tests.property.test_sport_invariance import PRESETS, SPORTS, resolved
from tests.unit.sport.ledgers import check_ledgers
from tests.unit.sport.samples import END, START, cut, walk


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    sport=st.sampled_from(SPORTS),
    preset=st.sampled_from(list(PRESETS)),
    seed=st.integers(0, 10_000),
    n=st.integers(1, 4000),
    doppler=st.booleans(),
)
def test_ledgers(sport, preset, seed, n, doppler) -> None:
    fold = FrameFold(registry().sport(sport), resolved(sport, preset), START, END)
    fold.advance(walk(seed, n, doppler=doppler))
    check_ledgers(fold)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), low=st.integers(0, 100_000), span=st.integers(1, 100_000))
def test_only_the_window_is_folded(seed: int, low: int, span: int) -> None:
    """R9: clipping by the frame equals cutting the samples beforehand."""
    samples = walk(seed, 900)
    declared, parameters = registry().sport("soccer"), resolved("soccer", "vendor")
    start, end = START + low, START + low + span
    clipped = FrameFold(declared, parameters, start, end)
    clipped.advance(samples)
    inside = (samples["t"] >= start) & (samples["t"] < end)
    exact = FrameFold(declared, parameters, start, end)
    exact.advance({name: column[inside] for name, column in samples.items()})
    assert clipped.snapshot() == exact.snapshot()
    assert clipped.n == int(inside.sum())


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), at=st.integers(1, 890), back=st.integers(1, 300))
def test_late_samples_are_counted_not_folded(seed: int, at: int, back: int) -> None:
    samples = walk(seed, 900)
    declared, parameters = registry().sport("soccer"), resolved("soccer", "vendor")
    back = min(back, at)
    clean = FrameFold(declared, parameters, START, END)
    clean.advance(samples)
    dirty = FrameFold(declared, parameters, START, END)
    dirty.advance(cut(samples, 0, at))
    dirty.advance(cut(samples, at - back, 900))
    assert dirty.n_late == back
    assert dirty.n == clean.n
    assert dirty.document(True) == clean.document(True)


@pytest.mark.parametrize("sport", SPORTS)
def test_numbers_are_finite(sport: str) -> None:
    fold = FrameFold(registry().sport(sport), resolved(sport, "vendor"), START, END)
    fold.advance(walk(3, 2000))

    def walk_values(value: object) -> None:
        if isinstance(value, dict):
            for item in value.values():
                walk_values(item)
        elif isinstance(value, list):
            for item in value:
                walk_values(item)
        elif isinstance(value, float):
            assert math.isfinite(value)

    walk_values(fold.document(True))
