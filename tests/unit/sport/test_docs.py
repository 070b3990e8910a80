"""The pages for sport authors: the example runs as printed, the dictionary is the registry's."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from core.sport.dictionary import dictionary
from core.sport.guide import MARK, example, pages, shortened, sport_facts, written
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


def test_the_pages_are_the_registry() -> None:
    """After a change: ``python -m core.sport.guide docs/sports``."""
    found = pages(PAGES)
    assert set(found) == {"index.md", "metrics.md", *(f"{name}.md" for name in registry().sports)}
    stale = [
        name
        for name, text in found.items()
        if not (PAGES / name).is_file() or (PAGES / name).read_text("utf-8") != text
    ]
    assert not stale, "python -m core.sport.guide docs/sports"


def test_a_page_says_all_of_its_sport() -> None:
    for name, sport in registry().sports.items():
        page = sport_facts(name)
        for schema in (sport.activity_schema, sport.timeframe_schema):
            for parameter, field in schema["properties"].items():
                assert f"| `{parameter}` | {field['title']} |" in page
        together = registry().activity_metrics(name)
        for metric in (*sport.metrics, *(together.metrics if together else ())):
            assert f"### `{metric.key}`: {metric.title}\n\n{metric.definition}\n" in page
            assert f"- source: {metric.citation}\n" in page
        assert page.count("```json\n{") == 1, "the example document"


def test_words_written_by_hand_stay(tmp_path: Path) -> None:
    by_hand = "# Swimming\n\nA word of mine.\n"
    (tmp_path / "swimming.md").write_text(f"{by_hand}\n{MARK}\n\nof yesterday\n", "utf-8")
    page = pages(tmp_path)["swimming.md"]
    assert page.startswith(f"{by_hand}\n{MARK}\n\n")
    assert "of yesterday" not in page
    assert pages(tmp_path)["soccer.md"].startswith(f"# Soccer\n\n{MARK}\n")


def test_an_example_is_shortened_and_stays_json() -> None:
    short = shortened(
        {
            "laps": [{"n": n, "path": [n] * 9} for n in range(5)],
            "metrics": {"a": 1, "b": 2, "c": 3},
            "parameters": {str(n): n for n in range(5)},
        }
    )
    assert short == {
        "laps": [
            {"n": 0, "path": [0, 0, "… 7 more"]},
            {"n": 1, "path": [1, 1, "… 7 more"]},
            "… 3 more",
        ],
        "metrics": {"a": 1, "b": 2, "c": 3},
        "parameters": {"0": 0, "1": 1, "2": 2, "…": "2 more"},
    }
    document = example("soccer")
    assert json.loads(written(document)) == document
    assert max(map(len, written(shortened(document)).splitlines())) < 200
    assert example("chess") is None


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
