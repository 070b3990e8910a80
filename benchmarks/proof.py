"""Where proofs are written: `proof/<name>.json`, with the commit and the machine they ran on.

A proof is a list of rounds. A round that was written for this commit is not run again, so a proof
that was cut short goes on where it stood.
"""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "proof"

Round = dict[str, Any]


def commit() -> str:
    """The checkout's commit, with ``+`` when the work tree differs from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()

    return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain") else "")


def machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
    }


def prove(name: str, rounds: Sequence[int], run: Callable[[int], Round]) -> list[Round]:
    """Run what is missing of the rounds (by seed), writing each as it ends; returns all of them."""
    path, here = FOLDER / f"{name}.json", commit()
    done: dict[str, Round] = {}
    if path.exists():
        found = json.loads(path.read_text())
        done = found["rounds"] if found["commit"] == here else {}
    for number, seed in enumerate(rounds, start=1):
        if str(seed) not in done:
            print(f"{name}: round {number} of {len(rounds)} (seed {seed})", flush=True)
            done[str(seed)] = run(seed)
            FOLDER.mkdir(exist_ok=True)
            document = {"commit": here, "machine": machine(), "rounds": done}
            path.write_text(json.dumps(document, indent=1) + "\n")
        print(f"  {done[str(seed)]}", flush=True)
    return [done[str(seed)] for seed in rounds]
