"""The pages for sport authors: the example runs as printed, the dictionary is the registry's."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from core.sport.dictionary import dictionary
from core.sport.guide import MARK, example, pages, shortened, sport_facts, written
from core.sport.registry import registry

ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs" / "sports"


def printed(page: str, into: Path) -> str:
    """The page's text; its files are written out."""
    text = (PAGES / page).read_text("utf-8")
    for name, block in re.findall(r"```\w+ file=(\S+)\n(.*?)```", text, re.DOTALL):
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, "utf-8")
    return text


def run(where: Path, *command: str) -> str:
    """What a Python command prints in this folder, whose packages it sees beside ours."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=where,
        env={**os.environ, "PYTHONPATH": f"{where}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_of_a_metric_runs_as_printed(tmp_path: Path) -> None:
    page = printed("adding-a-metric.md", tmp_path)
    assert f"It prints `{run(tmp_path, 'try.py').strip()}`" in page


def test_the_example_of_a_sport_runs_as_printed(tmp_path: Path) -> None:
    printed("adding-a-sport.md", tmp_path)
    install(tmp_path)
    run(tmp_path, "-m", "rowing.goldens.generate")
    document = json.loads((tmp_path / "rowing/goldens/expected.json").read_text("utf-8"))
    assert document["split_500m"] == pytest.approx(500 / document["average_speed"], abs=1e-3)
    assert document["quality"]["gaps"] == 1
    assert document["hr_avg"]
    touchline = "from core.cli import main; main()"
    listed = json.loads(run(tmp_path, "-c", touchline, "sport", "list", "--json"))
    states = {sport["name"]: (sport["distribution"], sport["state"]) for sport in listed}
    assert states["rowing"] == ("rowing-sport", "enabled")
    assert len(states) == len(registry().sports) + 1


def install(folder: Path) -> None:
    """What pip makes of the folder's pyproject.toml, as far as entry points are concerned."""
    about = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    info = folder / f"rowing_sport-{about['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {about['name']}\nVersion: {about['version']}\n")
    (points,) = about["entry-points"]["touchline.sports"].items()
    (info / "entry_points.txt").write_text(f"[touchline.sports]\n{' = '.join(points)}\n")


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
