"""Every recording decodes to what golden.json found in it."""

import datetime
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.pipeline.decode import Decoded, decode
from core.sport.codes import STROKES

pytestmark = pytest.mark.recordings

SOCCER = [
    "soccer/U18_ID1.csv",
    "soccer/U18_ID2.csv",
    "soccer/U18_ID3.csv",
    "soccer/statsports_U16_ID66.csv",
    "soccer/statsports_U16_ID67.csv",
]
FIT = [
    "cycling/indoor_trainer_power.fit",
    "cycling/power_hr_climb_57km.fit",
    "cycling/power_vector_41km.fit",
    "running/dynamics_fenix2.fit",
    "running/short_with_rr.fit",
    "running/stryd_power_hv.fit",
    "running/track_coros.fit",
    "running/track_fenix6.fit",
    "swimming/openwater_fenix3.fit",
    "swimming/pool_25m_hr.fit",
    "swimming/pool_yards_lengths.fit",
    "trail/hike_fr910xt.fit",
    "triathlon/tri_fenix3.fit",
    "triathlon/tri_multiple_header.fit",
]
SPORTS = {"cycling": "biking", "trail": "running"}
CHANNELS = {
    "missing_position": "gnss.latitude",
    "missing_alt": "gnss.altitude",
    "missing_speed": "gnss.speed",
    "missing_hr": "ecg.hr",
    "missing_power": "pwr.pwr_instantpower",
}


def _decode(recordings: Path, name: str) -> Decoded:
    return decode((recordings / name).read_bytes(), date=datetime.date(1970, 1, 1))


def _there(decoded: Decoded, name: str) -> int:
    values = decoded.columns.get(name)
    return 0 if values is None else int(np.count_nonzero(~np.isnan(values)))


def _found(decoded: Decoded) -> dict[str, Any]:
    n = decoded.records - decoded.repairs.get("duplicate", 0)
    assert n == len(decoded.columns["t"])
    steps = Counter((np.diff(decoded.columns["t"]) / 1000).tolist())
    return {
        "records": decoded.records,
        "first_ms": decoded.start,
        "last_ms": decoded.stop,
        "backward_steps": decoded.repairs.get("backward", 0),
        "duplicate_timestamps": decoded.repairs.get("duplicate", 0),
        "largest_gap_s": max(steps),
        "most_common_dt_s": steps,
        "missing_cadence": n - _there(decoded, "run.cadence") - _there(decoded, "pwr.pwr_cadence"),
    } | {key: n - _there(decoded, channel) for key, channel in CHANNELS.items()}


@pytest.mark.parametrize("name", SOCCER + FIT)
def test_recording_is_what_golden_says(recordings: Path, name: str) -> None:
    golden = json.loads((recordings / "golden.json").read_text())["files"][name]["irregularities"]
    decoded = _decode(recordings, name)
    found = _found(decoded)
    for key in golden.keys() & found.keys():
        if key == "most_common_dt_s":
            for step, times in golden[key]:
                assert found[key][step] == times, key
        else:
            assert found[key] == golden[key], key
    assert golden.keys() & {"records"}


@pytest.mark.parametrize("name", FIT)
def test_fit_knows_its_sport(recordings: Path, name: str) -> None:
    folder = name.split("/")[0]
    assert _decode(recordings, name).sport == SPORTS.get(folder, folder)


def test_recorder_is_named(recordings: Path) -> None:
    decoded = _decode(recordings, "running/track_fenix6.fit")
    assert (decoded.serial, decoded.product) == ("3317383806", "fenix6")
    assert decoded.sessions[0].start == 1_622_803_720_000


def test_semicircles_keep_their_identity(recordings: Path) -> None:
    latitude = _decode(recordings, "running/track_fenix6.fit").columns["gnss.latitude"]
    semicircles = latitude / 180 * 2**31
    assert np.abs(semicircles - np.rint(semicircles)).max() < 0.01
    assert np.array_equal(np.round(latitude, 9), latitude)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("running/track_coros.fit", "cadence_max_spm"),
        ("running/short_with_rr.fit", "cadence_max_spm"),
        ("cycling/power_hr_climb_57km.fit", "cadence_max_rpm"),
    ],
)
def test_running_cadence_counts_both_feet(recordings: Path, name: str, key: str) -> None:
    golden = json.loads((recordings / "golden.json").read_text())["files"][name]["values"]
    columns = _decode(recordings, name).columns
    channel = "run.cadence" if key.endswith("spm") else "pwr.pwr_cadence"
    assert np.nanmax(columns[channel]) == golden[key]


@pytest.mark.parametrize("name", SOCCER)
def test_soccer_clock_is_in_tenths(recordings: Path, name: str) -> None:
    assert not (_decode(recordings, name).columns["t"] % 100).any()


