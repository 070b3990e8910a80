"""Uploads over HTTP: kept byte for byte, answered with a job that comes to an end."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from core.models import Job
from core.pipeline.objects import ObjectStore
from core.services import imports
from tests.contract.conftest import World
from tests.contract.scenes import Match, device, match, own, permit, pointers, problem

JOB = {"id", "job_id", "state", "details"}
DETAILS = {"file", "device", "start", "end", "ranges", "activity", "timeframes", "repairs"}
ALWAYS = ("1970-01-01T00:00:00Z", "2199-12-31T00:00:00Z")


def part(data: bytes = b"not a recording", name: str = "run.fit", **fields: str) -> dict[str, Any]:
    return {"file": (BytesIO(data), name), **fields}


@pytest.fixture
def scene(world: World) -> Match:
    """Ada's match; she also holds WRITE on noe and owns the device now."""
    made = match(world)
    own(world, made.device, "ada", "2021-01-01T00:00:00Z", "2999-12-31T23:59:59Z")
    permit(world, "ada", "WRITE", span=ALWAYS)
    return made


def work_off(app: Flask, world: World, job: dict[str, Any]) -> None:
    """What the worker does."""
    parts = app.extensions["touchline"]
    imports.run(world.db, parts.registry, parts.objects, job["id"])


def test_a_file_for_a_device_comes_back_and_its_job_ends(app: Flask, scene: Match) -> None:
    world, path = scene.world, f"/devices/{scene.device}/files/"
    response = world.post(path, "ada", data=part(name="..\\dir/б.fit"))
    assert response.status_code == 202
    job = response.get_json()
    assert job.keys() == JOB
    assert job["state"] == "PENDING"
    assert job["details"].keys() == DETAILS
    back = world.get(f"{path}{job['details']['file']}/", "ada")
    assert back.data == b"not a recording"
    assert back.mimetype == "application/octet-stream"
    assert "attachment" in back.headers["Content-Disposition"]
    assert "dir" not in back.headers["Content-Disposition"]
    for alias in (
        f"/jobs/{job['job_id']}/info/",
        f"/jobs/{job['id']}/info/",
        f"/jobs/{job['job_id']}/",
        f"/matlab-jobs/{job['job_id']}/info/",
    ):
        assert world.get(alias, "ada").get_json() == job
    work_off(app, world, job)
    ended = world.get(f"/jobs/{job['job_id']}/info/", "ada").get_json()
    assert ended.keys() == JOB
    assert ended["state"] == "FAILURE"
    assert ended["details"]["reason"]
    assert world.get(f"{path}{job['details']['file']}/", "ada").data == b"not a recording"


def test_a_recording_becomes_computed_data(app: Flask, scene: Match, recordings: Path) -> None:
    world = scene.world
    permit(world, "ada", "READ", span=ALWAYS)
    data = (recordings / "running" / "track_fenix6.fit").read_bytes()
    response = world.post(
        f"/athletes/{world.ids['noe']}/files/",
        "ada",
        data=part(data, activity=str(scene.activity), sport="tennis"),
    )
    assert response.status_code == 202, response.get_data(as_text=True)
    job = response.get_json()
    work_off(app, world, job)
    ended = world.get(f"/jobs/{job['job_id']}/info/", "ada").get_json()
    assert ended["state"] == "SUCCESS", ended
    assert ended["details"].keys() >= DETAILS
    assert ended["details"]["activity"] == scene.activity
    [frame] = ended["details"]["timeframes"]
    computed = world.get(f"/timeframes/{frame}/computed/", "ada").get_json()
    assert computed["total_distance"] > 0
    made = world.get(f"/devices/{ended['details']['device']}/", "ada").get_json()
    assert made["device_type"] == "file"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"sport": "curling"}, "/sport"),
        ({"date": "yesterday"}, "/date"),
        ({"timezone": "Mars"}, "/timezone"),
        ({"activity": "999"}, "/activity"),
        ({"activity": "x"}, "/activity"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_fields_that_are_refused(scene: Match, fields: dict[str, str], pointer: str) -> None:
    path = f"/athletes/{scene.world.ids['noe']}/files/"
    assert pointers(scene.world.post(path, "ada", data=part(**fields))) == [pointer]
    assert scene.world.db.read(lambda s: s.query(Job).count()) == 0


def test_who_may_not(app: Flask, scene: Match) -> None:
    world = scene.world
    mine, noe = f"/devices/{scene.device}/files/", f"/athletes/{world.ids['noe']}/files/"
    for user in ("ben", "noe", "admin"):
        problem(world.post(mine, user, data=part()), 403)
    for user in ("ben", "lea", "admin"):
        problem(world.post(noe, user, data=part()), 403)
    problem(world.post("/devices/999/files/", "ada", data=part()), 404)
    problem(world.post(f"/athletes/{world.ids['ben']}/files/", "ada", data=part()), 404)
    assert "manage" in problem(world.post(noe, "noe", data=part()), 400)["detail"]
    kept: ObjectStore = app.extensions["touchline"].objects
    assert not list(kept.directory.glob("*/*"))
    job = world.post(noe, "ada", data=part()).get_json()
    file = f"{noe}{job['details']['file']}/"
    for user in ("ada", "noe", "admin"):
        assert world.get(file, user).status_code == 200
    for user in ("ben", "lea"):
        problem(world.get(file, user), 403)
    problem(world.get(f"{noe}999/", "ada"), 404)
    problem(world.get(f"{mine}{job['details']['file']}/", "ada"), 404)
    for user in ("ben", "noe", "admin"):
        problem(world.get(f"/jobs/{job['job_id']}/info/", user), 404)
    problem(world.get(f"/jobs/{job['job_id']}/info/"), 401)


def test_bodies_that_are_no_upload(app: Flask, scene: Match) -> None:
    world, path = scene.world, f"/devices/{scene.device}/files/"
    problem(world.post(path, "ada", json={"file": "x"}), 415)
    problem(world.post(path, "ada", data=b"x", content_type="application/octet-stream"), 415)
    multipart = {"content_type": "multipart/form-data"}
    assert pointers(world.post(path, "ada", data={}, **multipart)) == ["/file"]
    assert pointers(world.post(path, "ada", data={"file": "text"}, **multipart)) == ["/file"]
    extra = part() | {"other": (BytesIO(b"x"), "x")}
    assert pointers(world.post(path, "ada", data=extra)) == ["/other"]
    large = part(b"x" * (9 * 2**20))  # more than a JSON body may have
    assert world.post(path, "ada", data=large).status_code == 202


def test_a_file_larger_than_allowed(app: Flask, scene: Match) -> None:
    parts = app.extensions["touchline"]
    object.__setattr__(parts.config, "max_file_mb", 1)
    over = part(b"x" * (2**20 + 1))
    problem(scene.world.post(f"/devices/{scene.device}/files/", "ada", data=over), 413)


def test_a_file_device_stays_with_its_manager(app: Flask, scene: Match) -> None:
    world = scene.world
    other = device(world, "S2", "dev-2")
    own(world, other["id"], "ben", *ALWAYS)
    problem(world.post(f"/devices/{other['id']}/files/", "ada", data=part()), 403)


def test_more_or_less_than_one_file_is_refused(scene: Match) -> None:
    world, path = scene.world, f"/devices/{scene.device}/files/"
    assert pointers(world.post(path, "ada", data=part(b""))) == ["/file"]
    two = {"file": [(BytesIO(b"1"), "a.fit"), (BytesIO(b"2"), "b.fit")]}
    assert pointers(world.post(path, "ada", data=two)) == ["/file"]
