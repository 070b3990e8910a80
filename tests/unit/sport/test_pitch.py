"""Places on a field: heat map, thirds, periods, zones and turns, each counted a second way."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.sport.metrics.pitch import unpacked
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from tests.unit.sport.fields import on_the_ground, rectangle
from tests.unit.sport.recordings import soccer_columns

START = 1_700_000_000_000
PITCH = on_the_ground(rectangle(105, 68), turned=25.0)
COURT = on_the_ground(rectangle(23.77, 10.97), turned=200.0)
# Turned the other way round: y then grows to the right of who looks along x.
MIRRORED = on_the_ground([(x, -y) for x, y in rectangle(23.77, 10.97)], turned=200.0)


def folded(
    sport: str, activity: dict[str, Any], t: np.ndarray, lat: Any, lon: Any, **params: Any
) -> FrameFold:
    declared = registry().sport(sport)
    resolved = resolve_parameters(declared, {"sport": sport, **activity}, params, {})
    fold = FrameFold(declared, resolved, int(t[0]), int(t[-1]) + 1)
    fold.advance({"t": t, "lat": np.asarray(lat, float), "lon": np.asarray(lon, float)})
    return fold


def on_pitch(metres: list[tuple[float, float]], turned: float = 25.0) -> np.ndarray:
    return np.array(on_the_ground(metres, turned=turned)).T


def wander(seed: int, n: int) -> list[tuple[float, float]]:
    """A path over the pitch and some way beyond its lines, at up to 3.5 m/s."""
    ways = (seed + i / 260 for i in range(n))
    return [(52.5 + 60 * math.sin(a), 34 + 40 * math.sin(1.53 * a + 0.4)) for a in ways]


def test_the_heat_map_is_a_histogram() -> None:
    path = wander(1, 6000)
    t = START + np.cumsum(np.random.default_rng(2).choice([100, 100, 200, 1500], 6000))
    fold = folded("soccer", {"field_corners": PITCH}, t, *on_pitch(path))
    assert not fold.quality()["rejected_positions"]
    x, y = np.array(path).T
    dt = np.diff(t, prepend=t[0])
    dt[dt > 1000] = 0
    wanted = np.histogram2d(y, x, (np.arange(69), np.arange(106)), weights=dt / 1000)[0]
    found = fold.values(True)[0]["heat_map"]
    assert (found["columns"], found["rows"], found["cell"]) == (105, 68, 1.0)
    # A fix on the ground and back is within a millimetre: some lie that near to a cell's edge.
    assert np.abs(found["seconds"].values - wanted).sum() < 0.002 * dt.sum() / 1000
    total = found["seconds"].values.sum() + found["outside"]
    assert total == pytest.approx(dt.sum() / 1000)
    assert 0.05 < found["outside"] / total < 0.6
    document = fold.document(True)["heat_map"]
    assert document["seconds"] == found["seconds"].values.round(3).tolist()
    assert (len(document["seconds"]), len(document["seconds"][0])) == (68, 105)


@pytest.mark.parametrize(("team", "way"), [("home", 1), ("away", -1)])
def test_thirds_by_period_and_team(team: str, way: int) -> None:
    """8 s in each third in the first half, 3 s at half-time, 8 s in two of them in the second."""
    stays = [(0, 5, 80), (10, 50, 80), (20, 100, 80), (30, 50, 30), (35, 5, 80), (46, 100, 80)]
    t = np.concatenate([START + 1000 * at + 100 * np.arange(n) for at, _, n in stays])
    x = np.concatenate([np.full(n, float(place)) for _, place, n in stays])
    halves = [("2023-11-14T22:13:20Z", "2023-11-14T22:13:50Z")]
    halves += [("2023-11-14T23:13:55+01:00", "2023-11-14T22:15:00Z")]
    activity = {
        "field_corners": PITCH,
        "periods": [{"name": "half", "start_time": a, "end_time": b} for a, b in halves],
        "attack_direction": ["left_to_right", "right_to_left"],
    }
    lat, lon = on_pitch([(at, 20.0) for at in x])
    found = folded("soccer", activity, t, lat, lon, team=team, max_speed=40).values(True)[0]
    thirds = found["thirds"]
    assert thirds["by"] == "attack_direction"
    # The second half is played the other way round: x of 5 m is attacking, of 100 m own.
    seconds = [thirds[name]["duration"] for name in ("own", "middle", "attacking", "outside")]
    assert seconds == pytest.approx([15.8, 7.9, 15.8, 0.0])
    plain = folded(
        "soccer", {"field_corners": PITCH}, t[:160], lat[:160], lon[:160], team=team, max_speed=40
    )
    by_x = plain.values(True)[0]["thirds"]
    assert by_x["by"] == "x"
    assert by_x["own"] == {"duration": 7.9, "ratio": 0.5}
    one = folded(
        "soccer",
        {"field_corners": PITCH, "attack_direction": ["left_to_right"]},
        t[:80],
        lat[:80],
        lon[:80],
        team=team,
    ).values(True)[0]["thirds"]
    assert one["own" if way > 0 else "attacking"] == {"duration": 7.9, "ratio": 1.0}


def test_periods_add_up() -> None:
    path = wander(3, 3000)
    t = START + 100 * np.arange(3000)
    spans = [(START + 10_000, START + 100_000), (START + 100_000, START + 250_000)]
    periods = [
        {"name": str(n), "start_time": moment(a), "end_time": moment(b)}
        for n, (a, b) in enumerate(spans)
    ]
    fold = folded("soccer", {"periods": periods}, t, *on_pitch(path))
    found = fold.values(True)[0]["periods"]
    for (start, end), period in zip(spans, found, strict=True):
        inside = (t >= start) & (t < end)
        assert period["duration"] == inside.sum() / 10
        assert 0 < period["distance"] < fold.values(True)[0]["total_distance"]
        # The same samples alone: but for the step that leads in, and the speed's first second.
        alone = folded("soccer", {}, t[inside], *on_pitch(path)[:, inside]).values(True)[0]
        assert period["distance"] == pytest.approx(alone["total_distance"], rel=0.01)


def moment(ms: int) -> str:
    return str(np.datetime64(ms, "ms")) + "Z"


@pytest.mark.parametrize(("sport", "corners"), [("soccer", "field"), ("tennis", "court")])
def test_without_a_field_there_is_a_reason(sport: str, corners: str) -> None:
    t = START + 100 * np.arange(50)
    fold = folded(sport, {}, t, np.full(50, 46.5), np.full(50, 6.6))
    values, notes = fold.values(True)
    assert values["heat_map"] is None
    reason = {"key": "heat_map", "reason": f"the activity has no {corners}_corners"}
    assert reason in notes
    blind = folded(sport, {f"{corners}_corners": COURT}, t, np.full(50, np.nan), np.full(50, 0.0))
    values, notes = blind.values(True)
    assert values["heat_map"] is None
    assert {"key": "heat_map", "reason": "no valid position in these samples"} in notes


def test_a_field_too_large_for_the_map() -> None:
    t = START + 100 * np.arange(50)
    huge = on_the_ground(rectangle(400, 300))
    values, notes = folded("soccer", {"field_corners": huge}, t, *on_pitch([(5, 5)] * 50)).values(1)
    assert values["heat_map"] is None
    assert "larger than 13000 cells" in next(n["reason"] for n in notes if n["key"] == "heat_map")


@pytest.mark.parametrize("corners", [COURT, MIRRORED])
def test_zones_of_the_court(corners: list[list[float]]) -> None:
    """Ten seconds each: behind, inside, at the net on the near half's left, then the far right."""
    mirrored = corners is MIRRORED
    left = 2.0 if mirrored else 9.0  # y of the near player's left side
    path = [(-2.0, left)] * 100 + [(3.0, left)] * 100 + [(8.0, left)] * 100
    path += [(23.0, left)] * 100 + [(-20.0, left)] * 100
    t = START + 100 * np.arange(500)
    lat, lon = on_pitch([(x, -y if mirrored else y) for x, y in path], turned=200.0)
    fold = folded("tennis", {"court_corners": corners}, t, lat, lon, max_speed=40, max_gap=0.2)
    found = {key: zone["duration"] for key, zone in fold.values(True)[0]["court_zones"].items()}
    assert found["behind_baseline"] == pytest.approx(9.9, abs=0.4)
    assert found["inside_court"] == pytest.approx(20, abs=1)
    assert found["at_net"] == pytest.approx(10, abs=1)
    assert found["outside"] == pytest.approx(10, abs=1.5)
    assert found["left"] == pytest.approx(30, abs=1.5)  # of who stands on the near half
    assert found["right"] == pytest.approx(10, abs=1)  # the same side is the far player's right


