"""The proof that live equals final at a twentieth of its count (`make prove` runs it whole)."""

from pathlib import Path

import pytest

from benchmarks.prove_live import SESSIONS
from benchmarks.sessions import fresh, run_sessions
from core.models.db import Database

HERE = SESSIONS // 20


def test_sessions(tmp_path: Path) -> None:
    """Each raises where a stored document is not one fold of the samples, or not what was told."""
    on_sqlite = run_sessions(range(1000, 1000 + HERE - 2), fresh(tmp_path))
    assert on_sqlite["frames"] >= HERE - 2
    assert min(on_sqlite[work] for work in ("tick", "refold", "close", "merge")) > 0
    assert on_sqlite["last_live_is_final"] >= HERE / 2


@pytest.mark.parametrize("seed", [2001, 2002])
def test_on_postgres(db_postgres: Database, seed: int) -> None:
    came_to = run_sessions([seed], iter([db_postgres]))
    assert came_to["close"] >= came_to["frames"]
    assert came_to["messages"] > 0
