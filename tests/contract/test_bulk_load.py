"""Bulk load: our device file becomes samples, the vendor's is kept and says why, others are 400."""

import base64
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.models import Job, Outbox, UploadedFile
from core.models.outbox import TICK
from core.pipeline import decode
from core.services import imports
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, own, pointers, problem
from tests.unit.pipeline.test_container import T0, file, ride

# The beginning of a file as the vendor's reference prints it, and a few bytes more.
ASI_V2 = base64.b64decode("QVNJAAAAEAQEBkFTSSBWMgAAAQUACAcIBwgHCAcIAhoAEAAQAA==") + bytes(40)


def body(data: bytes) -> dict[str, str]:
    return {"asi_b64": base64.b64encode(data).decode()}


@pytest.fixture
def scene(world: World) -> Match:
    """Ada owns the device now."""
    made = match(world)
    own(world, made.device, "ada", "2021-01-01T00:00:00Z", "2999-12-31T23:59:59Z")
    return made


def load(app: Flask, scene: Match, data: bytes) -> Any:
    """Post it, and do what the worker does."""
    world = scene.world
    response = world.post(f"/devices/{scene.device}/bulk-load/", "ada", json=body(data))
    assert response.status_code == 200, response.get_data(as_text=True)
    job = response.get_json()
    assert job.keys() == {"id", "job_id", "state", "details"}
    assert job["state"] == "PENDING"
    parts = app.extensions["touchline"]
    imports.run(world.db, parts.registry, parts.objects, job["id"])
    return world.get(f"/jobs/{job['job_id']}/info/", "ada").get_json()


def test_a_device_file_becomes_samples(app: Flask, scene: Match) -> None:
    scene.frame()
    job = load(app, scene, file(serial_number="S1"))
    assert job["state"] == "SUCCESS", job
    assert job["details"]["device"] == scene.device
    last = T0 + 400
    assert job["details"]["ranges"] == [{"start": T0, "stop": last, "size": 5}]
    assert job["details"]["timeframes"] == []
    ticks = select(Outbox.key).where(Outbox.topic == TICK)
    owed = scene.world.db.read(lambda s: s.scalars(ticks).all())
    assert owed == [str(scene.activity)]  # the frame that it touches is to be computed


def test_the_vendors_file_is_kept_and_its_job_says_why(app: Flask, scene: Match) -> None:
    job = load(app, scene, ASI_V2)
    assert job["state"] == "FAILURE"
    assert job["details"]["reason"] == "no_decoder"
    assert job["details"]["detail"].startswith("ASI V2: ")
    kept = scene.world.get(f"/devices/{scene.device}/files/{job['details']['file']}/", "ada")
    assert kept.data == ASI_V2


def test_an_installed_decoder_is_asked_first(
    app: Flask, scene: Match, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "club_decoder-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: club-decoder\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[touchline.decoders]\nclub = club_decoder\n")
    (tmp_path / "club_decoder.py").write_text(
        "import numpy as np\n"
        "from core.pipeline.decode.base import Decoded, mend\n"
        "FORMAT = 'club'\n"
        "def recognise(head):\n"
        "    return head.startswith(b'ASI')\n"
        "def decode(data, *, date, timezone):\n"
        f"    t = {T0} + np.arange(3, dtype=np.int64)\n"
        "    columns, repairs = mend({'t': t, 'gnss.speed': np.ones(3)})\n"
        "    return Decoded(FORMAT, columns, 3, repairs=repairs)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    decode.installed.cache_clear()
    try:
        job = load(app, scene, ASI_V2)
    finally:
        decode.installed.cache_clear()
        sys.modules.pop("club_decoder", None)
    assert job["state"] == "SUCCESS", job
    assert job["details"]["ranges"][0]["size"] == 3


def test_damage_is_found_by_the_job(app: Flask, scene: Match) -> None:
    whole = file(ride(50))
    damaged = whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:]
    for data, reason in ((damaged, "unreadable"), (whole[:-1], "truncated")):
        job = load(app, scene, data)
        assert (job["state"], job["details"]["reason"]) == ("FAILURE", reason)


@pytest.mark.parametrize(
    "given",
    [
        {"asi_b64": "not base64!"},
        {"asi_b64": "QVNJ\n"},
        {"asi_b64": ""},
        {"asi_b64": "QQ"},
        {"asi_b64": base64.b64encode(b"\x0e\x10FIT").decode()},
        {"asi_b64": 7},
        {"asi_b64": None},
        {},
    ],
)
def test_what_is_no_device_file_is_refused(scene: Match, given: Any) -> None:
    path = f"/devices/{scene.device}/bulk-load/"
    assert pointers(scene.world.post(path, "ada", json=given)) == ["/asi_b64"]
    assert scene.world.db.read(lambda s: s.query(Job).count() + s.query(UploadedFile).count()) == 0


def test_a_file_of_another_device_is_refused(scene: Match) -> None:
    path = f"/devices/{scene.device}/bulk-load/"
    answer = scene.world.post(path, "ada", json=body(file(serial_number="S9")))
    assert pointers(answer) == ["/asi_b64"]
    assert "S9" in answer.get_json()["detail"]


def test_who_may(scene: Match) -> None:
    world, path = scene.world, f"/devices/{scene.device}/bulk-load/"
    for user in ("ben", "noe", "admin"):
        problem(world.post(path, user, json=body(file())), 403)
    problem(world.post(path, token=scene.token, json=body(file())), 403)
    problem(world.post("/devices/999/bulk-load/", "ada", json=body(file())), 404)


def test_a_file_larger_than_a_json_body(app: Flask, scene: Match) -> None:
    big = ASI_V2 + bytes(9 * 2**20)
    job = load(app, scene, big)
    assert job["details"]["reason"] == "no_decoder"
    object.__setattr__(app.extensions["touchline"].config, "max_file_mb", 1)
    problem(scene.world.post(f"/devices/{scene.device}/bulk-load/", "ada", json=body(big)), 413)