def test_tennis_turns_across_the_court() -> None:
    """To and fro over 5 m at 2.5 m/s: one turn every two seconds."""
    t = START + 100 * np.arange(600)
    y = 3.0 + np.abs((0.25 * np.arange(600)) % 10 - 5)
    lat, lon = on_pitch([(1.0, at) for at in y], turned=200.0)
    fold = folded("tennis", {"court_corners": COURT}, t, lat, lon)
    assert fold.values(True)[0]["changes_of_direction"] == 29
    still = folded("tennis", {"court_corners": COURT}, t, *on_pitch([(1.0, 3.0)] * 600, 200.0))
    assert still.values(True)[0]["changes_of_direction"] == 0
    slow = folded("tennis", {"court_corners": COURT}, t[::10], lat[::10], lon[::10], max_gap=2)
    values, notes = slow.values(True)
    assert values["changes_of_direction"] is None
    assert any(note["key"] == "changes_of_direction" for note in notes)


@pytest.mark.parametrize(("degrees", "wanted"), [(60, 14), (30, 0)])
def test_soccer_turns(degrees: int, wanted: int) -> None:
    """A zigzag of 2 s legs at 4 m/s, each turned by so much against the one before."""
    heading = np.where(np.arange(300) // 20 % 2, math.radians(degrees), 0.0)
    steps = 0.4 * np.stack([np.cos(heading), np.sin(heading)])
    x, y = np.cumsum(steps, axis=1)
    t = START + 100 * np.arange(300)
    lat, lon = on_pitch(list(zip(x.tolist(), y.tolist(), strict=True)))
    assert folded("soccer", {}, t, lat, lon).values(True)[0]["changes_of_direction"] == wanted


def test_repeated_sprints() -> None:
    """Sprints of 3 s at 7 m/s begin at these seconds; the bouts are those of at most 21 s rest."""
    begins = [10, 30, 50, 100, 120, 160, 180, 203]
    pace = np.zeros(2400)
    for second in begins:
        pace[second * 10 : second * 10 + 30] = 7.0
    t = START + 100 * np.arange(2400)
    x = np.cumsum(pace) / 10
    lat, lon = on_pitch([(at, 3.0) for at in x])
    found = folded("soccer", {}, t, lat, lon).values(True)[0]["repeated_sprints"]
    assert [bout["sprints"] for bout in found["bouts"]] == [3, 3]
    assert found["count"] == 2
    assert found["bouts"][0]["start_time"] == pytest.approx(START + 10_000, abs=1000)
    assert found["bouts"][0]["duration"] == pytest.approx(43, abs=1)


def test_the_grid_is_the_last_fix_of_each_second() -> None:
    path = wander(4, 900)
    t = START + 40 + np.cumsum(np.random.default_rng(5).choice([60, 100, 240], 900))
    lat, lon = on_pitch(path)
    lat[300:340] = np.nan
    fold = folded("soccer", {"field_corners": PITCH}, t, lat, lon)
    seconds, x, y = grid(fold)
    wanted = {-(-int(t[i]) // 1000): path[i] for i in range(900) if not np.isnan(lat[i])}
    assert seconds.tolist() == list(wanted)[: len(seconds)]
    assert len(wanted) - len(seconds) <= 1  # the one that is not over
    np.testing.assert_allclose(np.stack([x, y]).T, list(wanted.values())[: len(x)], atol=0.002)


def grid(fold: FrameFold) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points = fold.events("pitch")
    return (points["second"], *unpacked(points["place"]))


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["U18_ID1.csv", "U18_ID2.csv", "U18_ID3.csv"])
def test_a_real_pitch(recordings: Path, name: str) -> None:
    rows = (recordings / "soccer" / "pitch_corners.csv").read_text().split()[1:]
    corners = [[float(n) for n in reversed(row.split(","))] for row in rows]
    columns = soccer_columns(recordings / "soccer" / name)
    fold = folded(
        "soccer", {"field_corners": corners}, columns["t"], columns["lat"], columns["lon"]
    )
    found = fold.values(True)[0]
    heat, thirds = found["heat_map"], found["thirds"]
    assert (heat["columns"], heat["rows"]) == (99, 55)  # 98.8 m by 54.5 m
    total = heat["seconds"].values.sum() + heat["outside"]
    covered = found["moving_time"] + found["standing_time"]
    assert total == pytest.approx(covered, abs=1.0)
    assert heat["outside"] < 0.2 * total
    assert sum(thirds[k]["duration"] for k in ("own", "middle", "attacking", "outside")) == (
        pytest.approx(total)
    )
