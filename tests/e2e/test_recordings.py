"""Recordings uploaded by REST give the golden values: file in, job, computed data out."""

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.platform import Platform
from tests.unit.sport.goldens import (
    OF_THE_FILE,
    compare,
    efforts_over,
    found,
    found_endurance,
    golden_values,
)

pytestmark = [pytest.mark.e2e, pytest.mark.recordings]

PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def manager(platform: Platform) -> tuple[httpx.Client, int]:
    """A manager's HTTP client, and the manager's id."""
    client = platform.cli("client", "create", "--name", "AMS", "--grant", "password")
    http = httpx.Client(base_url=platform.url, timeout=60)
    name = f"coach-{uuid4().hex[:8]}"
    account = {"username": name, "email": f"{name}@club.example", "password": PASSWORD}
    manager = http.post("/api/v1/managers/", json=account).raise_for_status().json()
    platform.cli("user", "permit", name, "can_create_managed_athletes")
    form = {"grant_type": "password", "username": name, "password": PASSWORD}
    auth = (client["client_id"], client["client_secret"])
    token = http.post("/oauth2/token/", data=form, auth=auth).raise_for_status().json()
    http.headers["Authorization"] = f"Bearer {token['access_token']}"
    return http, manager["id"]


@pytest.fixture
def coach(manager: tuple[httpx.Client, int]) -> tuple[httpx.Client, int]:
    """The manager's client, and a new athlete of theirs: two recordings of the same minutes are of
    two people.
    """
    http, manager_id = manager
    body = {"managed_by": manager_id, "athlete_profile": {"first_name": "U16"}}
    athlete = http.post("/api/v1/athletes/create-managed/", json=body).raise_for_status().json()
    return http, athlete["id"]


def upload(coach: tuple[httpx.Client, int], data: bytes, name: str, **form: str) -> dict[str, Any]:
    """Upload for the athlete and poll the job to its end."""
    http, athlete = coach
    answer = http.post(
        f"/api/v1/athletes/{athlete}/files/", files={"file": (name, data)}, data=form
    )
    assert answer.status_code == 202, answer.text
    job, deadline = answer.json(), time.monotonic() + 60
    while job["state"] in ("PENDING", "STARTED") and time.monotonic() < deadline:
        time.sleep(0.2)
        job = http.get(f"/api/v1/jobs/{job['job_id']}/info/").raise_for_status().json()
    return job


@pytest.mark.parametrize("name", ["statsports_U16_ID66.csv", "statsports_U16_ID67.csv"])
def test_statsports_by_rest(recordings: Path, coach: tuple[httpx.Client, int], name: str) -> None:
    data = (recordings / "soccer" / name).read_bytes()
    # golden.json places the time of day on the first day of Unix time.
    job = upload(coach, data, "anything.bin", date="1970-01-01")
    assert job["state"] == "SUCCESS", job
    (frame,) = job["details"]["timeframes"]
    document = coach[0].get(f"/api/v1/timeframes/{frame}/computed/").raise_for_status().json()
    assert document["quality"]["arrival"]["late"] == 0
    ours = found(document, document, document["input"]["samples"])
    compare(recordings, f"soccer/{name}", ours, without={"n_late", "ungated_distance_m"})
    if "ID67" in name:  # the printed row of metrics.md section 5
        over_four = efforts_over(document, "hid", 1)
        assert (len(over_four), document["total_distance"]) == (20, 3743.27)
    kept = coach[0].get(f"/api/v1/athletes/{coach[1]}/files/{job['details']['file']}/")
    assert kept.content == data


def test_catapult_by_rest(recordings: Path, coach: tuple[httpx.Client, int]) -> None:
    job = upload(coach, (recordings / "soccer" / "U18_ID3.csv").read_bytes(), "x", sport="soccer")
    assert job["state"] == "SUCCESS", job
    (frame,) = job["details"]["timeframes"]
    document = coach[0].get(f"/api/v1/timeframes/{frame}/computed/").raise_for_status().json()
    ours = found(document, document, document["input"]["samples"])
    compare(recordings, "soccer/U18_ID3.csv", ours, without={"n_late", "ungated_distance_m"})


