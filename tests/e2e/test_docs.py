"""Every command and program in README and docs is run as it stands there.

A fenced ``sh`` or ``python`` block is run in the order of its page, in one directory, against a
running platform. What starts or tests a whole platform is run by another test, named below.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.platform import Platform

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:touchline|make) [^`…]+)`")

# Command (its beginning) → the test that runs it.
ELSEWHERE = {
    "make demo": "tests/e2e/test_demo.py",
    "make test": "tests/guards/test_makefile.py",
    "make prove": "tests/guards/test_makefile.py",
    "make bench": "tests/guards/test_makefile.py",
    "make lock": "tests/guards/test_makefile.py",
    "make crosscheck": "tests/guards/test_makefile.py",
    ".venv/bin/touchline up": "tests/e2e/conftest.py",
    ".venv/bin/pytest": "tests/guards/test_makefile.py",
    "touchline up": "tests/e2e/conftest.py",
    "touchline demo": "tests/e2e/test_demo.py",
    "touchline web": "tests/e2e/conftest.py",
    "touchline relay": "tests/e2e/conftest.py",
    "touchline worker": "tests/e2e/conftest.py",
}


def elsewhere(command: str) -> str | None:
    return next((test for start, test in ELSEWHERE.items() if command.startswith(start)), None)


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text())


def runs_here(language: str, code: str) -> bool:
    lines = [line for line in code.splitlines() if line and not line.startswith("#")]
    return language == "python" or not all(elsewhere(line) for line in lines)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


WITH_BLOCKS = [page for page in PAGES if any(runs_here(*block) for block in blocks(page))]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=name)
def test_the_pages_blocks_run(page: Path, platform: Platform, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        **platform.environment,
        "TOUCHLINE_URL": platform.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    shell = [code for language, code in blocks(page) if language == "sh" and runs_here("sh", code)]
    program = "\n".join(code for language, code in blocks(page) if language == "python")
    for argv in (["bash", "-euc", "\n".join(shell)], [sys.executable, "-c", program]):
        done = subprocess.run(
            argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{name(page)}\n{done.stdout}{done.stderr}"


def inline_commands() -> list[str]:
    found = {c.strip() for page in PAGES for c in INLINE.findall(page.read_text())}
    return sorted(command for command in found if not elsewhere(command))


@pytest.mark.parametrize("command", inline_commands())
def test_commands_in_running_text_exist(command: str, platform: Platform) -> None:
    """Run with ``--help``: what they do is tested where it matters; here, that they are there."""
    words = [word for word in command.split()[1:] if not word.startswith(("-", "<"))]
    verbs = [word for word in words if re.fullmatch(r"[a-z]+", word)]
    done = subprocess.run(
        [Path(sys.executable).parent / "touchline", *verbs, "--help"],
        env={**os.environ, **platform.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_every_command_that_is_run_elsewhere_is_run_by_a_file_that_exists() -> None:
    for test in ELSEWHERE.values():
        assert (ROOT / test).is_file(), test
