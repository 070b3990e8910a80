"""Computed data over HTTP: samples sent by the uplink, folded by the real pipeline, read back."""

from typing import Any

import pytest
from sqlalchemy import delete, select

from core.models import ComputeState, Outbox
from core.pipeline import compute
from tests.contract.conftest import World
from tests.contract.scenes import START, STOP, T0, Match, match, permit, problem

OURS = {
    "edition",
    "metrics",
    "parameters",
    "input",
    "quality",
    "notes",
    "digest",
    "last_computation",
}


@pytest.fixture
def scene(world: World) -> Match:
    return match(world)


def run_at_3_m_per_s(scene: Match, seconds: int = 60) -> None:
    """Straight on at 10 Hz, sent by the device itself."""
    n = seconds * 10
    columns = {
        "gnss.timestamp": [T0 + 100 * i for i in range(n)],
        "gnss.latitude": [46.5 + 0.3 * i / 111_195 for i in range(n)],
        "gnss.longitude": [6.6] * n,
        "gnss.speed": [3.0] * n,
        "ecg.hr": [150.0] * n,
    }
    response = scene.world.post(
        f"/devices/{scene.device}/samples/",
        token=scene.token,
        json={"batch": f"run-{seconds}", "columns": columns},
    )
    assert response.status_code == 200, response.get_data(as_text=True)


def fold(scene: Match, registry: Any, frame: int) -> None:
    assert compute.refold(scene.world.db, registry, frame)


def test_before_the_first_computation(scene: Match) -> None:
    frame = scene.frame()
    document = scene.world.get(f"/timeframes/{frame}/computed/", "noe").get_json()
    assert document.keys() >= OURS
    assert document["edition"] == 0
    assert document["total_distance"] is None


def test_computed_data_of_a_frame(scene: Match, registry: Any) -> None:
    world, frame = scene.world, scene.frame(params={"max_hr": 190})
    permit(world, "ada", "READ")
    run_at_3_m_per_s(scene)
    fold(scene, registry, frame)
    response = world.get(f"/timeframes/{frame}/computed/", "ada")
    assert response.mimetype == "application/json"
    document = response.get_json()
    assert document.keys() >= OURS | {"accelerations", "hid", "sprint", "hr_avg", "timePerHrZone"}
    assert document["edition"] == 1
    assert document["input"]["samples"] == 600
    assert document["hr_avg"] == pytest.approx(150)
    assert document["total_distance"] == pytest.approx(3.0 * 59.9, rel=0.01)
    assert world.get(f"/timeframes/{frame}/computed-data/", "ada").get_json() == document
    whole = world.get(f"/activities/{scene.activity}/computed/", "ada").get_json()
    assert whole == [{"timeframe": frame, "data": document}]
    assert world.get(f"/activities/{scene.activity}/computed-data/", "ada").get_json() == whole


def test_who_reads(scene: Match) -> None:
    world, frame = scene.world, scene.frame()
    path, whole = f"/timeframes/{frame}/computed/", f"/activities/{scene.activity}/computed/"
    assert "READ" in problem(world.get(path, "ada"), 403)["detail"]
    permit(world, "ben", "READ", span=(START, STOP))  # expired, and covers the frame
    for user in ("ben", "noe", "admin"):
        assert world.get(path, user).status_code == 200
    for user in ("ben", "admin"):
        assert world.get(whole, user).status_code == 200
    for user in ("noe", "ada"):
        problem(world.get(whole, user), 403)
    problem(world.get(path, "lea"), 403)
    problem(world.get(path, token=scene.token), 403)
    problem(world.get(path), 401)
    for path in ("/timeframes/999/computed/", "/activities/999/computed/"):
        problem(world.get(path, "ada"), 404)


def test_read_granted_today_opens_no_frame_of_the_past(scene: Match) -> None:
    world, frame = scene.world, scene.frame()
    permit(world, "ada", "READ", span=("2021-01-01T00:00:00Z", "2199-01-01T00:00:00Z"))
    problem(world.get(f"/timeframes/{frame}/computed/", "ada"), 403)


def test_one_unreadable_athlete_closes_the_activity(scene: Match) -> None:
    world = scene.world
    permit(world, "ada", "READ")
    permit(world, "ada", "WRITE", athlete="lea")
    scene.frame()
    assert world.get(f"/activities/{scene.activity}/computed/", "ada").status_code == 200
    scene.frame(athlete=world.ids["lea"])
    problem(world.get(f"/activities/{scene.activity}/computed/", "ada"), 403)


