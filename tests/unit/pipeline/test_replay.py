"""Replays: a step a second, at the pace asked for, ending with the stored result."""

from typing import Any

import orjson
import pytest

from core.channels import Live
from core.models import Outbox, Permission, Replay
from core.models.db import Database
from core.pipeline import compute, replay
from core.pipeline.pace import ALONE, BEGIN_WITHIN, STEP
from core.pipeline.publish import SERIES
from core.pipeline.writer import Writer
from core.sport.registry import registry

from . import world
from .world import T0, Clock

GAP = 2_000_000


class Stage:
    """One replay, its one listener, and the clock."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db, self.clock = db, clock
        self.listening = 1
        self.has: dict[str, Any] = {}
        self.told: list[Live] = []

    def tell(self, name: str, messages: Any) -> None:
        assert name == "abc"
        self.told += messages
        for one in messages:
            self.has |= orjson.loads(one.data or b"{}")

    def step(self) -> bool:
        row = self.db.read(lambda s: s.query(Outbox).filter_by(topic="replay").one_or_none())
        owed = None if row is None else (row.id, row.generation)
        return replay.step(self.db, registry(), lambda _: self.listening, self.tell, 1, owed)

    def play(self) -> int:
        steps = 1
        while self.step():
            self.clock.at += STEP
            steps += 1
        return steps


@pytest.fixture
def clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """That of replays, too."""
    monkeypatch.setattr(replay, "now", clock)
    return clock


@pytest.fixture
def stage(db: Database, clock: Clock) -> Stage:
    """A closed frame with a silence of half an hour, and a replay of it at ten times its pace."""
    world.fill(db)
    writer, columns = Writer(db), world.run()
    times = columns["gnss.timestamp"]
    columns["gnss.timestamp"] = times[:300] + [t + GAP for t in times[300:]]
    writer.submit(1, world.batch("all", columns), T0)
    writer.close()
    clock.at = T0 + 4_000_000
    compute.refold(db, registry(), 1)
    assert world.state(db).closed

    def ask(session: Any) -> None:
        session.add(
            Permission(
                manager_id=1, athlete_id=2, permission="READ", start_time=0, expiration_time=2**50
            )
        )
        at = clock.at
        session.add(Replay(name="abc", user_id=1, timeframe_id=1, speed=10, created=at, heard=at))

    db.write(ask)
    return Stage(db, clock)


def test_it_ends_with_the_stored_document(stage: Stage) -> None:
    # 60 s of samples at ten times their pace, the silence between them skipped.
    assert stage.play() in (7, 8)
    *messages, end = stage.told
    assert end.data == b""
    assert [one.seq for one in stage.told] == list(range(1, len(stage.told) + 1))
    (stored,) = world.editions(stage.db)
    assert stage.has.pop("replay") == {"speed": 10.0, "final": True}
    assert stage.has == stored
    first = orjson.loads(messages[0].data)
    assert not SERIES & first.keys()
    assert "parameters" in first
    assert "parameters" not in orjson.loads(messages[1].data)
    assert len(stage.db.read(lambda s: s.query(Outbox).filter_by(topic="replay").all())) == 0


def test_the_pace_is_that_of_the_clock(stage: Stage) -> None:
    """Steps that come late fold more."""
    stage.step()
    for later in (STEP, 2 * STEP - 300):
        stage.clock.at += later
        assert stage.step()
    assert stage.has["last_timestamp"] == T0 + 10 * (3 * STEP - 300)


def test_a_new_listener_is_told_everything(stage: Stage) -> None:
    stage.step()
    stage.listening = 2
    stage.clock.at += STEP
    stage.step()
    assert "parameters" in orjson.loads(stage.told[-1].data)


def test_it_waits_for_its_listener_and_ends_when_nobody_listens(stage: Stage) -> None:
    stage.listening = 0
    assert stage.step()
    assert stage.told == []
    stage.listening = 1
    stage.clock.at += BEGIN_WITHIN - 1
    assert stage.step()
    stage.listening = 0
    stage.clock.at += ALONE - 1
    assert stage.step()
    stage.clock.at += 1
    assert not stage.step()
    assert stage.db.read(lambda s: s.get_one(Replay, 1)).done


def test_nobody_came(stage: Stage) -> None:
    stage.listening = 0
    stage.clock.at += BEGIN_WITHIN
    assert not stage.step()


def test_a_lost_right_ends_it(stage: Stage) -> None:
    stage.step()
    stage.db.write(lambda s: s.query(Permission).delete())
    stage.clock.at += STEP
    assert not stage.step()
    assert stage.told[-1].data == b""
    assert not stage.step()
