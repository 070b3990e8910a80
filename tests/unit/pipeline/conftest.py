"""What tests of computations share: a clock that they set, a small world, its writer."""

from collections.abc import Iterator

import pytest

from core.models.db import Database
from core.pipeline import compute
from core.pipeline.writer import Writer

from . import world
from .world import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The wall clock of compute."""
    clock = Clock()
    monkeypatch.setattr(compute, "now", clock)
    return clock


@pytest.fixture
def filled(db: Database) -> Database:
    world.fill(db)
    return db


@pytest.fixture
def writer(db: Database) -> Iterator[Writer]:
    writer = Writer(db)
    yield writer
    writer.close()
