"""Swims, triathlons and beats uploaded by REST give the golden values."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.clock import from_iso
from tests.e2e.test_recordings import PASSWORD, upload
from tests.platform import Platform
from tests.unit.sport.goldens import compare

pytestmark = [pytest.mark.e2e, pytest.mark.recordings]

GIVEN = {"max_hr": 190, "hr_zones": [0, 50, 60, 70, 80, 90, 100]}
Coach = tuple[httpx.Client, int]


@pytest.fixture(scope="module")
def coach(platform: Platform) -> Coach:
    """A manager's HTTP client, and an athlete of theirs: no two of the recordings overlap."""
    client = platform.cli("client", "create", "--name", "Legs", "--grant", "password")
    http = httpx.Client(base_url=platform.url, timeout=60)
    account = {"username": "coach-legs", "email": "legs@club.example", "password": PASSWORD}
    manager = http.post("/api/v1/managers/", json=account).raise_for_status().json()
    platform.cli("user", "permit", "coach-legs", "can_create_managed_athletes")
    form = {"grant_type": "password", "username": "coach-legs", "password": PASSWORD}
    auth = (client["client_id"], client["client_secret"])
    token = http.post("/oauth2/token/", data=form, auth=auth).raise_for_status().json()
    http.headers["Authorization"] = f"Bearer {token['access_token']}"
    body = {"managed_by": manager["id"], "athlete_profile": {"first_name": "Tri"}}
    athlete = http.post("/api/v1/athletes/create-managed/", json=body).raise_for_status().json()
    return http, athlete["id"]


