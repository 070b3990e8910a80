"""The vendor's getting-started scenario, step by step over HTTP against a running `touchline up`.

A manager A, athletes B and C, two devices, a tennis match of 30 May 2020: the guide's paths, bodies
and order, with ids as returned. The guide's one path that predates 1.0 (``/api/timeframes/``) is
corrected, and the ownerships are backdated by the administrator, as the past needs.
"""

import time
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from tests.platform import Platform

pytestmark = pytest.mark.e2e

YEAR_2020 = {
    "start_time": "2020-01-01T00:00:00.000Z",
    "expiration_time": "2020-12-31T23:59:59.000Z",
}
MATCH = {"start_time": "2020-05-30T20:00:00.000Z", "end_time": "2020-05-30T22:00:00.000Z"}
MATCH_START = 1590868800000
PASSWORD = "a long enough password 2020"


class Caller:
    """One user's view of the API: a bearer token and the paths under ``/api/v1/``."""

    def __init__(self, url: str, client: dict[str, str], username: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)
        answer = self._http.post(
            "/oauth2/token/",
            data={"grant_type": "password", "username": username, "password": PASSWORD},
            auth=(client["client_id"], client["client_secret"]),
        )
        assert answer.status_code == 200, answer.text
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __call__(self, method: str, path: str, status: int, body: Any = None, **query: Any) -> Any:
        answer = self._http.request(method, f"/api/v1/{path}", json=body, params=query)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


def court_run(seed: int) -> dict[str, list[Any]]:
    """A minute of a tennis player at 10 Hz, rallying along the baseline."""
    rng = np.random.default_rng(seed)
    n = 600
    speed = np.clip(2 + 2 * np.sin(np.arange(n) / 13) + rng.normal(0, 0.3, n), 0, None)
    east = np.cumsum(speed * np.sign(np.sin(np.arange(n) / 26)) * 0.1)
    return {
        "gnss.timestamp": [MATCH_START + 100 * k for k in range(n)],
        "gnss.latitude": np.round(51.4343 + rng.normal(0, 1e-7, n), 7).tolist(),
        "gnss.longitude": np.round(-0.2145 + east / 69_500, 7).tolist(),
        "gnss.speed": np.round(speed, 3).tolist(),
        "ecg.hr": np.round(130 + 20 * np.sin(np.arange(n) / 100)).tolist(),
    }


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not true within {seconds} s")


