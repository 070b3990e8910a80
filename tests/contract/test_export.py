"""An athlete downloads all that is held on them."""

import io
import json
import zipfile

import pyarrow.parquet as pq
import pytest
from flask import Flask

from core.services import exports
from tests.contract.conftest import World
from tests.contract.scenes import T0, Match, problem
from tests.contract.test_deletion import scene, upload  # noqa: F401 -- fixture
from tests.unit.services.test_imports import statsports


def opened(world: World, user: str, athlete: int) -> zipfile.ZipFile:
    answer = world.get(f"/athletes/{athlete}/export/", user)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.mimetype == "application/zip"
    assert "attachment" in answer.headers["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    return archive


def test_all_that_is_held(app: Flask, scene: Match) -> None:  # noqa: F811
    world, noe = scene.world, scene.world.ids["noe"]
    details = upload(app, scene)
    world.put(
        f"/athletes/{noe}/",
        "noe",
        json={"username": "noe", "email": "noe@club.example", "athlete_profile": {"weight": 71.5}},
    )
    archive = opened(world, "noe", noe)
    names = set(archive.namelist())
    account = json.loads(archive.read("account.json"))
    assert (account["username"], account["email"]) == ("noe", "noe@club.example")
    profile = json.loads(archive.read("tables/athlete_profile.json"))
    assert profile[0]["weight"] == 71.5
    frames = json.loads(archive.read("tables/timeframe.json"))
    assert len(frames) == 2
    assert {row["athlete_id"] for row in frames} == {noe}
    rights = json.loads(archive.read("tables/athlete_permission.json"))
    assert {row["permission"] for row in rights} == {"READ", "WRITE"}
    activities = json.loads(archive.read("activities.json"))
    assert {row["id"] for row in activities} == {scene.activity, details["activity"]}
    imported = details["timeframes"][0]
    assert json.loads(archive.read(f"computed/{imported}-1.json"))["total_distance"] > 0
    assert archive.read(f"files/{details['file']}-noe.csv") == statsports()
    [tracked] = {row["id"] for row in frames} - {imported}
    table = pq.read_table(io.BytesIO(archive.read(f"samples/{tracked}/samples-0001.parquet")))
    assert table.column("t").to_pylist() == [T0, T0 + 1000]
    part = pq.read_table(io.BytesIO(archive.read(f"samples/{imported}/samples-0001.parquet")))
    assert part.num_rows == 300
    everything = b"".join(archive.read(name) for name in names)
    for secret in (b"_hash", b"argon2", world.tokens["noe"].encode()):
        assert secret not in everything


def test_who_may(world: World) -> None:
    noe = world.ids["noe"]
    for user in ("ada", "lea"):
        problem(world.get(f"/athletes/{noe}/export/", user), 403)
    assert "account.json" in opened(world, "admin", noe).namelist()
    problem(world.get("/athletes/999/export/", "ada"), 404)
    made = world.post(
        "/athletes/create-managed/", "ada", json={"managed_by": world.ids["ada"]}
    ).get_json()
    archive = opened(world, "ada", made["id"])
    assert json.loads(archive.read("account.json"))["managed_by_id"] == world.ids["ada"]
    problem(world.get(f"/athletes/{made['id']}/export/", "ben"), 403)


@pytest.mark.parametrize(
    ("given", "safe"),
    [("../../x.fit", "_.._x.fit"), ("a b/ü.csv", "a_b_ü.csv"), ("...", "upload")],
)
def test_names_that_unpack_safely(given: str, safe: str) -> None:
    assert exports._safe(given) == safe
