"""The import job: what a file becomes, told by the job's details."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from core.clock import now
from core.models import (
    Activity,
    ComputedData,
    Device,
    Job,
    Outbox,
    Permission,
    TimeFrame,
    UploadedFile,
)
from core.pipeline import store
from core.pipeline.objects import ObjectStore
from core.services import files, imports
from core.sport.registry import Registry

from .conftest import DAY, World

NOON = 43_200_000
MATCH_DAY = 18_412 * DAY  # 2020-05-30


def statsports(rows: int = 300) -> bytes:
    """A STATSports export of our own making: a player running north from noon."""
    speed = 3 + 2 * np.sin(np.arange(rows) / 20)
    latitude = 46.5 + np.cumsum(speed) * 0.1 / 111_200
    lines = [
        "Player Id, Player Display Name, Time, Elapsed Time (s), Lat, Lon,  Speed km/h, "
        "Instantaneous Acceleration Impulse, Heart Rate (bpm)"
    ]
    for k in range(rows):
        clock = f"12:00:{k // 10:02d}.{k % 10}0"
        lines.append(f"7,W,{clock},{k / 10},{latitude[k]:.8f},6.6,{3.6 * speed[k]:.4f},0.0,0")
    return ("\r\n".join(lines) + "\r\n").encode()


class Imports:
    """Uploads by anna for cleo, on whom she has READ and WRITE for ever, and runs the job."""

    def __init__(self, world: World, sports: Registry, folder: Path) -> None:
        self.world, self.sports = world, sports
        self.objects = ObjectStore(folder)
        for right in ("READ", "WRITE"):
            world.permit(world.anna, right, 0, now() + DAY)

    def upload(self, data: bytes, **fields: Any) -> int:
        stored = {"name": "half.csv", "sha256": self.objects.put(data), "size": len(data)}
        cleo = self.world.cleo.user_id
        job = self.world.write(
            files.add_for_athlete, self.world.anna, self.sports, cleo, stored, **fields
        )
        return job.id

    def run(self, job_id: int) -> Job:
        row = self.world.read(lambda s: s.query(Outbox).filter_by(topic="import").one_or_none())
        owed = (row.id, row.generation) if row else None
        imports.run(self.world.db, self.sports, self.objects, job_id, owed)
        return self.world.read(lambda s: s.get_one(Job, job_id))

    def count(self, model: type) -> int:
        return self.world.read(lambda s: s.query(model).count())


@pytest.fixture
def imported(world: World, sports: Registry, tmp_path: Path) -> Imports:
    return Imports(world, sports, tmp_path)


def test_an_athletes_file_becomes_device_activity_frame_and_result(imported: Imports) -> None:
    job = imported.run(imported.upload(statsports(), date="2020-05-30", timezone="Europe/Zurich"))
    assert job.state == "SUCCESS", job.details
    start = MATCH_DAY + NOON - 7_200_000  # noon in Zurich's summer
    assert job.details["start"] == "2020-05-30T10:00:00.000Z"
    assert job.details["ranges"] == [{"start": start, "stop": start + 29_900, "size": 300}]
    frame = imported.world.read(lambda s: s.get_one(TimeFrame, job.details["timeframes"][0]))
    assert (frame.start_time, frame.end_time) == (start, start + 29_901)
    assert frame.activity_id == job.details["activity"]
    assert imported.world.owed("import") == []
    (result,) = imported.world.read(lambda s: s.query(ComputedData).all())
    assert result.document["input"]["samples"] == 300
    assert 80 < result.document["total_distance"] < 100
    device = imported.world.read(lambda s: s.get_one(Device, job.details["device"]))
    assert device.device_type == "file"


def test_the_same_recorder_is_one_device_and_a_job_runs_once(imported: Imports) -> None:
    first = imported.run(imported.upload(statsports(), date="2020-05-30"))
    second = imported.run(imported.upload(statsports(200), date="2020-05-31"))
    assert first.details["device"] == second.details["device"]
    again = imported.run(first.id)
    assert again.details == first.details
    assert imported.count(Activity) == imported.count(TimeFrame) == 2


def test_a_job_cut_short_after_its_commit_goes_on_where_it_stood(imported: Imports) -> None:
    job = imported.run(imported.upload(statsports(), date="2020-05-30"))

    def cut_short(session: Any) -> None:
        session.get_one(Job, job.id).state = "STARTED"

    imported.world.db.write(cut_short)
    assert imported.run(job.id).state == "SUCCESS"
    assert imported.count(Activity) == imported.count(TimeFrame) == 1
    columns = imported.world.read(
        lambda s: store.read(s, job.details["device"], "samples", 0, 2**60)
    )
    assert len(columns["t"]) == 300


@pytest.mark.parametrize(
    ("data", "fields", "reason"),
    [
        (statsports(), {}, "date_required"),
        (b"\x00\x01garbage", {}, "unknown_format"),
        (b"", {}, "unknown_format"),
        (statsports()[:300], {"date": "2020-05-30"}, None),
    ],
)
def test_what_cannot_be_decoded_ends_in_failure_and_the_bytes_stay(
    imported: Imports, data: bytes, fields: dict[str, Any], reason: str | None
) -> None:
    job = imported.run(imported.upload(data, **fields))
    assert job.state == "FAILURE"
    assert reason is None or job.details["reason"] == reason
    file = imported.world.read(lambda s: s.get_one(UploadedFile, job.details["file"]))
    assert file.reason == job.details["reason"]
    assert imported.objects.get(file.sha256) == data
    assert imported.count(Device) == imported.count(TimeFrame) == 0
    assert imported.world.owed("import") == []


def test_a_recording_outside_the_right_to_write_is_refused_whole(
    world: World, sports: Registry, tmp_path: Path
) -> None:
    imported = Imports(world, sports, tmp_path)
    world.db.write(lambda s: s.execute(update(Permission).values(start_time=now() - DAY)))
    job = imported.run(imported.upload(statsports(), date="2020-05-30"))
    assert job.state == "FAILURE"
    assert "WRITE" in job.details["detail"]
    assert imported.count(Device) == imported.count(Activity) == 0
