"""`touchline demo`: a stranger's first minute."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.platform import TOUCHLINE, environment

pytestmark = pytest.mark.e2e

FIRST_DATA_SECONDS = 60


def test_the_demo_computes_a_squads_match_and_says_so(tmp_path: Path) -> None:
    began = time.monotonic()
    process = subprocess.Popen(
        [TOUCHLINE, "demo", "--for", "12", "--players", "4", "--json"],
        env={**environment(tmp_path / "unused"), "HOME": str(tmp_path)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("first computed data"):
            break
    assert time.monotonic() - began < FIRST_DATA_SECONDS
    output, shown = process.communicate(timeout=120)
    assert process.returncode == 0, shown
    summary = json.loads(output)
    assert set(summary) == {"players", "samples", "computed", "latency_ms", "url", "live", "login"}
    assert summary["players"] == summary["computed"] == 4
    assert summary["samples"] >= 4 * 6_000
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p95"]
    assert summary["latency_ms"]["p95"] <= summary["latency_ms"]["max"]
    assert {"username", "password"} <= set(summary["login"])
    assert summary["url"].startswith("http://")
    assert "Aubert" in shown
    assert list(tmp_path.iterdir()) == []  # everything was in a directory of its own


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = subprocess.run(
        [TOUCHLINE, "demo", "--for", "1", "--data-dir", str(tmp_path)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "not empty" in done.stderr
