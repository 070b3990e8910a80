"""The fold over the seconds of several players, against numpy and a gift-wrapped hull."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sport.contract import Member
from core.sport.grid import ActivityGrid, points_of
from core.sport.kernels.shape import hull_area
from core.sport.metrics.pitch import POINT
from core.sport.metrics.shape import LENGTH, STRETCH, SURFACE, WIDTH, Shape, X, Y, spread
from core.sport.registry import registry
from core.sport.summary import assemble
from tests.unit.sport.recordings import soccer_columns
from tests.unit.sport.test_pitch import PITCH, folded

START = 1_700_000_000
SPANS = [((START + 3) * 1000, (START + 20) * 1000), ((START + 15) * 1000, (START + 40) * 1000)]
TEAMS = ("home", "home", "home", "home", "away", "away", "away", "away")
ROLES = ("goalkeeper", None, None, None, "goalkeeper", None, None, None)


def members(teams: tuple[str, ...] = TEAMS) -> list[Member]:
    return [Member(n, 0, 1, {"team": team, "role": ROLES[n]}, None) for n, team in enumerate(teams)]


def packed(seconds: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    points = np.zeros(len(seconds), POINT)
    points["second"] = seconds
    points["place"] = (np.round(x * 1000).astype(np.int64) << 32) | (
        np.round(y * 1000).astype(np.int64) & 0xFFFFFFFF
    )
    return points


def squad(seed: int, n: int = 60, players: int = 8) -> list[np.ndarray]:
    """Players who come and go on a pitch and beside it."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(players):
        there = np.flatnonzero(rng.random(n) < 0.8)
        x, y = rng.uniform(-5, 110, len(there)), rng.uniform(-5, 70, len(there))
        found.append(packed(START + there, x, y))
    return found


def gift_wrapped(points: list[tuple[float, float]]) -> float:
    """Area of the convex hull, by walking round it."""
    start = at = min(points)
    hull = []
    while True:
        hull.append(at)
        ahead = points[0]
        for p in points:
            turn = (ahead[0] - at[0]) * (p[1] - at[1]) - (ahead[1] - at[1]) * (p[0] - at[0])
            if ahead == at or turn < 0 or (turn == 0 and math.dist(at, p) > math.dist(at, ahead)):
                ahead = p
        at = ahead
        if at == start:
            break
    ring = [*hull, hull[0]]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))) / 2


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), min_size=3, max_size=14))
def test_hulls(points: list[tuple[int, int]]) -> None:
    """On a lattice many points coincide, or lie on one line."""
    x, y = np.array(points, float).T.copy()
    wanted = 0.0 if len(set(points)) < 3 else gift_wrapped([(a, b) for a, b in points])
    assert hull_area(x, y, len(points)) == pytest.approx(wanted)