def test_a_recording_without_its_day_says_so(
    recordings: Path, coach: tuple[httpx.Client, int]
) -> None:
    data = (recordings / "soccer" / "statsports_U16_ID66.csv").read_bytes()
    job = upload(coach, data, "match.csv")
    assert (job["state"], job["details"]["reason"]) == ("FAILURE", "date_required")


# golden.json writes 0 for what nobody measured on a trainer; ours is null (docs/sports/quality.md).
UNMEASURED = {
    "average_speed_mps", "gap_distance_m", "max_speed_mps", "moving_time_s", "total_distance_m",
}  # fmt: skip
COMMON = {"max_hr": 190, "hr_zones": [0, 50, 60, 70, 80, 90, 100]}
RIDE = {"ftp": 250, "cp": 250, "w_prime": 20000}
ENDURANCE = {
    "cycling/indoor_trainer_power.fit": RIDE,
    "cycling/power_hr_climb_57km.fit": RIDE,
    "cycling/power_vector_41km.fit": RIDE,
    "running/dynamics_fenix2.fit": {},
    "running/short_with_rr.fit": {},
    "running/stryd_power_hv.fit": {},
    "running/track_coros.fit": {},
    "running/track_fenix6.fit": {},
    "trail/hike_fr910xt.fit": {},
}
# Of a fold's inside, or of the file; tests/unit/test_goldens_endurance.py checks the first.
NOT_IN_A_DOCUMENT = OF_THE_FILE | {
    "n_fixes", "hr_samples", "hr_time_s", "hr_zone_seconds", "cadence_time_s",
}  # fmt: skip


@pytest.fixture(scope="module")
def endurance(recordings: Path, manager: tuple[httpx.Client, int]) -> dict[str, dict[str, Any]]:
    """The document of each ride and run: all uploaded, then given golden.json's parameters."""
    http, manager_id = manager
    frames = {}
    for name in ENDURANCE:
        body = {"managed_by": manager_id, "athlete_profile": {"first_name": "Endurance"}}
        athlete = http.post("/api/v1/athletes/create-managed/", json=body).raise_for_status().json()
        job = upload((http, athlete["id"]), (recordings / name).read_bytes(), name.split("/")[1])
        assert job["state"] == "SUCCESS", job
        (frame,) = job["details"]["timeframes"]
        frames[name] = f"/api/v1/timeframes/{frame}/"
        params = {"params": COMMON | ENDURANCE[name]}
        http.patch(frames[name], json=params).raise_for_status()
    documents, deadline = {}, time.monotonic() + 60
    while len(documents) < len(frames) and time.monotonic() < deadline:
        for name in frames.keys() - documents.keys():
            found = http.get(frames[name] + "computed/").raise_for_status().json()
            if found["parameters"]["max_hr"]["value"] == 190:
                documents[name] = found
        time.sleep(0.1)
    return documents


@pytest.mark.parametrize("name", list(ENDURANCE))
def test_rides_and_runs_by_rest(
    recordings: Path, endurance: dict[str, dict[str, Any]], name: str
) -> None:
    document = endurance[name]
    ours = found_endurance(document, document) | {"n": document["input"]["samples"]}
    without = NOT_IN_A_DOCUMENT | {key for key in golden_values(recordings, name) if "rr_" in key}
    if "indoor" in name:
        assert all(ours[key] is None for key in UNMEASURED)
        # The covered time, of which null are moving and standing: nothing is missing of it.
        assert document["quality"]["coverage"] == 1
        ours["time_s"] = (document["last_timestamp"] - document["first_timestamp"]) / 1000
        without |= UNMEASURED
    if "coros" in name:  # docs/sports/quality.md, "Speed that was not measured"
        ours["moving_time_s"] -= 9
    compare(recordings, name, ours, without=without)
