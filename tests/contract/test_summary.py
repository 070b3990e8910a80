"""Summaries over HTTP and on the activity's socket: who is given them, and when they are not."""

from dataclasses import replace
from typing import Any

import pytest

from core.models import ActivitySummary
from core.pipeline import compute
from tests.contract.conftest import World
from tests.contract.scenes import T0, Match, match, permit, problem, schema
from tests.contract.test_computed import run_at_3_m_per_s
from tests.contract.test_streams import Stage, any_engine, stage
from tests.sockets import receive

assert stage  # a fixture

KEYS = {
    "activity", "revision", "last_computation", "through", "final", "timeframes", "metrics",
    "notes", "digest",
}  # fmt: skip


@pytest.fixture
def scene(world: World) -> Match:
    """A soccer match without corners."""
    tennis = match(world)
    body = {
        "name": "Cup match",
        "json": {"sport": "soccer"},
        "json_schema": schema(world, "activity_soccer"),
        "owner": world.ids["ada"],
    }
    activity = world.post("/activities/", "ada", json=body).get_json()["id"]
    return replace(tennis, activity=activity, schema=schema(world, "timeframe_soccer"))


def path(scene: Match) -> str:
    return f"/activities/{scene.activity}/summary/"


def summarise(scene: Match, registry: Any, *frames: int) -> None:
    for frame in frames:
        compute.refold(scene.world.db, registry, frame)
    compute.summarise(scene.world.db, registry, scene.activity)


def test_before_the_first_and_after(scene: Match, registry: Any) -> None:
    world, frame = scene.world, scene.frame()
    permit(world, "ada", "READ")
    first = world.get(path(scene), "ada").get_json()
    assert first.keys() == KEYS | {m.key for m in registry.activity_metrics("soccer").metrics}
    assert (first["revision"], first["stretch_index"], first["timeframes"]) == (0, None, [])
    run_at_3_m_per_s(scene)
    summarise(scene, registry, frame)
    response = world.get(path(scene), "ada")
    assert response.mimetype == "application/json"
    found = response.get_json()
    assert found.keys() == first.keys()
    assert (found["activity"], found["revision"]) == (scene.activity, 1)
    assert found["timeframes"] == [frame]
    reasons = {note["key"]: note["reason"] for note in found["notes"]}
    assert reasons["centroid"] == "the activity has no corners of a field"


def test_who_reads(scene: Match) -> None:
    """As the computed data of the whole activity: one frame out of reach closes it."""
    world = scene.world
    assert world.get(path(scene), "ada").status_code == 200  # without a frame: the owner
    scene.frame()
    problem(world.get(path(scene), "ada"), 403)
    permit(world, "ada", "READ")
    permit(world, "ben", "READ")
    for user in ("ada", "ben", "admin"):
        assert world.get(path(scene), user).status_code == 200
    problem(world.get(path(scene), "noe"), 403)
    permit(world, "ada", "WRITE", athlete="lea")
    scene.frame(athlete=world.ids["lea"])
    for user in ("ada", "ben"):
        problem(world.get(path(scene), user), 403)
    problem(world.get("/activities/999/summary/", "ada"), 404)
    problem(world.get(path(scene)), 401)


def test_what_was_said_goes_with_a_frame(scene: Match, registry: Any) -> None:
    world, frame = scene.world, scene.frame()
    permit(world, "ada", "WRITE", athlete="lea")
    permit(world, "ada", "READ")
    other = scene.frame(athlete=world.ids["lea"])
    run_at_3_m_per_s(scene)
    summarise(scene, registry, frame, other)
    assert world.delete(f"/timeframes/{other}/", "ada").status_code == 204
    gone = world.get(path(scene), "ada").get_json()
    assert (gone["revision"], gone["timeframes"]) == (0, [])
    summarise(scene, registry)
    after = world.get(path(scene), "ada").get_json()
    assert after["timeframes"] == [frame]
    assert after["revision"] > 1


@any_engine
def test_the_socket_begins_with_what_is_stored(stage: Stage) -> None:
    frame = stage.match.frame()
    document = {"timeframes": [frame], "through": T0, "stretch_index": None, "series": [1]}

    def keep(session: Any) -> None:
        row = ActivitySummary(
            activity_id=stage.match.activity, revision=7, computed_at=T0, document=document
        )
        session.add(row)

    stage.world.db.write(keep)
    shown = {key: value for key, value in document.items() if key != "series"}
    with stage.dial(stage.frames(), summary=True) as socket:
        first = receive(socket)
        assert first == {"activity": stage.match.activity, "seq": 7, "data": shown}
        stage.publish(0, 7, old=True)
        stage.publish(0, 8, timeframes=[frame], through=T0 + 1000)
        assert receive(socket)["seq"] == 8
    with stage.dial(stage.frames(), summary=True, after={"0": 7}) as socket:
        stage.publish(0, 9, timeframes=[frame])
        assert receive(socket)["seq"] == 9


@any_engine
def test_of_a_frame_that_is_not_known_yet_nothing_is_given(stage: Stage) -> None:
    """A frame that came a moment ago: whether it is permitted has not been asked yet."""
    frame = stage.match.frame()
    with stage.dial(stage.frames(), summary=True) as socket:
        stage.publish(0, 1, timeframes=[frame, frame + 1], of="everybody")
        stage.publish(frame, 1, n=1)
        assert receive(socket) == {"timeframe": frame, "seq": 1, "data": {"n": 1}}
        stage.publish(0, 2, timeframes=[frame])
        assert receive(socket)["seq"] == 2