class Recording:
    """An uploaded file: what the job says, and what its time frames come to."""

    def __init__(self, coach: Coach, path: Path) -> None:
        self.http = coach[0]
        job = upload(coach, path.read_bytes(), path.name)
        assert job["state"] == "SUCCESS", job
        self.details: dict[str, Any] = job["details"]
        self.frames: list[int] = self.details["timeframes"]

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(f"/api/v1/{path}", params=query).raise_for_status().json()

    def computed(self, at: int = 0, **params: Any) -> dict[str, Any]:
        """The document of the time frame, once it is folded with these parameters beside its
        own.
        """
        frame = self.get(f"timeframes/{self.frames[at]}/")
        path = f"/api/v1/timeframes/{frame['id']}/"
        body = {"params": {**frame["params"], **params}}
        self.http.patch(path, json=body).raise_for_status()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            document: dict[str, Any] = self.get(f"timeframes/{frame['id']}/computed/")
            used = document["parameters"]
            if all(used[name]["value"] == value for name, value in params.items()):
                return document
            time.sleep(0.2)
        raise AssertionError(f"not folded with {params}: {document['parameters']}")

    def summary(self) -> dict[str, Any]:
        """What the activity comes to as a whole, once it speaks of all legs."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.get(f"activities/{self.details['activity']}/summary/")
            if found["distance"] is not None:
                return found
            time.sleep(0.2)
        raise AssertionError(f"no summary: {found}")

    def rows(self) -> list[dict[str, Any]]:
        """The samples as they are given back."""
        start, stop = self.details["start"], self.details["end"]
        path = f"devices/{self.details['device']}/preprocessed/"
        rows: list[dict[str, Any]] = self.get(path, start=start, stop=stop)["results"]
        return rows


def test_a_swim_in_open_water(recordings: Path, coach: Coach) -> None:
    swim = Recording(coach, recordings / "swimming" / "openwater_fenix3.fit")
    rows, found = swim.rows(), swim.computed(**GIVEN)
    covered = found["moving_time"] + found["standing_time"]
    distances = [row["device.distance"] for row in rows]
    ours = {
        "n": found["input"]["samples"],
        "n_late": found["quality"]["arrival"]["late"],
        "n_breaks": found["quality"]["gaps"],
        "n_rejected_fixes": found["quality"]["rejected_positions"],
        "n_fixes": sum(row["gnss.latitude"] is not None for row in rows),
        "elapsed_s": (found["last_timestamp"] - found["first_timestamp"]) / 1000,
        "time_s": covered,
        "total_distance_m": found["total_distance"],
        "gap_distance_m": found["gap_distance"],
        "gap_time_s": found["gap_time"],
        "average_speed_mps": found["average_speed"],
        "max_speed_mps": found["max_speed"],
        "cadence_avg_strokes_per_min": found["cadence"]["average"],
        "cadence_max_strokes_per_min": found["cadence"]["maximum"],
        "cadence_time_s": 60 * found["strokes"] / found["stroke_rate"],
        "device_distance_m": distances[-1] - distances[0],
        "device_distance_last_m": swim.details["sessions"][0]["distance"],
        "hr_avg": found["hr_avg"],
        "hr_max": found["hr_max"],
        "hr_min": found["hr_min"],
        "hr_samples": sum(row["ecg.hr"] is not None for row in rows),
        "hr_time_s": covered,  # every sample has a heart rate
        "hr_zone_percent": [zone["percentage_hrmax"] for zone in found["timePerHrZone"]],
        "hr_zone_seconds": [
            zone["percentage_hrmax"] / 100 * covered for zone in found["timePerHrZone"]
        ],
    }
    whole = swim.computed(max_speed=40)["total_distance"]  # no position is rejected
    ours |= {"local_step_sum_m": whole, "exact_geodesic_sum_m": whole}
    compare(recordings, "swimming/openwater_fenix3.fit", ours, without=set())


@pytest.mark.parametrize("name", ["pool_25m_hr.fit", "pool_yards_lengths.fit"])
def test_swims_in_pools(recordings: Path, coach: Coach, name: str) -> None:
    swim = Recording(coach, recordings / "swimming" / name)
    activity = swim.get(f"activities/{swim.details['activity']}/")
    found = swim.computed(css=95)
    active = [row for row in found["lengths"] if row["active"]]
    idle = [row for row in found["lengths"] if not row["active"]]
    ours = {
        "active_lengths": found["active_lengths"],
        "idle_lengths": found["idle_lengths"],
        "distance_m": found["total_distance"],
        "elapsed_swim_time_s": sum(row["duration"] for row in active),
        "swim_time_s": found["swim_time"],
        "rest_time_in_lengths_s": sum(row["duration"] for row in idle),
        "pace_s_per_100m": found["pace_100m"],
        "pool_length_m": found["pool_length"],
        "strokes": found["strokes"],
        "swolf_mean": found["swolf"]["mean"],
        "lengths_without_strokes": sum(not row["strokes"] for row in active),
        **{f"lengths_{row['stroke_type']}": row["lengths"] for row in found["stroke_types"]},
    }
    compare(recordings, f"swimming/{name}", ours, without=set())
    assert activity["json"]["pool_length"] == found["pool_length"]
    assert found["intensity_factor"] == pytest.approx(95 / found["pace_100m"], abs=1e-4)
    hours = found["swim_time"] / 3600
    stress = 100 * hours * found["intensity_factor"] ** 3
    assert found["training_stress_score"] == pytest.approx(stress, rel=1e-3)
    assert found["hr_max"] > 130


@pytest.mark.parametrize("name", ["tri_fenix3.fit", "tri_multiple_header.fit"])
def test_triathlons(recordings: Path, coach: Coach, name: str) -> None:
    race = Recording(coach, recordings / "triathlon" / name)
    activity = race.get(f"activities/{race.details['activity']}/")
    summary = race.summary()
    sessions = race.details["sessions"]
    between = [row["duration"] for row in activity["json"]["transitions"]]
    ours: dict[str, Any] = {
        "n_records": sum(row["size"] for row in race.details["ranges"]),
        "n_sessions": len(sessions),
        "n_sport_legs": len(race.frames),
        "transition1_s": between[0],
        "transition2_s": between[1],
    }
    legs = [session for session in sessions if session["sport"] != "transition"]
    for at, (session, sport) in enumerate(
        zip(legs, ("swimming", "biking", "running"), strict=True)
    ):
        frame = race.get(f"timeframes/{race.frames[at]}/")
        (leg,) = frame["params"]["legs"]
        assert leg["sport"] == session["sport"] == sport
        found = race.computed(at, **GIVEN)
        start, end = from_iso(leg["start_time"]), from_iso(leg["end_time"])
        ours |= {
            f"leg{at + 1}_{key}": value
            for key, value in {
                "start_ms": start,
                "elapsed_s": (end - start) / 1000,
                "timer_s": session["timer"],
                "device_distance_m": session["distance"],
                "distance_source_is_device": found["distance_source"] == "device",
                "n_breaks": found["quality"]["gaps"],
                "gap_time_s": found["gap_time"],
                "records": found["input"]["samples"],
                "hr_avg": found["hr_avg"],
                "hr_max": found["hr_max"],
                "total_distance_m": found["total_distance"],
                "geodesic_sum_m": found["total_distance"],  # no position of a run was rejected
            }.items()
        }
        if found["distance_source"] == "device":
            # Lines from position to position, whatever lies between two.
            given = {"distance_source": "position", "max_bridge": 600}
            ours[f"leg{at + 1}_geodesic_sum_m"] = race.computed(at, **given)["total_distance"]
    compare(recordings, f"triathlon/{name}", ours, without=set())
    assert [row["timeframe"] for row in summary["legs"]] == race.frames
    assert [row["elapsed"] for row in summary["legs"]] == [leg["elapsed"] for leg in legs]
    assert [row["duration"] for row in summary["transitions"]] == between
    for row, leg in zip(summary["legs"], legs, strict=True):
        sparse = row["sport"] == "swimming" and name == "tri_fenix3.fit"
        assert row["distance"] == pytest.approx(leg["distance"], rel=0 if sparse else 0.02)


def test_beats_of_a_run(recordings: Path, coach: Coach) -> None:
    run = Recording(coach, recordings / "running" / "short_with_rr.fit")
    found = run.computed()["hrv"]
    kept = found["filtered"]
    ours = {
        "rr_n": found["n"],
        "rr_n_diff": found["differences"],
        "rr_mean_rr_ms": found["mean_rr"],
        "rr_rmssd_ms": found["rmssd"],
        "rr_sdnn_ms": found["sdnn"],
        "rr_pnn50_percent": found["pnn50"],
        "rr_nn50": found["nn50"],
        "rr_n_rejected": kept["refused"],
        "rr_longest_refused_run": kept["longest_refused_run"],
        "rr_filtered_n": kept["n"],
        "rr_filtered_n_diff": kept["differences"],
        "rr_filtered_mean_rr_ms": kept["mean_rr"],
        "rr_filtered_rmssd_ms": kept["rmssd"],
        "rr_filtered_sdnn_ms": kept["sdnn"],
        "rr_filtered_nn50": kept["nn50"],
        "rr_filtered_pnn50_percent": kept["pnn50"],
    }
    name = "running/short_with_rr.fit"
    values = json.loads((recordings / "golden.json").read_text())["files"][name]["values"]
    samples = {key for key in values if not key.startswith("rr_")}  # tests/e2e/test_recordings.py
    compare(recordings, name, ours, without=samples)
