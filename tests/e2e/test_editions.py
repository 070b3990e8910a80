"""A threshold that changes from a date, on a running platform with real rides."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.test_recordings import coach, manager, upload  # noqa: F401

pytestmark = [pytest.mark.e2e, pytest.mark.recordings]

RIDES = ("power_vector_41km.fit", "power_hr_climb_57km.fit")


def when(found: Callable[[], Any]) -> Any:
    """The first answer that is not false."""
    deadline = time.monotonic() + 60
    while not (answer := found()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return answer


def test_ftp_from_a_date(recordings: Path, coach: tuple[httpx.Client, int]) -> None:  # noqa: F811
    """Exactly the ride that it concerns is computed anew; the edition before stays readable."""
    http, athlete = coach
    rides = []
    for name in RIDES:
        job = upload(coach, (recordings / "cycling" / name).read_bytes(), name)
        (frame,) = job["details"]["timeframes"]
        rides.append(http.get(f"/api/v1/timeframes/{frame}/").raise_for_status().json())
    rides.sort(key=lambda ride: ride["start_time"])
    earlier, later = (f"/api/v1/timeframes/{ride['id']}/computed/" for ride in rides)

    def computed(path: str, **query: Any) -> dict[str, Any]:
        return http.get(path, params=query).raise_for_status().json()

    def since(path: str, edition: int) -> dict[str, Any]:
        return when(lambda: (found := computed(path))["edition"] > edition and found)

    def say(ftp: int, valid_from: str) -> None:
        body = {"name": "ftp", "value": ftp, "valid_from": valid_from}
        http.post(f"/api/v1/athletes/{athlete}/parameters/", json=body).raise_for_status()

    before = [computed(path) for path in (earlier, later)]
    assert [one["power"]["intensity_factor"] for one in before] == [None, None]
    say(250, "2000-01-01")
    first, second = since(earlier, before[0]["edition"]), since(later, before[1]["edition"])
    assert first["power"]["intensity_factor"] > 0.5
    say(300, rides[1]["start_time"])
    third = since(later, second["edition"])
    assert third["parameters"]["ftp"] == {"value": 300.0, "source": "athlete"}
    normalized = third["power"]["normalized"]
    assert second["power"]["intensity_factor"] == pytest.approx(normalized / 250, abs=1e-3)
    assert third["power"]["intensity_factor"] == pytest.approx(normalized / 300, abs=1e-3)
    assert computed(earlier) == first

    stands = computed(later, edition=second["edition"])
    assert {key: stands[key] for key in second} == second
    moved = computed(later, edition=third["edition"])["moved"]
    assert moved["because"] == {
        "metrics": {},
        "parameters": {"ftp": [250.0, 300.0]},
        "samples": False,
    }
    assert {
        "key": "power.intensity_factor",
        "before": second["power"]["intensity_factor"],
        "after": third["power"]["intensity_factor"],
    } in moved["changes"]
    assert "power.normalized" not in [change["key"] for change in moved["changes"]]