def test_local_time_becomes_utc(recordings: Path) -> None:
    data = (recordings / "soccer/statsports_U16_ID67.csv").read_bytes()
    summer = decode(data, date=datetime.date(2021, 7, 1), timezone="Europe/Brussels")
    midnight = datetime.datetime(2021, 7, 1, tzinfo=datetime.UTC).timestamp() * 1000
    assert summer.start == midnight + 43_788_000 - 7_200_000


def test_speed_is_in_metres_per_second(recordings: Path) -> None:
    golden = json.loads((recordings / "golden.json").read_text())["files"]
    name = "soccer/statsports_U16_ID67.csv"
    columns = _decode(recordings, name).columns
    assert "ecg.hr" not in columns  # 0 throughout: no strap was worn
    assert columns["gnss.speed"].max() >= golden[name]["values"]["max_speed_mps"]
    assert columns["gnss.speed"].max() < 12


def _golden(recordings: Path, name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((recordings / "golden.json").read_text())["files"][name]
    return values["values"]


def test_beats_of_a_run(recordings: Path) -> None:
    golden = _golden(recordings, "running/short_with_rr.fit")
    decoded = _decode(recordings, "running/short_with_rr.fit")
    rr, t = decoded.streams["rr"]["rr"], decoded.streams["rr"]["t"]
    steps = np.diff(rr)
    assert len(rr) == golden["rr_n"]
    assert rr.mean() == pytest.approx(golden["rr_mean_rr_ms"])
    assert np.sqrt((steps**2).mean()) == pytest.approx(golden["rr_rmssd_ms"])
    assert rr.std(ddof=1) == pytest.approx(golden["rr_sdnn_ms"])
    assert int((np.abs(steps) > 50).sum()) == golden["rr_nn50"]
    assert np.array_equal(np.diff(t), rr[1:])
    # The watch went on counting beats for 18 s after the last sample, and said so itself: its lap
    # message is of 75 s after the start.
    assert t[-1] - decoded.start == pytest.approx(75_000, abs=1_500)


@pytest.mark.parametrize("name", ["swimming/pool_25m_hr.fit", "swimming/pool_yards_lengths.fit"])
def test_lengths_of_a_swim(recordings: Path, name: str) -> None:
    golden = _golden(recordings, name)
    decoded = _decode(recordings, name)
    lengths = decoded.streams["lengths"]
    active = lengths["active"] == 1
    strokes = np.nan_to_num(lengths["strokes"])
    assert int(active.sum()) == golden["active_lengths"]
    assert int((~active).sum()) == golden["idle_lengths"]
    assert strokes[active].sum() == golden["strokes"]
    assert int((strokes[active] == 0).sum()) == golden["lengths_without_strokes"]
    assert lengths["duration"][active].sum() == pytest.approx(golden["swim_time_s"])
    assert lengths["duration"][~active].sum() == pytest.approx(golden["rest_time_in_lengths_s"])
    assert (lengths["duration"] + strokes)[active].mean() == pytest.approx(golden["swolf_mean"])
    for stroke in ("freestyle", "breaststroke", "drill"):
        found = int((lengths["stroke_type"][active] == STROKES[stroke]).sum())
        assert found == golden.get(f"lengths_{stroke}", 0)
    (swim,) = decoded.sessions
    assert swim.pool_length == golden["pool_length_m"]
    assert swim.distance == pytest.approx(golden["distance_m"])


def test_heart_rates_kept_under_water(recordings: Path) -> None:
    decoded = _decode(recordings, "swimming/pool_yards_lengths.fit")
    rates = decoded.columns["ecg.hr"]
    assert np.count_nonzero(np.isnan(rates)) == 0
    # As the watch has them: the first lap (12 lengths, 335.8 s), and the greatest of the session.
    lap = rates[decoded.columns["t"] < decoded.start + 335_842]
    assert lap.mean() == pytest.approx(120, abs=1)
    assert lap.max() == 128
    assert rates.max() == 161


@pytest.mark.parametrize("name", ["triathlon/tri_fenix3.fit", "triathlon/tri_multiple_header.fit"])
def test_legs_of_a_triathlon(recordings: Path, name: str) -> None:
    golden = _golden(recordings, name)
    sessions = _decode(recordings, name).sessions
    assert len(sessions) == golden["n_sessions"]
    legs = [session for session in sessions if session.sport != "transition"]
    assert [leg.sport for leg in legs] == ["swimming", "biking", "running"]
    for number, leg in enumerate(legs, start=1):
        assert leg.start == golden[f"leg{number}_start_ms"]
        assert leg.elapsed == golden[f"leg{number}_elapsed_s"]
        assert leg.timer == golden[f"leg{number}_timer_s"]
        assert leg.distance == golden[f"leg{number}_device_distance_m"]
    between = [session.elapsed for session in sessions if session.sport == "transition"]
    assert between == [golden["transition1_s"], golden["transition2_s"]]
