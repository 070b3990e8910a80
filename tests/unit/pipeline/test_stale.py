"""A metric's version is raised: what is stale is counted, and computed anew, each frame once."""

import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.commands import metrics
from core.config import Config
from core.models import ComputedData, ComputeState, Event, Recomputation
from core.models.db import Database
from core.pipeline import compute, recompute, stale
from core.pipeline.writer import Writer
from core.sport.registry import Registry, registry

from . import world
from .world import T0

FRAMES = 3


class Raised(Registry):
    """The installation's sports, after a metric of soccer was given its next version."""

    def __init__(self, key: str = "total_distance") -> None:
        soccer = registry().sport("soccer")
        metrics = tuple(
            replace(metric, version=metric.version + (metric.key == key))
            for metric in soccer.metrics
        )
        vars(self).update(vars(registry()))
        self._sports = {**registry().sports, "soccer": replace(soccer, metrics=metrics)}


def fill(db: Database, frames: int = FRAMES) -> None:
    """Closed frames with a result each, and one without samples."""
    world.fill(db, frames=frames + 1, stop=T0 + 60_000)
    writer = Writer(db)
    for device in range(1, frames + 1):
        writer.submit(device, world.batch("all", world.run(device)), T0)
    writer.close()
    for frame in range(1, frames + 2):
        compute.refold(db, registry(), frame)


def editions(db: Database) -> dict[int, int]:
    rows = select(ComputedData.timeframe_id, func.count()).group_by(ComputedData.timeframe_id)
    return db.read(lambda s: {row[0]: row[1] for row in s.execute(rows)})


def run(db: Database, sports: Registry, limit: int | None = None, stop: Any = lambda: False) -> Any:
    return recompute.run(db, sports, limit=limit, stop=stop, tell=lambda _: None)


def test_nothing_is_stale_by_itself(db_sqlite: Database) -> None:
    fill(db_sqlite)
    found = db_sqlite.read(lambda s: stale.summary(s, registry()))
    assert found["stale"] == 0
    db_sqlite.write(lambda s: stale.extend(s, registry()))
    assert run(db_sqlite, registry()).recomputed == 0
    assert editions(db_sqlite) == dict.fromkeys(range(1, FRAMES + 1), 1)


def test_stale_is_counted_and_computed_anew_once(db: Database) -> None:
    fill(db)
    raised = Raised()
    count = len(raised.sports)
    found = db.read(lambda s: stale.summary(s, raised))
    version = registry().sport("soccer")
    before = next(m.version for m in version.metrics if m.key == "total_distance")
    metric = {"key": "total_distance", "before": before, "after": before + 1, "frames": FRAMES}
    assert found["stale"] == FRAMES
    assert len(found["sports"]) == count
    assert [one for one in found["sports"] if one["stale"]] == [
        {"sport": "soccer", "stale": FRAMES, "metrics": [metric]}
    ]
    assert db.read(lambda s: stale.summary(s, raised, "tennis"))["stale"] == 0

    db.write(lambda s: stale.extend(s, raised))
    first = run(db, raised, limit=1)
    assert (first.recomputed, first.stopped) == (1, False)
    db.write(lambda s: stale.extend(s, raised))  # as the command does when it is run again
    assert db.read(lambda s: stale.progress(s, raised)) == {"waiting": 2, "done": 1, "failed": 0}
    assert run(db, raised, stop=lambda: True) == recompute.Done(stopped=True)
    assert run(db, raised).recomputed == 2
    assert run(db, raised).recomputed == 0
    assert editions(db) == dict.fromkeys(range(1, FRAMES + 1), 2)
    assert db.read(lambda s: stale.summary(s, raised))["stale"] == 0
    old, new = world.editions(db)
    assert old["total_distance"] == new["total_distance"]
    assert new["metrics"]["total_distance"] == before + 1
    assert world.state(db).closed
    told = db.read(
        lambda s: s.scalars(select(Event).where(Event.type == "timeframe.restated")).all()
    )
    assert len(told) == FRAMES
    assert told[0].data["because"] == {
        "metrics": {"total_distance": [before, before + 1]},
        "parameters": {},
        "samples": False,
    }
    assert told[0].data["changes"] == told[0].data["keys"] == []


def test_what_fails_keeps_its_edition_and_is_tried_again(
    db_sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(db_sqlite)
    raised = Raised()
    db_sqlite.write(lambda s: stale.extend(s, raised))
    with monkeypatch.context() as patched:
        patched.setattr("core.pipeline.folding.FrameFold", None)
        done = run(db_sqlite, raised)
    assert (done.recomputed, done.failed) == (0, FRAMES)
    failures = db_sqlite.read(lambda s: stale.failures(s, raised, None))
    assert [one["timeframe"] for one in failures] == [1, 2, 3]
    assert "TypeError" in failures[0]["reason"]
    assert world.state(db_sqlite).error is None
    assert editions(db_sqlite) == dict.fromkeys(range(1, FRAMES + 1), 1)
    db_sqlite.write(lambda s: stale.extend(s, raised))
    assert run(db_sqlite, raised).recomputed == FRAMES


def work(url: str, folder: Path, answers: Any) -> None:
    """What `touchline metrics recompute` does, where a metric has its next version."""
    db, raised = Database(url), Raised()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("core.sport.registry.registry", lambda: raised)
        answers.put(metrics._recompute(Config.load({}, data_dir=str(folder)), db, None, None))
    db.close()


def working(db: Database) -> tuple[Any, Any]:
    """It in a process of its own, and where its answer comes. Forked: kernels are loaded."""
    fork = get_context("fork")
    answers = fork.Queue()
    folder = Path(str(db.engine.url.database)).parent
    process = fork.Process(target=work, args=(str(db.engine.url), folder, answers))
    db.close()  # an open connection must not be inherited
    process.start()
    return process, answers


def done(db: Database) -> int:
    rows = select(func.count()).where(Recomputation.state == "done")
    return db.read(lambda s: s.scalar(rows) or 0)


def until(db: Database, least: int, process: Any) -> None:
    """Wait for the plan to have come so far."""
    while done(db) < least:
        assert process.is_alive()
        time.sleep(0.002)


def test_killed_and_asked_to_stop_it_goes_on(db_sqlite: Database) -> None:
    many = 16
    fill(db_sqlite, many)
    process, _ = working(db_sqlite)
    until(db_sqlite, 3, process)
    process.kill()
    process.join()
    killed = done(db_sqlite)
    assert 3 <= killed < many
    process, answers = working(db_sqlite)
    until(db_sqlite, killed + 3, process)
    process.terminate()
    answer = answers.get(timeout=60)
    process.join()
    assert (process.exitcode, answer["stopped"], answer["planned"]) == (0, True, many)
    assert answer["recomputed"] + answer["left"] == many - killed
    assert run(db_sqlite, Raised()).recomputed == answer["left"]
    assert editions(db_sqlite) == dict.fromkeys(range(1, many + 1), 2)
    told = select(func.count()).where(Event.type == "timeframe.restated")
    assert db_sqlite.read(lambda s: s.scalar(told)) == many
    revisions = select(ComputeState.revision).where(ComputeState.edition > 0)
    assert set(db_sqlite.read(lambda s: s.scalars(revisions).all())) == {2}