def test_a_computation_that_was_given_up_says_why(scene: Match) -> None:
    frame = scene.frame()
    compute.record_failure(scene.world.db, "refold", str(frame), "MetricError: hid: no reason")
    document = scene.world.get(f"/timeframes/{frame}/computed/", "noe").get_json()
    assert document["error"] == "MetricError: hid: no reason"
    assert document["edition"] == 0


def edition(scene: Match, frame: int, number: int) -> dict[str, Any]:
    answer = scene.world.get(f"/timeframes/{frame}/computed/?edition={number}", "noe")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_a_threshold_changed_from_a_date(scene: Match, registry: Any) -> None:
    """The frames that it concerns, and no others, have another edition; the one before stays
    readable, and what moved is listed."""
    world = scene.world
    first, second = (
        scene.frame(),
        scene.frame(start_time="2020-05-30T20:00:30Z", params={"max_hr": 200}),
    )
    run_at_3_m_per_s(scene)
    path = f"/athletes/{world.ids['noe']}/parameters/"
    body = {"name": "max_hr", "value": 180, "valid_from": "2020-01-01"}
    assert world.post(path, "noe", json=body).status_code == 201
    for frame in (first, second):
        fold(scene, registry, frame)
    world.db.write(lambda s: s.execute(delete(Outbox)))
    body = {"name": "max_hr", "value": 170, "valid_from": "2020-05-01"}
    assert world.post(path, "noe", json=body).status_code == 201
    owed = world.db.read(lambda s: s.scalars(select(Outbox.key)).all())
    assert owed == [str(first)]
    fold(scene, registry, first)

    now = world.get(f"/timeframes/{first}/computed/", "noe").get_json()
    assert now["edition"] == 2
    assert now["parameters"]["max_hr"] == {"value": 170.0, "source": "athlete"}
    before, after = edition(scene, first, 1), edition(scene, first, 2)
    assert before.pop("moved") is None
    assert before["parameters"]["max_hr"] == {"value": 180.0, "source": "athlete"}
    moved = after.pop("moved")
    assert after == now
    assert moved["because"] == {
        "metrics": {},
        "parameters": {"max_hr": [180.0, 170.0]},
        "samples": False,
    }
    assert {"key": "athlete_max_hr", "before": 180.0, "after": 170.0} in moved["changes"]
    assert "timePerHrZone" in moved["keys"]
    assert moved["more"] == 0

    listed = world.get(f"/timeframes/{first}/computed/editions/", "noe").get_json()
    assert listed["count"] == 2
    newest, oldest = listed["results"]
    assert (newest["edition"], newest["current"], newest["stale"]) == (2, True, False)
    assert (oldest["edition"], oldest["current"], oldest["because"]) == (1, False, None)
    assert newest["because"] == moved["because"]
    assert (newest["digest"], oldest["digest"]) == (after["digest"], before["digest"])
    paged = world.get(f"/timeframes/{first}/computed/editions/?limit=1&page=2", "noe").get_json()
    assert paged["results"] == [oldest]


def test_editions_that_are_not_there(scene: Match) -> None:
    world, frame = scene.world, scene.frame()
    path = f"/timeframes/{frame}/computed/"
    problem(world.get(f"{path}?edition=1", "noe"), 404)
    for wrong in ("0", "-1", "newest", "1.5"):
        assert "edition" in problem(world.get(f"{path}?edition={wrong}", "noe"), 400)["detail"]
    assert world.get(f"{path}editions/", "noe").get_json()["results"] == []
    problem(world.get(f"{path}editions/?page=2", "noe"), 404)
    problem(world.get(f"{path}editions/", "lea"), 403)
    problem(world.get("/timeframes/999/computed/editions/", "noe"), 404)


def test_a_result_of_older_versions_says_so(scene: Match, registry: Any) -> None:
    world, frame = scene.world, scene.frame()
    run_at_3_m_per_s(scene)
    fold(scene, registry, frame)
    path = f"/timeframes/{frame}/computed/"
    assert "stale" not in world.get(path, "noe").get_json()
    world.db.write(lambda s: setattr(s.get_one(ComputeState, frame), "versions", "0" * 64))
    assert world.get(path, "noe").get_json()["stale"] is True
    newest = world.get(f"{path}editions/", "noe").get_json()["results"][0]
    assert (newest["edition"], newest["stale"]) == (1, True)
    fold(scene, registry, frame)
    assert "stale" not in world.get(path, "noe").get_json()
