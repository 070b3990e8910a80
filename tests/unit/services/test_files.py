"""Uploads: who may, what is recorded, what is owed."""

from typing import Any

import pytest

from core.clock import now
from core.errors import BadInput, Forbidden, NotFound
from core.models import UploadedFile, User
from core.services import files, jobs
from core.sport.registry import Registry

from .conftest import DAY, START, STOP, Match

STORED = {"name": "match.fit", "sha256": "0" * 64, "size": 7}


@pytest.fixture
def ready(match: Match) -> Match:
    """Anna also holds WRITE on cleo and owns the device now."""
    world = match.world
    world.permit(world.anna, "WRITE", now() - DAY, now() + DAY)
    world.own(world.anna, match.device, now() - DAY, now() + DAY)
    return match


def for_athlete(match: Match, sports: Registry, actor: Any, **fields: Any) -> Any:
    cleo = match.world.cleo.user_id
    return match.world.write(files.add_for_athlete, actor, sports, cleo, STORED, **fields)


def test_an_upload_for_a_device(ready: Match) -> None:
    world = ready.world
    job = world.write(files.add_for_device, world.anna, ready.device, STORED, date="2020-05-30")
    assert job.state == "PENDING"
    assert (job.details["device"], job.details["start"]) == (ready.device, None)
    file = world.read(files.of_device, world.anna, ready.device, job.arguments["file"])
    assert (file.name, file.sha256, file.size) == ("match.fit", "0" * 64, 7)
    assert job.arguments == {
        "file": file.id,
        "device": ready.device,
        "owner": world.anna.user_id,
        "date": "2020-05-30",
        "timezone": "UTC",
    }
    assert world.owed("import") == [str(job.id)]


def test_an_upload_for_an_athlete(ready: Match, sports: Registry) -> None:
    world = ready.world
    job = for_athlete(
        ready,
        sports,
        world.anna,
        activity=ready.activity,
        sport="tennis",
        date="2020-05-30",
        timezone="Europe/Zurich",
    )
    assert job.arguments == {
        "file": job.arguments["file"],
        "athlete": world.cleo.user_id,
        "owner": world.anna.user_id,
        "activity": ready.activity,
        "sport": "tennis",
        "date": "2020-05-30",
        "timezone": "Europe/Zurich",
    }


def test_an_athlete_uploads_for_their_manager_to_own(ready: Match, sports: Registry) -> None:
    world = ready.world
    with pytest.raises(BadInput, match="nobody manages"):
        for_athlete(ready, sports, world.cleo)

    def manage(session) -> None:
        session.get(User, world.cleo.user_id).managed_by_id = world.ben.user_id

    world.write(manage)
    job = for_athlete(ready, sports, world.cleo)
    assert job.arguments["owner"] == world.ben.user_id
    assert world.read(jobs.get, world.cleo, job.job_id).id == job.id


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"sport": "curling"}, "/sport"),
        ({"sport": "soccer"}, "/sport"),  # the activity is tennis
        ({"activity": 999}, "/activity"),
        ({"date": "30.05.2020"}, "/date"),
        ({"date": "20200530"}, "/date"),
        ({"date": "2020-02-30"}, "/date"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"timezone": "Europe"}, "/timezone"),
        ({"timezone": ""}, "/timezone"),
    ],
)
def test_fields_are_checked_before_anything_is_kept(
    ready: Match, sports: Registry, fields: dict[str, Any], pointer: str
) -> None:
    given = {"activity": ready.activity, **fields}
    with pytest.raises(BadInput) as refusal:
        for_athlete(ready, sports, ready.world.anna, **given)
    assert refusal.value.errors[0]["pointer"] == pointer
    assert ready.world.read(lambda s: s.query(UploadedFile).count()) == 0
    assert ready.world.owed("import") == []


def test_who_may_not_upload(ready: Match, sports: Registry) -> None:
    world = ready.world
    world.permit(world.ben, "WRITE", START, STOP)  # not now
    for actor in (world.ben, world.admin):
        with pytest.raises(Forbidden):
            for_athlete(ready, sports, actor)
        with pytest.raises(Forbidden):
            world.write(files.add_for_device, actor, ready.device, STORED)
    with pytest.raises(NotFound):
        world.write(files.add_for_athlete, world.anna, sports, world.ben.user_id, STORED)
    with pytest.raises(NotFound):
        world.write(files.add_for_device, world.anna, 999, STORED)
    world.permit(world.ben, "WRITE", now() - DAY, now() + DAY)
    with pytest.raises(Forbidden):
        for_athlete(ready, sports, world.ben, activity=ready.activity)


def test_who_gets_the_bytes_back(ready: Match, sports: Registry) -> None:
    world, cleo = ready.world, ready.world.cleo
    file = for_athlete(ready, sports, world.anna).arguments["file"]
    for actor in (world.anna, cleo, world.admin):
        assert world.read(files.of_athlete, actor, cleo.user_id, file).id == file
    with pytest.raises(Forbidden):
        world.read(files.of_athlete, world.ben, cleo.user_id, file)
    with pytest.raises(NotFound):
        world.read(files.of_athlete, world.anna, world.ben.user_id, file)
    with pytest.raises(NotFound):
        world.read(files.of_device, world.anna, ready.device, file)


def test_a_job_is_there_for_its_submitter_alone(ready: Match) -> None:
    world = ready.world
    job = world.write(files.add_for_device, world.anna, ready.device, STORED)
    assert world.read(jobs.get, world.anna, job.job_id).id == job.id
    for actor in (world.ben, world.cleo, world.admin):
        with pytest.raises(NotFound):
            world.read(jobs.get, actor, job.job_id)
    with pytest.raises(NotFound):
        world.read(jobs.get, world.anna, "job-unheard-of")
