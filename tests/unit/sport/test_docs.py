"""The pages for sport authors: the example runs as printed, the dictionary is the registry's."""

import os
import re
import subprocess
import sys
from pathlib import Path

from core.sport.dictionary import dictionary, dictionary_page
from core.sport.registry import registry

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "sports"


def test_the_example_runs_as_printed(tmp_path: Path) -> None:
    page = (PAGES / "adding-a-metric.md").read_text("utf-8")
    blocks = re.findall(r"```python file=(\S+)\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    for name, text in blocks:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "try.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert f"It prints `{done.stdout.strip()}`" in page


def test_the_dictionary_page_is_the_registry() -> None:
    """After a change: write ``dictionary_page()`` over docs/sports/metrics.md."""
    assert (PAGES / "metrics.md").read_text("utf-8") == dictionary_page()


def test_the_dictionary_is_complete() -> None:
    entries = dictionary()
    for name, sport in registry().sports.items():
        keys = [(entry["of"], entry["key"]) for entry in entries if entry["sport"] == name]
        together = registry().activity_metrics(name)
        assert keys == [
            *(("timeframe", metric.key) for metric in sport.metrics),
            *(("activity", metric.key) for metric in (together.metrics if together else ())),
        ]
    for entry in entries:
        for field in ("unit", "title", "definition", "boundary", "citation", "grade", "version"):
            assert entry[field], (entry["key"], field)
        assert entry["estimate"] == (entry["grade"] in "CD")
