"""What was valid at a frame's start is what its fold uses."""

from typing import Any

import pytest

from core.models import AthleteParameter, TimeFrame
from core.models.db import Database
from core.pipeline import compute, frames
from core.pipeline.writer import Writer
from core.sport.personal import History
from core.sport.registry import registry

from . import world
from .world import T0


def know(db: Database, *rows: tuple[str, int, float | None], athlete: int = 2) -> None:
    db.write(
        lambda s: s.add_all(
            AthleteParameter(athlete_id=athlete, name=n, valid_from=at, value=v, created=0)
            for n, at, v in rows
        )
    )


def parameter(db: Database, name: str, frame: int = 1) -> dict[str, Any]:
    return world.editions(db, frame)[-1]["parameters"][name]


@pytest.fixture
def filled(db: Database) -> Database:
    """Two frames with samples: the second starts an hour after the first."""
    world.fill(db, frames=2)

    def later(session: Any) -> None:
        session.get_one(TimeFrame, 2).start_time += 30_000

    db.write(later)
    writer = Writer(db)
    for device in (1, 2):
        writer.submit(device, world.batch("all", world.run()), T0)
    writer.close()
    return db


def test_the_newest_that_had_begun(filled: Database) -> None:
    rows = [
        ("max_hr", 0, 180.0),
        ("max_hr", T0, 190.0),
        ("max_hr", T0 + 1, 170.0),
        ("weight", T0 - 5, 66.0),
        ("weight", T0 - 4, None),
        ("rest_hr", T0 + 30_001, 50.0),
    ]
    know(filled, *rows)
    know(filled, ("max_hr", 0, 111.0), athlete=1)
    found = filled.read(lambda s: frames.of_activity(s, 1))
    assert [frame.valid for frame in found] == [
        {"max_hr": 190.0, "weight": None},
        {"max_hr": 170.0, "weight": None},
    ]
    assert [History(rows).at(frame.start) for frame in found] == [frame.valid for frame in found]


def test_precedence_and_a_new_edition(filled: Database) -> None:
    """Params of the frame, else what was valid, else the profile; null and 0 are unset."""
    compute.refold(filled, registry(), 1)
    assert parameter(filled, "max_hr") == {"value": None, "source": "unset"}
    assert parameter(filled, "weight") == {"value": 70.0, "source": "profile"}
    know(filled, ("max_hr", 0, 190.0), ("weight", 0, 66.0))
    compute.refold(filled, registry(), 1)
    first, second = world.editions(filled)
    assert (first["edition"], second["edition"]) == (1, 2)
    assert first["timePerHrZone"] == []
    assert sum(zone["percentage_hrmax"] for zone in second["timePerHrZone"]) == pytest.approx(100)
    assert parameter(filled, "max_hr") == {"value": 190.0, "source": "athlete"}
    assert parameter(filled, "weight") == {"value": 66.0, "source": "athlete"}
    know(filled, ("max_hr", T0, 0.0), ("weight", T0, None))
    filled.write(lambda s: setattr(s.get_one(TimeFrame, 1), "params", {"weight": 80.0}))
    compute.refold(filled, registry(), 1)
    assert parameter(filled, "max_hr") == {"value": None, "source": "unset"}
    assert parameter(filled, "weight") == {"value": 80.0, "source": "params"}


def test_a_live_frame_takes_it_up(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its next tick it is folded anew with it, as a new edition, though its fold is hot."""
    at = T0 + 60_000
    monkeypatch.setattr(compute, "now", lambda: at)
    hot: compute.Hot = {}
    compute.tick(filled, registry(), 1, hot=hot)
    know(filled, ("max_hr", 0, 190.0))
    writer = Writer(filled)
    columns = world.run(rows=700)
    writer.submit(1, world.batch("more", columns, 600, 700), T0)
    writer.close()
    at += 1_000
    compute.tick(filled, registry(), 1, hot=hot)
    assert parameter(filled, "max_hr") == {"value": 190.0, "source": "athlete"}
    newest = world.editions(filled)[-1]
    assert (newest["edition"], newest["input"]["samples"]) == (2, 700)
    assert world.state(filled).checkpoint_at == at
