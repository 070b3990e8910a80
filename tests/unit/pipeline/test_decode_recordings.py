"""Every recording decodes to what golden.json found in it."""

import datetime
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.pipeline.decode import Decoded, decode

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
