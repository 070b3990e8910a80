"""Summaries: ticks, late samples, closes and the job lead to the same numbers, bit for bit."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.models import Activity, ActivitySummary, ComputeState, Outbox, TimeFrame
from core.models.db import Database
from core.pipeline import compute, delta, summaries
from core.pipeline.publish import Message
from core.pipeline.writer import Writer
from core.services import timeframes
from core.sport.contract import ActivityMetrics, Combined
from core.sport.registry import Registry, registry
from tests.unit.sport.fields import on_the_ground, rectangle

from . import world
from .world import T0, Clock

PLAYERS = 4
ROWS = 300
CORNERS = on_the_ground(rectangle(105, 68), 46.4999, 6.5999)
PERIODS = [
    {"name": "1", "start_time": "2020-05-30T20:00:00Z", "end_time": "2020-05-30T20:00:15Z"},
]


@pytest.fixture
def clock(clock: Clock) -> Clock:
    clock.at = T0
    return clock


@pytest.fixture
def match(db: Database) -> Database:
    world.fill(db, frames=PLAYERS, stop=T0 + 40_000)

    def place(session: Any) -> None:
        activity = session.get_one(Activity, 1)
        activity.json = {**activity.json, "field_corners": CORNERS, "periods": PERIODS}
        session.get_one(TimeFrame, 1).params = {"role": "goalkeeper"}

    db.write(place)
    return db


@pytest.fixture
def writer(match: Database) -> Iterator[Writer]:
    writer = Writer(match)
    yield writer
    writer.close()


def columns(player: int) -> dict[str, list[Any]]:
    """A runner along the field, each on a line of their own."""
    found = world.run(player, ROWS)
    found["gnss.longitude"] = [
        round(x + 1e-4 * player + 2e-7 * k * player, 7)
        for k, x in enumerate(found["gnss.longitude"])
    ]
    found["gnss.latitude"] = [round(x + 2e-5 * player**2, 7) for x in found["gnss.latitude"]]
    return found


def send(writer: Writer, player: int, low: int, high: int) -> None:
    name = f"{player}-{low}"
    writer.submit(player, world.batch(name, columns(player), low, high), T0)


def stored(db: Database) -> tuple[int, dict[str, Any]]:
    def found(session: Any) -> tuple[int, dict[str, Any]]:
        row = session.get_one(ActivitySummary, 1)
        return row.revision, delta.apply(row.document, row.live)

    return db.read(found)


def whole(match: Database, clock: Clock) -> dict[str, Any]:
    """What the folds of all samples, each from the first, come to."""
    for frame in range(1, PLAYERS + 1):
        compute.refold(match, registry(), frame)
    clock.at += 100_000
    compute.summarise(match, registry(), 1)
    return stored(match)[1]


def test_live_equals_final(match: Database, writer: Writer, clock: Clock) -> None:
    """Ticks of a second; one player's samples come six seconds late, so that seconds have been
    folded without them.
    """
    hot: compute.Hot = {}
    kept: compute.HotSummaries = {}
    told: list[Message] = []

    def tick() -> None:
        clock.at += 1000
        compute.tick(match, registry(), 1, None, hot, _into(told), kept)

    for low in range(0, ROWS, 10):
        for player in range(1, PLAYERS):
            send(writer, player, low, low + 10)
        if low >= 100:
            send(writer, PLAYERS, low - 100, low - 90)
        tick()
        if low == 80:
            early = stored(match)[1]
            # Awaited for 5 s, then left out: three of four, of whom one is the goalkeeper.
            assert early["through"] == T0 + 4000
            assert early["stretch_index"][0]["mean"] > 0
            assert early["surface"] == []
    for low in range(ROWS - 100, ROWS, 10):
        send(writer, PLAYERS, low, low + 10)
        tick()
    live = stored(match)[1]
    assert live["surface"][0]["mean"] > 0
    clock.at = T0 + 100_000
    for frame in range(1, PLAYERS + 1):
        assert compute.close(match, registry(), frame)
    assert compute.summarise(match, registry(), 1)
    _, final = stored(match)
    assert final["final"]
    assert not live["final"]
    assert final["through"] == T0 + ROWS * 100 - 1000 + 1000
    again = whole(match, clock)
    assert again["digest"] == final["digest"]
    assert final["periods"][0]["teams"][0]["players"] == PLAYERS
    merged: dict[str, Any] = {}
    seqs = [message.revision for message in told if message.frame == 0]
    assert seqs == sorted(set(seqs))
    for message in told:
        if message.frame == 0:
            merged |= message.data
            assert message.data["timeframes"] == [1, 2, 3, 4]
    assert {k: merged[k] for k in ("stretch_index", "through", "digest")} == {
        k: live[k] for k in ("stretch_index", "through", "digest")
    }


def _into(told: list[Message]) -> compute.Send:
    def send(messages: Any) -> bool:
        told.extend(messages)
        return True

    return send


@pytest.mark.parametrize("keep", ["everything", "folds", "nothing"])
def test_the_same_whoever_ticks(match: Database, writer: Writer, clock: Clock, keep: str) -> None:
    """Whatever a process kept: when the frames have ended the summary is that of all samples."""
    hot: compute.Hot = {}
    kept: compute.HotSummaries = {}
    for low in range(0, ROWS, 100):
        clock.at += 20_000
        for player in range(1, PLAYERS + 1):
            send(writer, player, low, low + 100)
            clock.at += 1000
            if keep != "everything":
                kept.clear()
            if keep == "nothing":
                hot.clear()
            compute.tick(match, registry(), 1, None, hot, None, kept)
    live = stored(match)[1]
    assert live["through"] == T0 + 30_000
    assert live["digest"] == whole(match, clock)["digest"]


def test_the_job_leaves_a_live_summary_alone(match: Database, writer: Writer, clock: Clock) -> None:
    for player in range(1, PLAYERS + 1):
        send(writer, player, 0, 200)
    clock.at += 20_000
    compute.tick(match, registry(), 1)
    revision, _ = stored(match)
    clock.at += 1000
    assert not compute.summarise(match, registry(), 1)
    clock.at += 10_000
    compute.summarise(match, registry(), 1)
    assert stored(match)[0] in (revision, revision + 1)


def test_who_comes_second_stores_nothing(match: Database, writer: Writer, clock: Clock) -> None:
    for player in range(1, PLAYERS + 1):
        send(writer, player, 0, ROWS)
        compute.refold(match, registry(), player)
    made = match.read(lambda s: summaries.anew(s, registry(), 1, T0))
    assert made is not None
    assert match.write(lambda s: summaries.store(s, made))
    assert not match.write(lambda s: summaries.store(s, made))
    owed = match.read(lambda s: [row.topic for row in s.query(Outbox)])
    assert "summary" in owed


def test_a_frame_that_goes_takes_what_was_said_along(
    match: Database, writer: Writer, clock: Clock
) -> None:
    for player in range(1, PLAYERS + 1):
        send(writer, player, 0, ROWS)
    before = whole(match, clock)
    revision, _ = stored(match)
    made = match.read(lambda s: summaries.anew(s, registry(), 1, clock.at + 1))
    assert made is None  # nothing changed
    match.write(lambda s: timeframes.remove_all(s, TimeFrame.id == 4))
    row = match.read(lambda s: s.get_one(ActivitySummary, 1))
    assert (row.revision, row.document, row.live) == (revision + 1, None, None)
    assert compute.summarise(match, registry(), 1)
    after = stored(match)[1]
    assert after["timeframes"] == [1, 2, 3]
    assert after["stretch_index"] != before["stretch_index"]


def test_a_sport_that_raises_fails_its_summary_alone(
    match: Database, writer: Writer, clock: Clock
) -> None:
    broken = Registry()
    whole_of = registry().activity_metrics("soccer")
    assert whole_of is not None
    first: Combined = whole_of.metrics[0]
    fields = {name: getattr(first, name) for name in first.__dataclass_fields__}
    bad = Combined(**{**fields, "function": lambda summary: 1 / 0})
    broken._together["soccer"] = ActivityMetrics(metrics=(bad,))
    send(writer, 1, 0, 100)
    clock.at += 20_000
    assert compute.tick(match, broken, 1) == 1
    assert "division by zero" in stored(match)[1]["error"]
    assert match.read(lambda s: s.get_one(ComputeState, 1)).error is None
    clock.at += 20_000
    compute.summarise(match, registry(), 1)
    assert "error" not in stored(match)[1]
