"""setup.cfg, docs/dependencies.md and requirements.lock name the same packages."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)", re.MULTILINE)


def declared(section: str, option: str) -> list[Requirement]:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    return [Requirement(line) for line in config[section][option].split("\n") if line]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


RUNTIME = declared("options", "install_requires")
DEV = declared("options.extras_require", "dev")


@pytest.mark.parametrize(
    ("heading", "requirements"), [("What runs", RUNTIME), ("What tests and measures", DEV)]
)
def test_each_dependency_has_its_line(heading: str, requirements: list[Requirement]) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([\w-]+) \| \S.*\.\s*\|$", section, re.MULTILINE)
    assert rows == [requirement.name for requirement in requirements]


@pytest.mark.parametrize("requirement", [*RUNTIME, *DEV], ids=lambda r: r.name)
def test_the_locked_version_is_in_the_range(requirement: Requirement) -> None:
    versions = {
        canonical(n): v for n, v in LOCKED.findall((ROOT / "requirements.lock").read_text())
    }
    assert requirement.specifier.contains(versions[canonical(requirement.name)])


def test_the_lock_names_no_index_and_hashes_everything() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "index-url" not in text
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in entry, entry
