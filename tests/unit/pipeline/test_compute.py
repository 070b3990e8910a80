"""Advance, refold, close: whatever the order of arrival, the result is that of one fold."""

from typing import Any

import pytest

from core.models import Outbox, TimeFrame, migrate
from core.models.db import Database
from core.pipeline import compute, folding
from core.pipeline.writer import Writer
from core.sport.registry import registry

from . import world
from .world import T0, Clock


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one fold of all samples gives, in a database of its own."""
    db = Database(f"sqlite:///{tmp_path_factory.mktemp('undisturbed') / 'touchline.db'}")
    migrate.upgrade(db.engine)
    world.fill(db)
    writer = Writer(db)
    writer.submit(1, world.batch("all", world.run()), T0)
    writer.close()
    compute.refold(db, registry(), 1)
    document = world.editions(db)[0]
    db.close()
    return document


def send(writer: Writer, columns: dict[str, Any], *cuts: tuple[int, int], device: int = 1) -> None:
    for low, high in cuts:
        writer.submit(device, world.batch(f"{low}-{high}", columns, low, high), T0)


def owed(db: Database) -> dict[str, int]:
    return db.read(lambda s: {row.topic: row.due for row in s.query(Outbox)})


def digests(db: Database, frame: int = 1) -> list[str]:
    return [document["digest"] for document in world.editions(db, frame)]


@pytest.mark.parametrize("keep_hot", [True, False])
def test_ticks_give_what_one_fold_gives(
    filled: Database, writer: Writer, clock: Clock, undisturbed: dict[str, Any], keep_hot: bool
) -> None:
    """With folds kept hot between ticks, and with every tick going on from the saved state."""
    hot: compute.Hot = {}
    for low in range(0, 600, 50):
        send(writer, world.run(), (low, low + 50))
        assert compute.tick(filled, registry(), 1, hot=hot if keep_hot else None) == 1
        clock.at += 1000
    assert digests(filled) == [undisturbed["digest"]]
    assert world.state(filled).revision == 12
    assert compute.tick(filled, registry(), 1, hot=hot) == 0  # nothing is behind


def test_late_samples_refold_and_end_the_same(
    filled: Database, writer: Writer, clock: Clock, undisturbed: dict[str, Any]
) -> None:
    send(writer, world.run(), (0, 100), (200, 300))
    compute.tick(filled, registry(), 1)
    send(writer, world.run(), (100, 200))
    clock.at += 1000
    compute.tick(filled, registry(), 1)  # too soon to refold: goes on, stays dirty
    assert world.state(filled).dirty
    assert owed(filled)["tick"] == clock.at - 1000 + folding.REFOLD_EVERY
    send(writer, world.run(), (300, 600))
    clock.at += folding.REFOLD_EVERY
    compute.tick(filled, registry(), 1)
    assert not world.state(filled).dirty
    assert digests(filled) == [undisturbed["digest"]]
    assert world.editions(filled)[0]["quality"]["arrival"]["late"] == 100


def test_a_frame_that_has_ended_is_closed_when_it_is_quiet(db: Database, clock: Clock) -> None:
    world.fill(db, stop=T0 + 60_000)
    writer = Writer(db)
    compute.refold(db, registry(), 1)
    assert world.editions(db) == []  # nothing to say before the first sample
    send(writer, world.run(), (0, 600))
    writer.close()
    compute.tick(db, registry(), 1)
    assert not world.state(db).closed
    assert "close" in owed(db)
    assert not compute.close(db, registry(), 1)  # values came just now
    clock.at += compute.QUIET
    assert compute.close(db, registry(), 1)
    assert world.state(db).closed
    (document,) = world.editions(db)
    assert document["input"]["samples"] == 600
    assert len(document["input"]["digest"]) == 64
    assert not compute.close(db, registry(), 1)  # once


def test_late_samples_of_a_closed_frame_make_the_next_edition(
    db: Database, clock: Clock, undisturbed: dict[str, Any]
) -> None:
    world.fill(db, stop=T0 + 60_000)
    writer = Writer(db)
    clock.at += compute.GRACE
    send(writer, world.run(), (0, 300))
    compute.refold(db, registry(), 1)
    assert world.state(db).closed
    send(writer, world.run(), (300, 600))
    writer.close()
    assert compute.tick(db, registry(), 1) == 0  # folded a moment ago
    clock.at += folding.REFOLD_EVERY
    assert compute.tick(db, registry(), 1) == 1
    documents = world.editions(db)
    assert [document["edition"] for document in documents] == [1, 2]
    assert documents[1]["total_distance"] == undisturbed["total_distance"]
    # The same samples again change nothing, and make no edition.
    compute.refold(db, registry(), 1)
    assert len(world.editions(db)) == 2


def test_other_parameters_make_the_next_edition(filled: Database, writer: Writer, clock) -> None:
    send(writer, world.run(), (0, 600))
    compute.refold(filled, registry(), 1)
    filled.write(lambda s: setattr(s.get_one(TimeFrame, 1), "params", {"max_hr": 190}))
    compute.refold(filled, registry(), 1)
    first, second = world.editions(filled)
    assert (first["athlete_max_hr"], second["athlete_max_hr"]) == (None, 190)
    assert second["edition"] == 2


def test_another_interval_makes_the_next_edition(filled: Database, writer: Writer, clock) -> None:
    send(writer, world.run(), (0, 600))
    compute.refold(filled, registry(), 1)
    filled.write(lambda s: setattr(s.get_one(TimeFrame, 1), "end_time", T0 + 30_000))
    compute.refold(filled, registry(), 1)
    assert [d["input"]["samples"] for d in world.editions(filled)] == [600, 300]


def test_who_comes_second_stores_nothing_and_leaves_it_owed(
    filled: Database, writer: Writer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(writer, world.run(), (0, 600))
    read = filled.read

    def read_then_lose(work: Any) -> Any:
        result = read(work)
        monkeypatch.setattr(filled, "read", read)
        compute.refold(filled, registry(), 1)  # another worker, meanwhile
        return result

    monkeypatch.setattr(filled, "read", read_then_lose)
    row = read(lambda s: s.query(Outbox).filter_by(topic="tick").one())
    compute.tick(filled, registry(), 1, (row.id, row.generation))
    assert world.state(filled).revision == 1
    assert "tick" in owed(filled)


def test_a_sport_that_raises_fails_its_own_frame_and_says_so(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fill(db, frames=2)
    writer = Writer(db)
    for device in (1, 2):
        send(writer, world.run(device), (0, 600), device=device)
    writer.close()

    def give_params(
        session: Any,
    ) -> None:  # what validation would refuse makes a kernel's init raise
        session.get_one(TimeFrame, 1).params = {"intensity_span": "not a number"}

    db.write(give_params)
    compute.tick(db, registry(), 1)
    for failures in range(1, compute.MOST_FAILURES):
        row = db.read(lambda s: s.query(Outbox).filter_by(topic="refold").one())
        assert world.state(db, 1).failures == failures
        compute.refold(db, registry(), int(row.key), (row.id, row.generation))
    assert "refold" not in owed(db)
    compute.tick(db, registry(), 1)
    broken, sound = world.state(db, 1), world.state(db, 2)
    assert broken.error
    assert broken.failures == compute.MOST_FAILURES  # then it is left alone
    assert sound.error is None
    assert len(world.editions(db, 2)) == 1
    db.write(lambda s: setattr(s.get_one(TimeFrame, 1), "params", {}))
    compute.refold(db, registry(), 1)
    assert world.state(db, 1).error is None
    assert len(world.editions(db, 1)) == 1


def test_a_given_up_job_says_so_on_its_frames(filled: Database) -> None:
    compute.record_failure(filled, "tick", "1", "killed three times")
    assert world.state(filled).error == "killed three times"
