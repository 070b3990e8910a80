"""R4: the same samples in any cuts, saved and restored at each, give the same bytes."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sport.document import digest
from core.sport.parameters import Resolved, resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from tests.unit.sport.fields import on_the_ground
from tests.unit.sport.ledgers import check_streams
from tests.unit.sport.samples import END, START, cut, streams, walk
from tests.unit.sport.test_schemas import SPORTS

PERSON = {"weight": 70, "height": 1.7, "gender": "F"}
PRESETS = {
    "vendor": {"max_hr": 189, "rest_hr": 55, "threshold_pace": 270, "ftp": 240, "cp": 230},
    "unset": {},
    "filtered": {
        "smoothing": "research",
        "sprint_min_duration": 0.5,
        "sprint_exit_percent": 80,
        "sprint_merge_gap": 1,
        "acceleration_min_duration": 0.3,
        "bridge_gaps": True,
        "hid_thresholds": [2, 3, 4, 5, 6, 7],
        "peak_windows": [10, 60, 600],
        "max_hr": 200,
    },
    "speed": {"distance_source": "speed", "stationary_speed": 0, "intensity_span": 30},
}
# A field of 300 m by 40 m is where the walk mostly is; the court is beside its beginning.
FIELDS = {
    "soccer": {
        "field_corners": on_the_ground([(-10, -20), (290, -20), (290, 20), (-10, 20)]),
        "periods": [
            {"name": name, "start_time": f"2023-11-14T22:{a}Z", "end_time": f"2023-11-14T22:{b}Z"}
            for name, a, b in (("1", "13:30", "14:00"), ("2", "14:10.5", "15:00"))
        ],
        "attack_direction": ["left_to_right", "right_to_left"],
    },
    "tennis": {
        "court_corners": on_the_ground([(-3, -5), (20, -5), (20, 5), (-3, 5)]),
        "sets": [
            {
                "name": "1",
                "start_time": "2023-11-14T22:13:20Z",
                "end_time": "2023-11-14T22:14:00+00:00",
            }
        ],
    },
}


def resolved(sport: str, preset: str) -> Resolved:
    activity = {
        "sport": sport,
        **(FIELDS.get(sport, {}) if preset in ("vendor", "filtered") else {}),
    }
    return resolve_parameters(registry().sport(sport), activity, PRESETS[preset], PERSON)


def folded(
    sport: str, preset: str, samples: dict[str, np.ndarray], cuts: list[int], rate: float | None
) -> FrameFold:
    """Fold piece by piece; between pieces the fold is thrown away and rebuilt from its bytes."""
    declared, parameters = registry().sport(sport), resolved(sport, preset)
    fold = FrameFold(declared, parameters, START, END, rate)
    edges = [0, *sorted(cuts), len(samples["t"])]
    for low, high in pairwise(edges):
        blob = fold.snapshot()
        fold = FrameFold.restore(declared, parameters, START, END, blob)
        assert fold.snapshot() == blob
        fold.advance(cut(samples, low, high))
    return fold


def sha(fold: FrameFold) -> str:
    return hashlib.sha256(fold.snapshot()).hexdigest()


@pytest.mark.parametrize("sport", SPORTS)
@pytest.mark.parametrize(
    ("preset", "size"), list(zip(PRESETS, (1, 10, 7, 600), strict=True))
)  # other pairs: below
def test_fixed_sizes(sport: str, preset: str, size: int) -> None:
    n = 1500 if size > 1 else 400
    samples = walk(seed=size, n=n, doppler=size != 7)
    whole = folded(sport, preset, samples, [], None)
    pieces = folded(sport, preset, samples, list(range(size, n, size)), None)
    assert sha(pieces) == sha(whole)
    assert pieces.document(True) == whole.document(True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    sport=st.sampled_from(SPORTS),
    preset=st.sampled_from(list(PRESETS)),
    seed=st.integers(0, 10_000),
    n=st.integers(0, 3000),
    hz=st.sampled_from([1.0, 5.0, 10.0, 20.0, 100.0]),
    doppler=st.booleans(),
    rate=st.sampled_from([None, 10.0, 25.0]),
    cuts=st.lists(st.integers(0, 3000), max_size=12),
)
def test_random_cuts(sport, preset, seed, n, hz, doppler, rate, cuts) -> None:
    samples = walk(seed, n, hz, doppler)
    whole = folded(sport, preset, samples, [], rate)
    pieces = folded(sport, preset, samples, [c for c in cuts if c <= n], rate)
    assert sha(pieces) == sha(whole)
    # Every metric, unrounded: equal to the bit, whatever the rounding of the document hides.
    assert pieces.values(True) == whole.values(True)
    live, final = pieces.document(False), whole.document(True)
    assert live["digest"] == final["digest"] == digest(final)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), at=st.integers(1, 700))
def test_reading_changes_nothing(seed: int, at: int) -> None:
    samples = walk(seed, 800)
    undisturbed = folded("soccer", "vendor", samples, [], None)
    declared, parameters = registry().sport("soccer"), resolved("soccer", "vendor")
    read = FrameFold(declared, parameters, START, END)
    for low in range(0, 800, at):
        chunk = cut(samples, low, low + at)
        before = {name: column.copy() for name, column in chunk.items()}
        read.advance(chunk)
        read.document(False)
        read.close()
        read.advance({"t": np.zeros(0, np.int64)})
        for name, column in chunk.items():
            np.testing.assert_array_equal(column, before[name])
    assert sha(read) == sha(undisturbed)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    sport=st.sampled_from(sorted(registry().sports)),
    seed=st.integers(0, 10_000),
    n=st.integers(0, 1500),
    order=st.randoms(use_true_random=False),
)
def test_streams_in_any_cuts_and_any_turn(sport, seed, n, order) -> None:
    """Each stream in pieces of its own, the pieces of all in any turn, the state saved between."""
    given_streams = {**streams(seed, n), "samples": walk(seed, n // 3)}
    declared = registry().sport(sport)
    parameters = resolve_parameters(declared, {"sport": sport}, {"max_hr": 189}, PERSON)
    whole = FrameFold(declared, parameters, START, END)
    turns = []
    for name, columns in given_streams.items():
        whole.advance(columns, name)
        size = len(columns["t"])
        edges = sorted({0, size, *(order.randint(0, size) for _ in range(5))})
        turns += [(low, high, name) for low, high in pairwise(edges)]
    # Of each stream in order of time, between streams as it comes.
    names = [name for *_, name in turns]
    order.shuffle(names)
    pieces = FrameFold(declared, parameters, START, END)
    for name in names:
        low, high, _ = turn = next(turn for turn in turns if turn[2] == name)
        turns.remove(turn)
        pieces = FrameFold.restore(declared, parameters, START, END, pieces.snapshot())
        pieces.advance(cut(given_streams[name], low, high), name)
        if order.random() < 0.2:
            pieces.document(False)
    assert sha(pieces) == sha(whole)
    assert pieces.values(True) == whole.values(True)
    assert pieces.document(False)["digest"] == whole.document(True)["digest"]
    check_streams(whole.values(True)[0])
