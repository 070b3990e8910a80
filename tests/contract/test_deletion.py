"""Deleting an athlete: what is gone at once, what the job removes, what stays."""

import os
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.clock import now
from core.models import (
    Activity,
    AthleteProfile,
    ComputedData,
    ComputeState,
    Device,
    Job,
    OAuthToken,
    Outbox,
    Permission,
    SampleBlock,
    SampleTail,
    TimeFrame,
    UplinkBatch,
    UploadedFile,
    User,
)
from core.models.outbox import DELETE
from core.services import deletion, imports
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import T0, Match, match, permit, problem
from tests.unit.services.test_imports import statsports
from workers import jobs

ALWAYS = ("1970-01-01T00:00:00Z", "2199-12-31T00:00:00Z")

# References to an account that outlive it, and what becomes of what they stand in.
STAYING = {
    "activity.owner_id": "a manager's",
    "timeframe.owner_id": "a manager's",
    "timeframe.athlete_id": "removed by the job",
    "uploaded_file.uploader_id": "removed by the job",
    "uploaded_file.athlete_id": "removed by the job",
    "user_account.managed_by_id": "of managers only",
    "job.submitter_id": "an empty account's number",
}


@pytest.fixture
def scene(world: World) -> Match:
    """A match with samples from Ada's tracker."""
    made = match(world)
    made.frame()
    columns = {"gnss.timestamp": [T0, T0 + 1000], "gnss.speed": [3.0, 4.0]}
    sent = world.post(
        f"/devices/{made.device}/samples/",
        token=made.token,
        json={"batch": "b1", "columns": columns},
    )
    assert sent.status_code == 200
    return made


def upload(app: Flask, scene: Match, seed: int = 300) -> dict[str, Any]:
    """Ada imports a recording of noe: file device, activity, frame, result."""
    world = scene.world
    for right in ("WRITE", "READ"):
        permit(world, "ada", right, span=ALWAYS)
    form = {"file": (BytesIO(statsports(seed)), "noe.csv"), "date": "2020-05-30", "sport": "soccer"}
    job = world.post(f"/athletes/{world.ids['noe']}/files/", "ada", data=form).get_json()
    parts = app.extensions["touchline"]
    imports.run(world.db, parts.registry, parts.objects, job["id"])
    ended = world.get(f"/jobs/{job['id']}/info/", "ada").get_json()
    assert ended["state"] == "SUCCESS", ended
    return ended["details"]


def work_off(app: Flask, world: World, athlete: int) -> None:
    """What the worker does with the outbox row."""
    row = world.db.read(lambda s: s.scalar(select(Outbox).where(Outbox.topic == DELETE)))
    assert row.key == str(athlete)
    objects = app.extensions["touchline"].objects
    deletion.run(world.db, objects, athlete, (row.id, row.generation))


def age(app: Flask) -> None:
    """Let the last upload lie a while back."""
    for path in app.extensions["touchline"].objects.directory.glob("*/*"):
        os.utime(path, (0, 0))


def count(world: World, model: type, *conditions: Any) -> int:
    return world.db.read(lambda s: s.query(model).filter(*conditions).count())


def test_an_athlete_deletes_themselves(app: Flask, scene: Match) -> None:
    world, noe = scene.world, scene.world.ids["noe"]
    details = upload(app, scene)
    path = f"/athletes/{noe}/"
    for user in ("ada", "lea", "admin"):
        problem(world.delete(path, user), 403)
    problem(world.delete(path, token=world.login("noe", "read")), 403)
    answer = world.delete(path, "noe")
    assert (answer.status_code, answer.data) == (204, b"")
    # At once.
    problem(world.get("/account/", "noe"), 401)
    old = world.token_request(grant_type="password", username="noe", password=PASSWORD)
    assert old.status_code == 400
    for user in ("ada", "admin"):
        problem(world.get(path, user), 404)
    assert world.get("/athletes/", "admin").get_json()["count"] == 1  # lea
    row = world.db.read(lambda s: s.get_one(User, noe))
    assert row.username.startswith("DELETED-")
    assert (row.email, row.external_id, row.password_hash) == (None, None, None)
    for model in (AthleteProfile, OAuthToken):
        assert count(world, model, model.user_id == noe) == 0
    assert count(world, Permission) == 0
    # By the job.
    age(app)
    work_off(app, world, noe)
    for model in (TimeFrame, ComputedData, ComputeState, UploadedFile, SampleBlock):
        assert count(world, model) == 0, model
    assert count(world, Device) == 1  # Ada's tracker
    assert count(world, UplinkBatch) == count(world, SampleTail) == 1  # what it recorded
    assert count(world, Activity) == 1  # Ada's match
    assert count(world, Activity, Activity.id == details["activity"]) == 0
    assert count(world, Job, Job.kind == "import") == 0
    assert not list(app.extensions["touchline"].objects.directory.glob("*/*"))
    assert count(world, Outbox, Outbox.topic == DELETE) == 0
    [job] = world.db.read(lambda s: s.query(Job).filter(Job.kind == "delete").all())
    assert job.state == "SUCCESS"
    assert job.details == {"athlete": noe, "timeframes": 2, "devices": 1, "files": 1}
    # The name is free again, and the number is nobody's.
    again = world.post("/athletes/", json={"username": "noe", "email": "noe@club.example"})
    assert again.status_code == 201
    assert again.get_json()["id"] != noe


