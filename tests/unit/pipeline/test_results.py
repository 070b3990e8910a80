"""What is told of results: finals and editions that replace others, never a live tick."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from core.models import Event, TimeFrame
from core.models.db import Database
from core.pipeline import compute, folding
from core.pipeline.results import MOST_CHANGES, moved
from core.pipeline.writer import Writer
from core.sport.registry import registry

from . import world
from .test_compute import send
from .world import T0, Clock

STOP = T0 + 60_000


@pytest.fixture
def writer(db: Database) -> Iterator[Writer]:
    world.fill(db, stop=STOP)
    writer = Writer(db)
    yield writer
    writer.close()


def told(db: Database) -> list[tuple[str, int, dict[str, Any]]]:
    rows = db.read(lambda s: s.scalars(select(Event).order_by(Event.number)).all())
    return [(row.type, row.revision, row.data) for row in rows]


def test_live_ticks_are_silent_and_the_final_is_told_once(
    db: Database, writer: Writer, clock: Clock
) -> None:
    clock.at = T0
    for low in range(0, 600, 200):
        send(writer, world.run(), (low, low + 200))
        clock.at += 20_000
        compute.tick(db, registry(), 1)
    assert told(db) == []
    clock.at = STOP + compute.GRACE + compute.QUIET
    assert compute.close(db, registry(), 1)
    assert not compute.close(db, registry(), 1)
    final = world.editions(db)[0]["digest"]
    assert told(db) == [
        (
            "timeframe.computed",
            world.state(db).revision,
            {"athlete": 2, "edition": 1, "digest": final, "final": True},
        )
    ]


def test_late_samples_restate_a_closed_result(db: Database, writer: Writer, clock: Clock) -> None:
    send(writer, world.run(), (0, 300))
    clock.at = STOP + compute.GRACE + compute.QUIET
    compute.refold(db, registry(), 1)
    send(writer, world.run(), (300, 600))
    clock.at += folding.REFOLD_EVERY
    compute.tick(db, registry(), 1)
    first, second = world.editions(db)
    assert [(type, data["edition"]) for type, _, data in told(db)] == [
        ("timeframe.computed", 1),
        ("timeframe.computed", 2),
        ("timeframe.restated", 2),
    ]
    _, revision, data = told(db)[-1]
    assert revision == world.state(db).revision
    assert data["before"] == 1
    distance = {
        "key": "total_distance",
        "before": first["total_distance"],
        "after": second["total_distance"],
    }
    assert distance in data["changes"]
    assert data["more"] == 0
    assert "digest" not in [change["key"] for change in data["changes"]]


def test_other_parameters_make_an_edition_that_is_told_though_the_frame_is_open(
    db: Database, writer: Writer, clock: Clock
) -> None:
    clock.at = T0 + 30_000
    send(writer, world.run(), (0, 300))
    compute.tick(db, registry(), 1)
    db.write(lambda s: setattr(s.get_one(TimeFrame, 1), "params", {"max_hr": 190}))
    compute.refold(db, registry(), 1)
    ((type, _, data),) = told(db)
    assert (type, data["edition"], data["final"]) == ("timeframe.computed", 2, False)


def test_what_moved_is_bounded() -> None:
    before: dict[str, Any] = {f"n{k:03d}": k for k in range(70)}
    after: dict[str, Any] = {key: value + 1 for key, value in before.items()}
    before |= {"efforts": [1], "flag": True, "gone": 4.5, "quality": {"late": 0}, "same": 1}
    after |= {"efforts": [1, 2], "flag": False, "gone": None, "quality": {"late": 3}, "same": 1}
    found = moved(before, after)
    assert len(found["changes"]) == MOST_CHANGES
    assert found["changes"][0] == {"key": "gone", "before": 4.5, "after": None}
    assert found["more"] == 71 - MOST_CHANGES
    assert found["keys"] == ["efforts", "flag"]
