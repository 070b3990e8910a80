"""Compiled kernels are kept on disk, and not a moment longer than their sources stay the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DECLARED = """
import numpy as np
LIMIT = {limit}
STATE = np.dtype([("above", "<i8")])
"""
KERNEL = """
from core.sport.columns import S
from core.sport.kernels import kernel
from made_sport.metrics import LIMIT, STATE

@kernel(STATE)
def count(t, cols, n, state, out):
    for i in range(n):
        if cols[S, i] >= LIMIT:
            state[0].above += 1
    return 0
"""
SCRIPT = """
import numpy as np
from core.sport.columns import ROWS
from core.sport.contract import NO_EVENT
from made_sport.kernels import count
from made_sport.metrics import STATE
state = np.zeros(1, STATE)
count(np.arange(5), np.full((ROWS, 5), 3.0), 5, state, np.zeros(1, NO_EVENT))
print(state["above"][0], sum(count.stats.cache_hits.values()))
"""


@pytest.fixture
def run(tmp_path: Path):
    package = tmp_path / "made_sport"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "kernels.py").write_text(KERNEL, "utf-8")

    def once(limit: float) -> tuple[int, int]:
        (package / "metrics.py").write_text(DECLARED.format(limit=limit), "utf-8")
        done = subprocess.run(
            [sys.executable, "-B", "-c", SCRIPT],
            env={
                **os.environ,
                "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
                "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        above, hits = done.stdout.split()
        return int(above), int(hits)

    return once


def test_a_changed_constant_next_door_recompiles(run) -> None:
    assert run(2.0) == (5, 0)
    assert run(2.0) == (5, 1)  # from disk
    assert run(4.0) == (0, 0)  # kernels.py is untouched; its neighbour is not
