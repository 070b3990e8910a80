"""Computed data as clients read it."""

from typing import Any

import pytest

from core.clock import FAR_FUTURE, now
from core.errors import Forbidden, NotFound
from core.models import ComputedData, ComputeState, JsonSchema, TimeFrame
from core.services import computed, timeframes
from core.sport.registry import Registry, registry
from core.sport.versions import stamp

from .conftest import START, STOP, Match


def store(match: Match, frame: int, edition: int, **document: Any) -> None:
    match.world.write(
        lambda s: s.add(
            ComputedData(
                timeframe_id=frame,
                edition=edition,
                document={"edition": edition, **document},
                digest="",
                fingerprint="",
                created=now(),
            )
        )
    )
    current = stamp(registry().sport("tennis"))
    match.world.write(lambda s: setattr(s.get_one(ComputeState, frame), "versions", current))


def test_before_the_first_computation_metrics_are_null(match: Match, sports: Registry) -> None:
    frame = match.frame()
    document = match.world.read(computed.of_timeframe, match.world.cleo, sports, frame)
    assert document["edition"] == 0
    assert document["total_distance"] is None
    assert document["last_computation"] is None
    assert document["input"] == {"samples": 0, "streams": {}, "digest": None}
    assert "error" not in document
    assert {metric.key for metric in sports.sport("tennis").metrics} <= set(document)


def test_the_newest_edition_is_read(match: Match, sports: Registry) -> None:
    frame, other = match.frame(), match.frame()
    store(match, frame, 1, total_distance=1.0)
    store(match, frame, 2, total_distance=2.0)
    store(match, other, 3, total_distance=3.0)
    document = match.world.read(computed.of_timeframe, match.world.cleo, sports, frame)
    assert document == {"edition": 2, "total_distance": 2.0}


def test_a_computation_that_failed_says_so_beside_what_stood(
    match: Match, sports: Registry
) -> None:
    frame = match.frame()
    store(match, frame, 1, total_distance=1.0)

    def fail(session) -> None:
        session.get(ComputeState, frame).error = "MetricError: hid"

    match.world.write(fail)
    document = match.world.read(computed.of_timeframe, match.world.cleo, sports, frame)
    assert document == {"edition": 1, "total_distance": 1.0, "error": "MetricError: hid"}


def test_a_sport_that_is_gone_is_an_error_of_its_frames(match: Match, sports: Registry) -> None:
    frame = match.frame()

    def forget(session) -> None:
        session.get(JsonSchema, match.schema).sport = "curling"

    match.world.write(forget)
    document = match.world.read(computed.of_timeframe, match.world.cleo, sports, frame)
    assert document == {"edition": 0, "error": "the sport curling is not enabled here"}


@pytest.mark.parametrize(
    ("start", "stop", "allowed"),
    [
        (START, STOP, True),  # long past, and covers
        (START + 1, STOP, False),
        (START, STOP - 1, False),
        (STOP, FAR_FUTURE, False),  # holds now, does not cover
    ],
)
def test_read_counts_over_the_frame_whatever_holds_today(
    match: Match, sports: Registry, start: int, stop: int, allowed: bool
) -> None:
    frame, anna = match.frame(), match.world.anna
    match.world.permit(anna, "READ", start, stop)
    if allowed:
        assert match.world.read(computed.of_timeframe, anna, sports, frame)["edition"] == 0
    else:
        with pytest.raises(Forbidden, match="READ on athlete"):
            match.world.read(computed.of_timeframe, anna, sports, frame)


def test_owning_the_frame_is_no_right_to_read_its_data(match: Match, sports: Registry) -> None:
    frame = match.frame()
    with pytest.raises(Forbidden):
        match.world.read(computed.of_timeframe, match.world.anna, sports, frame)
    assert match.world.read(timeframes.get, match.world.anna, frame)
    assert match.world.read(computed.of_timeframe, match.world.admin, sports, frame)


def test_of_an_activity_every_frame_must_be_readable(match: Match, sports: Registry) -> None:
    world, later = match.world, STOP + 1000
    second = match.frame(start_time=STOP, end_time=later)
    first = match.frame()
    world.permit(world.anna, "READ", START, STOP)
    with pytest.raises(Forbidden):
        world.read(computed.of_activity, world.anna, sports, match.activity)
    world.permit(world.anna, "READ", STOP, later)
    found = world.read(computed.of_activity, world.anna, sports, match.activity)
    assert [item["timeframe"] for item in found] == [first, second]
    assert all(set(item) == {"timeframe", "data"} for item in found)


def test_of_an_activity_not_for_athletes_nor_strangers(match: Match, sports: Registry) -> None:
    world = match.world
    assert world.read(computed.of_activity, world.anna, sports, match.activity) == []
    for actor in (world.cleo, world.ben):
        with pytest.raises(Forbidden):
            world.read(computed.of_activity, actor, sports, match.activity)
    with pytest.raises(NotFound):
        world.read(computed.of_activity, world.anna, sports, 999)
    with pytest.raises(NotFound):
        world.read(computed.of_timeframe, world.anna, sports, 999)


def test_all_frames_of_the_activity_are_there(match: Match, sports: Registry) -> None:
    frames = [match.frame() for _ in range(3)]
    store(match, frames[1], 1, total_distance=1.0)
    match.world.permit(match.world.anna, "READ", START, STOP)
    found = match.world.read(computed.of_activity, match.world.anna, sports, match.activity)
    assert [item["data"]["edition"] for item in found] == [0, 1, 0]
    kept = match.world.read(lambda s: s.get(TimeFrame, frames[1]))
    assert kept is not None
