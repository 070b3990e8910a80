"""``make crosscheck``: our numbers beside those of other libraries, in one table."""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.crosscheck import table

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".venv-crosscheck"


@dataclass(frozen=True)
class Side:
    """An environment of other libraries, and the program that asks them."""

    name: str
    libraries: tuple[str, ...]
    python: str | None  # the version it needs, None for ours

    @property
    def requirements(self) -> Path:
        return HERE / f"{self.name}.txt"

    @property
    def program(self) -> Path:
        return HERE / f"theirs_{self.name}.py"


SIDES = (
    # pandas 1.5, which sweat needs, is built for Python 3.11 at the newest.
    Side("sweat", ("sweat",), "3.11"),
    Side("others", ("neurokit2", "floodlight", "scipy", "pyproj", "gpxpy"), None),
)


class Absent(Exception):
    """The libraries cannot be installed here; the message says why."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def interpreter(version: str | None) -> str:
    """The Python to make an environment with. Raises Absent."""
    if version is None or sys.version.startswith(f"{version}."):
        return sys.executable
    path = shutil.which(f"python{version}")
    if path is None:
        raise Absent(f"needs Python {version}, which is not on this machine")
    return path


def environment(side: Side) -> Path:
    """The Python of the side's environment, which is made where it is not there or its
    requirements have changed. Raises Absent.
    """
    home = HOME / side.name
    python, stamp = home / "bin" / "python", home / "stamp"
    digest = hashlib.sha256(side.requirements.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return python
    say(f"installing {', '.join(side.libraries)} into {home.relative_to(HERE.parents[1])} ...")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--require-hashes", "--requirement", str(side.requirements)]
    for command in ([interpreter(side.python), "-m", "venv", "--clear", str(home)], pip):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
            raise Absent(f"cannot be installed: {last}")
    stamp.write_text(digest)
    return python


def theirs(side: Side, directory: Path) -> list[dict[str, Any]]:
    """The answers of a side's program. Raises Absent, and SystemExit where the program fails."""
    python = environment(side)
    say(f"asking {', '.join(side.libraries)} ...")
    done = subprocess.run([python, side.program, directory], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{side.program.name} failed:\n{done.stderr}")
    return list(json.loads(done.stdout))


def chosen(arguments: argparse.Namespace) -> Path | None:
    """The folder of recordings; None for those that the sports ship."""
    if arguments.made:
        return None
    folder = Path(arguments.recordings)
    if folder.is_dir():
        return folder
    say(
        f"no recordings at {folder}: the real ones are skipped, those that the sports ship are used"
    )
    return None


def main() -> int:
    from benchmarks.crosscheck import cases

    parser = argparse.ArgumentParser(
        prog="make crosscheck",
        description="Our numbers beside those of other libraries, in one table.",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "--recordings", default=str(cases.RECORDINGS), help="folder of real recordings"
    )
    parser.add_argument(
        "--made", action="store_true", help="use the made recordings that the sports ship"
    )
    parser.epilog = (
        "Exit code: 0 all agree or differ for a stated reason that holds, 1 some do not,\n"
        "2 a library could not be installed (make itself makes 2 of both). With make: ARGS=--made"
    )
    recordings = chosen(parser.parse_args())
    absent: dict[str, str] = {}
    answers: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="touchline-crosscheck-") as scratch:
        say("computing ours ...")
        ours = cases.write(Path(scratch), recordings)
        for side in SIDES:
            try:
                answers += theirs(side, Path(scratch))
            except Absent as reason:
                absent |= dict.fromkeys(side.libraries, str(reason))
    rows = table.joined(ours, answers, absent)
    print("\n".join(table.lines(rows)))
    print()
    print(table.summary(rows))
    for library, why in absent.items():
        print(f"{library} was not compared: {why}")
    return table.exit_code(rows)


if __name__ == "__main__":
    sys.exit(main())