def test_the_guides_tennis_match(every_platform: Platform) -> None:
    platform, url = every_platform, every_platform.url
    client = platform.cli("client", "create", "--name", "AMS", "--grant", "password")
    public = httpx.Client(base_url=url, timeout=30)

    def register(kind: str, username: str) -> int:
        answer = public.post(
            f"/api/v1/{kind}/",
            json={"username": username, "email": f"{username}@club.example", "password": PASSWORD},
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    a_id, x_id = register("managers", "manager-a"), register("managers", "manager-x")
    b_id, c_id = register("athletes", "athlete-b"), register("athletes", "athlete-c")
    manager, stranger = Caller(url, client, "manager-a"), Caller(url, client, "manager-x")
    b, c = Caller(url, client, "athlete-b"), Caller(url, client, "athlete-c")
    assert manager("GET", "account/", 200)["id"] == a_id

    # A takes the two devices: one by the guide's path, one by the body of 1.22.
    devices = [
        platform.cli(
            "device", "create", "--device-name", f"wimbledon-{k}", "--serial-number", f"{k}"
        )
        for k in (1, 2)
    ]
    first, second = (device["id"] for device in devices)
    assert manager("POST", f"devices/{first}/take-ownership/", 201)["id"] == first
    manager(
        "POST",
        "devices/take-ownership/",
        201,
        {"serial_number": "2", "device_name": "wimbledon-2"},
    )
    assert "message" in stranger("POST", f"devices/{first}/take-ownership/", 400)

    # The activity, with the tennis schemas as the platform lists them.
    schemas = manager("GET", "json-schemas/", 200, search="tennis")["results"]
    by_type = {schema["type"]: schema for schema in schemas}
    activity = manager(
        "POST",
        "activities/",
        201,
        {
            "name": "Tennis match of 30 may 2020 at Wimbledon",
            "json": {"sport": "tennis", "type": "match"},
            "json_schema": by_type["ACTIVITY"]["id"],
            "owner": a_id,
        },
    )

    def frame(device: int, athlete: int) -> dict[str, Any]:
        return {
            **MATCH,
            "params": {},
            "device": device,
            "activity": activity["id"],
            "athlete": athlete,
            "owner": a_id,
            "json_schema": by_type["TIMEFRAME"]["id"],
        }

    # No WRITE on the athlete: no time frame. WRITE, but the device was not owned in 2020: neither.
    assert "WRITE" in manager("POST", "timeframes/", 403, frame(first, b_id))["detail"]
    for caller, athlete in ((b, b_id), (c, c_id)):
        granted = caller(
            "POST",
            f"athletes/{athlete}/managers/{a_id}/permissions/",
            200,
            {**YEAR_2020, "permission": "WRITE"},
        )
        assert granted["is_active"] is False  # the year is over; its data stay open
    assert "device" in manager("POST", "timeframes/", 403, frame(first, b_id))["detail"]
    for device in (first, second):
        platform.cli(
            "device", "own", str(device), str(a_id),
            "--from", "2020-01-01T00:00:00Z", "--to", "2021-01-01T00:00:00Z",
        )  # fmt: skip
    frames = [
        manager("POST", "timeframes/", 201, frame(first, b_id)),
        manager("POST", "timeframes/", 201, frame(second, c_id)),
    ]
    assert frames[0]["start_time"] == MATCH["start_time"]

    # The devices send; each batch is acknowledged, a repeat is answered as the first was.
    for device in devices:
        answers = [
            public.post(
                f"/api/v1/devices/{device['id']}/samples/",
                json={"batch": "minute-1", "columns": court_run(device["id"])},
                headers={"Authorization": f"Bearer {device['uplink_token']}"},
            )
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
        assert [answer.json()["duplicate"] for answer in answers] == [False, True]
        assert answers[1].json()["accepted"] == 600

    # No READ: no computed data, of the frame or of the activity.
    computed = f"timeframes/{frames[0]['id']}/computed/"
    manager("GET", computed, 403)
    manager("GET", f"activities/{activity['id']}/computed/", 403)

    # READ whose expiration is past, but whose range covers the frame: allowed. Today's is not.
    today = {"start_time": "2026-01-01T00:00:00Z", "expiration_time": "2199-01-01T00:00:00Z"}
    path = f"athletes/{b_id}/managers/{x_id}/permissions/"
    b("POST", path, 200, {**today, "permission": "READ"})
    stranger("GET", computed, 403)
    for caller, athlete in ((b, b_id), (c, c_id)):
        caller(
            "POST",
            f"athletes/{athlete}/managers/{a_id}/permissions/",
            200,
            {**YEAR_2020, "permission": "READ"},
        )

    def done() -> dict[str, Any] | None:
        data = manager("GET", computed, 200)
        return data if data["edition"] and data["last_timestamp"] else None

    data = wait_for(done)
    assert data["last_timestamp"] == MATCH_START + 59_900
    assert data["total_distance"] > 50
    assert 100 < data["hr_avg"] < 160
    listed = manager("GET", f"activities/{activity['id']}/computed/", 200)
    assert {item["timeframe"] for item in listed} == {f["id"] for f in frames}

    # The athlete reads their own; another athlete and a caller without a token do not.
    assert b("GET", computed, 200)["total_distance"] == data["total_distance"]
    c("GET", computed, 403)
    assert public.get(f"/api/v1/{computed}").status_code == 401
    # Revoking deletes the row, and with it past access.
    b("DELETE", f"athletes/{b_id}/managers/{a_id}/permissions/", 204)
    manager("GET", computed, 403)