def test_bytes_that_were_put_a_moment_ago_wait(app: Flask, scene: Match) -> None:
    world, noe = scene.world, scene.world.ids["noe"]
    upload(app, scene)
    assert world.delete(f"/athletes/{noe}/", "noe").status_code == 204
    work_off(app, world, noe)
    assert count(world, UploadedFile) == 1
    assert count(world, TimeFrame) == 0
    [owed] = world.db.read(lambda s: s.query(Outbox).filter(Outbox.topic == DELETE).all())
    assert owed.due > owed.created
    age(app)
    work_off(app, world, noe)
    assert count(world, UploadedFile) == 0
    [job] = world.db.read(lambda s: s.query(Job).filter(Job.kind == "delete").all())
    assert (job.state, job.details["files"], job.details["timeframes"]) == ("SUCCESS", 1, 2)


def test_a_deletion_is_not_given_up(app: Flask, scene: Match) -> None:
    world, noe = scene.world, scene.world.ids["noe"]
    upload(app, scene)
    world.delete(f"/athletes/{noe}/", "noe")
    age(app)
    row = world.db.read(lambda s: s.scalar(select(Outbox).where(Outbox.topic == DELETE)))
    owed = jobs.Owed(row.id, row.generation, row.topic, row.key, row.payload)
    for _ in range(jobs.MOST_ATTEMPTS):
        jobs.failed(world.db, owed, "the disk is full")
    [job] = world.db.read(lambda s: s.query(Job).filter(Job.kind == "delete").all())
    assert (job.state, job.details["reason"]) == ("FAILURE", "the disk is full")
    row = world.db.read(lambda s: s.scalar(select(Outbox).where(Outbox.topic == DELETE)))
    assert row.due > now() + 3_500_000
    work_off(app, world, noe)
    assert count(world, TimeFrame) == 0
    [job] = world.db.read(lambda s: s.query(Job).filter(Job.kind == "delete").all())
    assert job.state == "SUCCESS"
    assert "reason" not in job.details


def test_the_same_bytes_of_another_stay(app: Flask, scene: Match) -> None:
    world, noe = scene.world, scene.world.ids["noe"]
    upload(app, scene)
    permit(world, "ada", "WRITE", athlete="lea", span=ALWAYS)
    form = {"file": (BytesIO(statsports()), "lea.csv")}
    other = world.post(f"/athletes/{world.ids['lea']}/files/", "ada", data=form).get_json()
    world.delete(f"/athletes/{noe}/", "noe")
    age(app)
    work_off(app, world, noe)
    file = f"/athletes/{world.ids['lea']}/files/{other['details']['file']}/"
    assert world.get(file, "lea").data == statsports()


def test_a_manager_deletes_a_managed_athlete(app: Flask, world: World) -> None:
    made = world.post(
        "/athletes/create-managed/", "ada", json={"managed_by": world.ids["ada"]}
    ).get_json()
    path = f"/athletes/{made['id']}/delete-managed/"
    for user in ("ben", "noe", "admin"):
        problem(world.delete(path, user), 403)
    problem(world.delete(f"/athletes/{world.ids['noe']}/delete-managed/", "ada"), 403)
    problem(world.delete("/athletes/999/delete-managed/", "ada"), 404)
    problem(world.delete(f"/athletes/{made['id']}/", "ada"), 403)
    answer = world.delete(path, "ada")
    assert (answer.status_code, answer.data) == (204, b"")
    problem(world.delete(path, "ada"), 404)
    assert world.get("/athletes/", "ada").get_json()["count"] == 0
    work_off(app, world, made["id"])
    assert count(world, Outbox, Outbox.topic == DELETE) == 0


def test_every_reference_to_an_account_is_thought_of() -> None:
    """A new table must say ON DELETE CASCADE or SET NULL, or be dealt with in the job."""
    bare = {str(column) for column, rule in deletion.references() if rule is None}
    assert bare == set(STAYING)
