"""The rides and runs give the values of golden.json and of design/metrics.md section 5."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.pipeline.decode import decode
from core.pipeline.preprocess import chunk
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from tests.unit.sport.goldens import OF_THE_FILE, compare, found_endurance, golden_values
from tests.unit.sport.ledgers import check_ledgers

pytestmark = pytest.mark.recordings

PARAMS = {"max_hr": 190, "hr_zones": [0, 50, 60, 70, 80, 90, 100]}
RUNS = (
    "running/dynamics_fenix2.fit",
    "running/short_with_rr.fit",
    "running/stryd_power_hv.fit",
    "running/track_coros.fit",
    "running/track_fenix6.fit",
    "trail/hike_fr910xt.fit",
)


@cache
def _fold(path: Path, sport: str, params: str = "{}") -> FrameFold:
    samples = chunk(decode(path.read_bytes(), date=None, timezone="UTC").columns)
    declared = registry().sport(sport)
    resolved = resolve_parameters(declared, {"sport": sport}, PARAMS | json.loads(params), {})
    fold = FrameFold(declared, resolved, int(samples["t"][0]), int(samples["t"][-1]) + 1)
    fold.advance(samples)
    return fold


def _ours(fold: FrameFold) -> dict[str, Any]:
    """The document's values, and what golden.json knows of a fold that no document tells."""
    closed = fold.close()
    heart, track = closed.state("heart"), closed.state("track")
    return found_endurance(fold.values(True)[0], fold.document(True)) | {
        "n": fold.n,
        "time_s": int(track["time_ms"]) / 1000,
        "n_fixes": int(track["fixes"] + track["rejected"]),
        "hr_samples": int(heart["n"]),
        "hr_time_s": int(heart["ms"]) / 1000,
        "hr_zone_seconds": [ms / 1000 for ms in heart["zone_ms"][:6].tolist()],
        "cadence_time_s": int(closed.state("cadence")["ms"]) / 1000,
    }


# golden.json writes 0 for what nobody measured on a trainer; ours is null (docs/sports/quality.md).
UNMEASURED = {
    "average_speed_mps", "gap_distance_m", "max_speed_mps", "moving_time_s", "total_distance_m",
}  # fmt: skip
RIDES = {
    "cycling/indoor_trainer_power.fit": UNMEASURED,
    "cycling/power_hr_climb_57km.fit": set(),
    "cycling/power_vector_41km.fit": set(),
}


@pytest.mark.parametrize("name", list(RIDES))
def test_rides(recordings: Path, name: str) -> None:
    fold = _fold(recordings / name, "biking", '{"ftp": 250, "cp": 250, "w_prime": 20000}')
    ours = _ours(fold)
    for key in RIDES[name]:
        assert ours[key] is None, key
    compare(recordings, name, ours, without=OF_THE_FILE | RIDES[name])


def test_printed_row_of_the_climb(recordings: Path) -> None:
    """The first row of metrics.md section 5, CP 300 and W' 20 kJ."""
    path = recordings / "cycling/power_hr_climb_57km.fit"
    found = _fold(path, "biking", '{"cp": 300}').document(True)
    power, balance = found["power"], found["w_prime_balance"]
    assert (power["normalized"], power["average"]) == (
        pytest.approx(267.431, abs=1e-3),
        pytest.approx(219.071, abs=1e-3),
    )
    assert power["work"] == 1830.773
    curve = {row["duration"]: round(row["power"], 2) for row in found["mean_maximal_power"]}
    assert [curve[s] for s in (5, 60, 300)] == [721.60, 392.28, 340.43]
    assert curve[1200] == pytest.approx(306.82, abs=0.01)
    assert balance["minimum"] == pytest.approx(-13504.5, abs=0.1)
    assert balance["end"] == pytest.approx(19903.8, abs=0.1)
    assert found["ascent"] == pytest.approx(1253.8)
    assert found["total_distance"] == pytest.approx(57653.7, abs=0.1)


@pytest.mark.parametrize(
    ("name", "right"),
    [("cycling/power_hr_climb_57km.fit", 52.18), ("cycling/power_vector_41km.fit", 49.84)],
)
def test_balance_of_the_head_units(recordings: Path, name: str, right: float) -> None:
    """The session messages' own left_right_balance, percent of the right leg."""
    found = _fold(recordings / name, "biking").document(True)["left_right_balance"]
    assert found == pytest.approx(100 - right, abs=0.02)


def _beats(recordings: Path, name: str) -> set[str]:
    """The values of beat-to-beat intervals, which are another stream's."""
    return {key for key in golden_values(recordings, name) if key.startswith("rr_")}


def _derived_seconds(path: Path) -> int:
    """Steps between positions that end before the receiver's first speed, in a file of 1 Hz."""
    columns = decode(path.read_bytes(), date=None, timezone="UTC").columns
    first = int(np.flatnonzero(~np.isnan(columns["gnss.speed"]))[0])
    return int(np.count_nonzero(~np.isnan(columns["gnss.latitude"][:first]))) - 1


@pytest.mark.parametrize("name", RUNS)
def test_runs(recordings: Path, name: str) -> None:
    ours = _ours(_fold(recordings / name, "trailrunning" if "hike" in name else "running"))
    if name == "running/track_coros.fit":
        # docs/sports/quality.md, "Speed that was not measured": golden.json leaves these out.
        ours["moving_time_s"] -= _derived_seconds(recordings / name)
    compare(recordings, name, ours, without=OF_THE_FILE | _beats(recordings, name))


@pytest.mark.parametrize("name", RUNS)
def test_ledgers(recordings: Path, name: str) -> None:
    check_ledgers(_fold(recordings / name, "running"))