def by_numpy(found: list[np.ndarray], until: int) -> dict[tuple[int, int], list[list[float]]]:
    """(team, span) → rows of x, y, stretch, length, width, surface by second; distance under 2."""
    rows: dict[tuple[int, int], list[list[float]]] = {}
    for second in range(START, until + 1):
        here = {
            n: (int(p >> 32) / 1000, int(np.int32(p & 0xFFFFFFFF)) / 1000)
            for n, points in enumerate(found)
            for p in points["place"][points["second"] == second]
        }
        spans = [0, *(1 + k for k, (a, b) in enumerate(SPANS) if a <= second * 1000 < b)]
        middles = {}
        for row, team in enumerate(("away", "home")):
            mine = [n for n in here if TEAMS[n] == team]
            if len(mine) < 3:
                continue
            places = np.array([here[n] for n in mine])
            centre = middles[row] = places.mean(axis=0)
            field = [here[n] for n in mine if ROLES[n] is None]
            values = [
                *centre,
                np.hypot(*(places - centre).T).mean(),
                *np.ptp(places, axis=0),
                gift_wrapped(field) if len(field) >= 3 else np.nan,
            ]
            for span in spans:
                rows.setdefault((row, span), []).append([second, *values])
        if len(middles) == 2:
            apart = float(np.hypot(*(middles[0] - middles[1])))
            for span in spans:
                rows.setdefault((2, span), []).append([second, apart])
    return rows


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_against_numpy(seed: int) -> None:
    found = squad(seed)
    grid = ActivityGrid(members(), SPANS)
    for frame, points in enumerate(found):
        grid.put(frame, points)
    shape = grid.fold(START + 50)
    assert shape.teams == ("away", "home")
    assert shape.through == START + 50
    for (row, span), wanted in by_numpy(found, START + 50).items():
        table = np.array(wanted)[:, 1:]
        for measure in range(table.shape[1]):
            column = table[:, measure][~np.isnan(table[:, measure])]
            value = spread(shape, row, span, measure)
            assert value is not None
            assert value == pytest.approx(
                {"mean": column.mean(), "min": column.min(), "max": column.max()}
            )
            assert shape.counts[row, span, measure] == len(column)
    series = registry().activity_metrics("soccer")
    assert series is not None
    document = assemble(series, {"field_corners": PITCH}, members(), shape, final=False)
    home = document["series"]["teams"]["home"]
    step = [row for row in by_numpy(found, START + 50)[1, 0] if row[0] // 5 == START // 5 + 4]
    shown = next(row for row in home if row[0] == (START // 5 + 4) * 5000)
    assert shown[1:] == pytest.approx(np.nanmean(np.array(step)[:, 1:], axis=0), abs=1e-4)
    apart = document["series"]["distances"]["away"]["home"]
    assert [len(row) for row in apart] == [2] * len({row[0] // 5000 for row in apart})


def same(a: Shape, b: Shape) -> bool:
    steps = min(a.series.shape[1], b.series.shape[1])
    pairs = [(getattr(a, n), getattr(b, n)) for n in ("sums", "least", "most", "counts")]
    pairs += [(getattr(a, n)[:, :steps], getattr(b, n)[:, :steps]) for n in ("series", "series_n")]
    return (a.base, a.through) == (b.base, b.through) and all(
        x.tobytes() == y.tobytes() for x, y in pairs
    )


@pytest.mark.parametrize("seed", range(25))
def test_the_order_of_arrival_does_not_matter(seed: int) -> None:
    """Frames bring their points in any cuts, early or late, one of them first another path."""
    rng = np.random.default_rng(seed)
    found = squad(seed)
    whole = ActivityGrid(members(), SPANS)
    for frame, points in enumerate(found):
        whole.put(frame, points)
    grid, given_, until = ActivityGrid(members(), SPANS), [0] * len(found), START
    wrong = found[3].copy()
    wrong["place"][:5] += 7
    grid.put(3, wrong[:10])
    while any(n < len(points) for n, points in zip(given_, found, strict=True)):
        frame = int(rng.integers(len(found)))
        given_[frame] += int(rng.integers(5, 60))
        grid.put(frame, found[frame][: given_[frame]])
        until += int(rng.integers(0, 9))
        grid.fold(until)
    assert same(grid.fold(START + 70), whole.fold(START + 70))


def test_who_lies_far_apart_in_time_has_no_shape() -> None:
    grid = ActivityGrid(members())
    for frame, points in enumerate(squad(1)):
        grid.put(frame, points)
    far = squad(2)[0].copy()
    far["second"] += 10**9
    grid.put(0, far)
    shape = grid.fold(2**40)
    assert shape.reason == "its time frames reach over more than 24 hours"
    assert shape.series.size == 0
    grid.put(1, squad(2)[1])
    assert grid.fold(2**40).reason is not None


@pytest.mark.parametrize(
    ("activity", "teams", "reason"),
    [
        ({}, TEAMS, "the activity has no corners of a field"),
        ({"field_corners": PITCH}, TEAMS[:2], "a shape takes 3 time frames, the activity has 2"),
        ({"field_corners": PITCH}, TEAMS, "in no second 3 players of a team have a position"),
    ],
)
def test_reasons(activity: dict[str, Any], teams: tuple[str, ...], reason: str) -> None:
    declared = registry().activity_metrics("soccer")
    assert declared is not None
    mine = members(teams)
    document = assemble(declared, activity, mine, ActivityGrid(mine).fold(START), final=True)
    assert document["stretch_index"] is None
    assert {"key": "stretch_index", "reason": reason} in document["notes"]
    assert document["thirds"] is None
    assert document["periods"] is None


@pytest.mark.recordings
def test_three_real_players(recordings: Path) -> None:
    """The grid of the recordings on their pitch, from the fixes as they stand in the files."""
    rows = (recordings / "soccer" / "pitch_corners.csv").read_text().split()[1:]
    corners = [[float(n) for n in reversed(row.split(","))] for row in rows]
    columns = [soccer_columns(recordings / "soccer" / f"U18_ID{n}.csv") for n in (1, 2, 3)]
    folds = [
        folded("soccer", {"field_corners": corners}, c["t"], c["lat"], c["lon"]) for c in columns
    ]
    mine = members(("home",) * 3)
    grid = ActivityGrid([Member(m.frame, 0, 1, {"team": "home"}, None) for m in mine])
    for frame, fold in enumerate(folds):
        grid.put(frame, points_of(fold, "pitch", ended=True))
    shape = grid.fold(2**40)
    # Where everybody is at each second, in a plane of our own about the first corner.
    lat0, lon0 = corners[0]
    north, east = 111_132.95 - 559.85 * math.cos(2 * math.radians(lat0)), 0.0
    east = 111_412.88 * math.cos(math.radians(lat0)) - 93.5 * math.cos(3 * math.radians(lat0))
    along = np.array([(corners[1][1] - lon0) * east, (corners[1][0] - lat0) * north])
    along /= np.hypot(*along)
    seconds: list[dict[int, np.ndarray]] = []
    for c in columns:
        way = np.stack([(c["lon"] - lon0) * east, (c["lat"] - lat0) * north])
        seconds.append({-(-int(t) // 1000): way[:, i] for i, t in enumerate(c["t"])})
    common = sorted(set(seconds[0]) & set(seconds[1]) & set(seconds[2]))
    assert len(common) > 3800
    places = np.array([[each[s] for each in seconds] for s in common])
    centre = places.mean(axis=1, keepdims=True)
    stretch = np.hypot(*np.moveaxis(places - centre, 2, 0)).mean(axis=1)
    length = np.ptp(places @ along, axis=1)
    width = np.ptp(places @ np.array([-along[1], along[0]]), axis=1)
    surface = np.array([gift_wrapped([tuple(p) for p in row]) for row in places.tolist()])
    for measure, wanted in ((STRETCH, stretch), (LENGTH, length), (WIDTH, width)):
        found = spread(shape, 0, 0, measure)
        assert found is not None
        assert found["mean"] == pytest.approx(wanted.mean(), rel=0.005)
        assert found["max"] == pytest.approx(wanted.max(), rel=0.02)
    found = spread(shape, 0, 0, SURFACE)
    assert found is not None
    assert found["mean"] == pytest.approx(surface.mean(), rel=0.005)
    assert shape.counts[0, 0, X] == pytest.approx(len(common), rel=0.002)
    assert shape.counts[0, 0, X] == shape.counts[0, 0, Y]
