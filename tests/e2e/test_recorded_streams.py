"""Recorded beats and accelerations, sent by uplink as a device would, give the golden values."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.platform import Platform
from tests.unit.sport.goldens import tolerance
from tests.unit.sport.recordings import accelerations, intervals
from tests.unit.sport.test_beats_and_loads import by_golden_name, plain

pytestmark = [pytest.mark.e2e, pytest.mark.recordings]

PASSWORD = "a long enough password"
T0 = 1_590_868_800_000  # 2020-05-30T20:00:00Z


class Coach:
    """A manager with an athlete, a device that they had since 2010, and a soccer activity."""

    def __init__(self, platform: Platform) -> None:
        client = platform.cli("client", "create", "--name", "AMS", "--grant", "password")
        self.http = http = httpx.Client(base_url=f"{platform.url}/api/v1", timeout=60)
        account = {"username": "coach-beats", "email": "b@club.example", "password": PASSWORD}
        self.id = self.post("managers/", account)["id"]
        platform.cli("user", "permit", "coach-beats", "can_create_managed_athletes")
        form = {"grant_type": "password", "username": "coach-beats", "password": PASSWORD}
        auth = (client["client_id"], client["client_secret"])
        token = httpx.post(f"{platform.url}/oauth2/token/", data=form, auth=auth).json()
        http.headers["Authorization"] = f"Bearer {token['access_token']}"
        body = {"managed_by": self.id, "athlete_profile": {"first_name": "Beat"}}
        self.athlete = self.post("athletes/create-managed/", body)["id"]
        self.device = platform.cli(
            "device", "create", "--device-name", "strap", "--serial-number", "strap-1"
        )
        platform.cli(
            "device", "own", str(self.device["id"]), str(self.id),
            "--from", "2010-01-01T00:00:00Z", "--to", "2021-01-01T00:00:00Z",
        )  # fmt: skip
        found = http.get("/json-schemas/", params={"search": "soccer"}).raise_for_status().json()
        self.schemas = {schema["type"]: schema["id"] for schema in found["results"]}
        activity = {
            "name": "Beats",
            "json": {"sport": "soccer"},
            "json_schema": self.schemas["ACTIVITY"],
            "owner": self.id,
        }
        self.activity = self.post("activities/", activity)["id"]

    def post(self, path: str, body: Any, token: str | None = None) -> Any:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = self.http.post(f"/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def frame(self, start: int, end: int) -> int:
        def stamp(t: int) -> str:
            whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t // 1000))
            return f"{whole}.{t % 1000:03d}Z"

        body = {
            "start_time": stamp(start),
            "end_time": stamp(end),
            "params": {},
            "device": self.device["id"],
            "activity": self.activity,
            "athlete": self.athlete,
            "owner": self.id,
            "json_schema": self.schemas["TIMEFRAME"],
        }
        return int(self.post("timeframes/", body)["id"])

    def send(self, name: str, stream: str, columns: dict[str, list[Any]]) -> None:
        """In five batches."""
        size = len(columns["timestamp"]) // 5 + 1
        for low in range(0, 5 * size, size):
            part = {key: values[low : low + size] for key, values in columns.items()}
            body = {"batch": f"{name}-{low}", "streams": {stream: part}}
            path = f"devices/{self.device['id']}/samples/"
            self.post(path, body, token=self.device["uplink_token"])

    def computed(self, frame: int, stream: str, rows: int) -> dict[str, Any]:
        """The frame's document when all rows are in it and none waits for a refold."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            document = self.http.get(f"/timeframes/{frame}/computed/").raise_for_status().json()
            held = document["input"]["streams"].get(stream, 0)
            if held == rows and not document["quality"]["arrival"]["dirty"]:
                return dict(document)
            time.sleep(0.2)
        raise AssertionError(f"{held} of {rows} rows after a minute: {document['quality']}")


@pytest.fixture(scope="module")
def coach(platform: Platform) -> Coach:
    return Coach(platform)


@pytest.mark.parametrize(
    ("name", "at"), [("rest_rri.txt", T0), ("exercise_rri.hrm", T0 + 3_600_000)]
)
def test_beats_by_rest(recordings: Path, coach: Coach, name: str, at: int) -> None:
    beats = intervals(recordings / "rr" / name)
    t = at + np.cumsum(beats).astype(np.int64)
    frame = coach.frame(at, int(t[-1]) + 1)
    coach.send(name, "rr", {"timestamp": t.tolist(), "rr": beats.tolist()})
    document = coach.computed(frame, "rr", len(beats))
    golden = json.loads((recordings / "golden.json").read_text())
    wanted = golden["files"][f"rr/{name}"]["values"]
    found = by_golden_name(document["hrv"])
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        absolute, relative = tolerance(golden, key)
        np.testing.assert_allclose(found[key], value, atol=absolute, rtol=relative, err_msg=key)
    assert document["total_distance"] is None
    assert any(note["key"] == "player_load" for note in document["notes"])


def test_accelerations_by_rest(recordings: Path, coach: Coach) -> None:
    axes = accelerations(recordings / "imu" / "half_marathon_phone_accel.csv")
    t = axes.pop("t").tolist()
    columns = {name: values.tolist() for name, values in axes.items()}
    frame = coach.frame(t[0], t[-1] + 1)
    coach.send("phone", "imu", {"timestamp": t, **columns})
    document = coach.computed(frame, "imu", len(t))
    wanted = plain(t, list(zip(*columns.values(), strict=True)), 1000)
    load, hits = document["player_load"], document["impacts"]
    ours = [load[name] for name in ("total", "x", "y", "z")]
    np.testing.assert_allclose(ours, wanted["load"], atol=1e-4)
    assert load["rate"] == pytest.approx(wanted["rate"], abs=1e-4)
    assert hits["count"] == len(wanted["peaks"])
    assert hits["highest"] == pytest.approx(max(wanted["peaks"]), abs=1e-4)
