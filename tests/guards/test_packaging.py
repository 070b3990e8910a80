"""What is in the checkout's packages is in the wheel: nothing works here and fails installed."""

import configparser
import subprocess
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "plugins", "workers", "schemas")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [Path(line) for line in listed.stdout.splitlines()]


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in tracked() if path.suffix == ".py"}
    assert not [folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()]


def test_every_other_file_is_package_data() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = [p.strip() for p in config["options.package_data"]["*"].split(",")]
    left_out = []
    for path in tracked():
        if path.suffix == ".py":
            continue
        package = next(p for p in path.parents if (ROOT / p / "__init__.py").is_file())
        inside = path.relative_to(package)
        if not any(
            len(inside.parts) == pattern.count("/") + 1 and fnmatch(str(inside), pattern)
            for pattern in patterns
        ):
            left_out.append(str(path))
    assert not left_out
