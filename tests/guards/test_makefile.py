"""The targets run what they say, in the private environment."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from core.commands.operate import programs

ROOT = Path(__file__).resolve().parents[2]


def dry_run(*words: str) -> list[str]:
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *words],
        cwd=ROOT,
        # Not what was given to the make that runs this test.
        env={
            name: v for name, v in os.environ.items() if name not in ("MAKEFLAGS", "ARGS", "NAME")
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "last"),
    [
        (["demo"], ".venv/bin/touchline demo"),
        (["demo", "ARGS=--for 60"], ".venv/bin/touchline demo --for 60"),
        (["prove", "NAME=kill"], ".venv/bin/touchline prove kill"),
        (["bench"], ".venv/bin/touchline bench"),
        (["crosscheck", "ARGS=--made"], ".venv/bin/python -m benchmarks.crosscheck --made"),
    ],
)
def test_a_target_is_one_command(words: list[str], last: str) -> None:
    assert dry_run(*words)[-1].strip() == last


TOOLS = ("ruff", "mypy", "lint-imports", "pytest")


def make_test(folder: Path, failing: str | None) -> subprocess.CompletedProcess[str]:
    """``make test`` with tools that say what they were asked, of which one may fail."""
    shutil.copy(ROOT / "Makefile", folder)
    tools = folder / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name in ("requirements.lock", "setup.cfg", "pyproject.toml", ".venv/stamp"):
        (folder / name).touch()
    for name in TOOLS:
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $@"\nexit {int(name == failing)}\n')
        (tools / name).chmod(0o755)
    env = {n: v for n, v in os.environ.items() if n not in ("MAKEFLAGS", "ARGS", "NAME")}
    words = ["make", "--no-print-directory", "test", "ARGS=tests/unit"]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def test_make_test_runs_every_tool(tmp_path: Path) -> None:
    done = make_test(tmp_path, None)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [
        "lint-imports ",
        "mypy ",
        "pytest -n 2 --dist loadfile tests/unit",
        "ruff check .",
        "ruff format --check .",
    ]


@pytest.mark.parametrize("tool", TOOLS)
def test_make_test_fails_where_any_tool_does(tmp_path: Path, tool: str) -> None:
    done = make_test(tmp_path, tool)
    assert done.returncode != 0
    assert f"{tool} " in done.stdout


def test_ci_is_make_test_with_ci_set() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    text = script.read_text()
    assert "export CI=true" in text
    assert text.rstrip().endswith("make --no-print-directory test </dev/null")


def test_benchmarks_are_found_by_name() -> None:
    found = programs("bench")
    assert found["store"] == "benchmarks.store"
    assert not any(name.startswith("prove") for name in found)
