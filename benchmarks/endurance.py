"""The kernel sets of biking, running and trail running against pandas, a copy, and the clock.

Run ``python -m benchmarks.endurance``. Method: one process, one core, in seconds of its processor
time, so that others on the machine do not count; kernels warm; generated
samples at 1 Hz, every channel; each round runs every side once, in turn; a figure is the median of
the rounds, with the smallest and largest. The copy is numpy's of the columns that the sport's
kernels read, of all athletes together. A chunk is ten samples of an athlete who is half-way, the
saved state loaded before and stored after it, which is nearly all packing and unpacking.

At 1 Hz each sample is a whole second, so that every sample pays for the reductions of a second
(23 windows of the power curve, two fourth-power means, seven best efforts): the design's 15 million
samples/s, meant for 10 Hz, are not reached, and its 50 microseconds are not with a packed state.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.endurance_pandas import biking, running
from benchmarks.kernels import Result, Samples, at_least, at_most
from core.sport.parameters import resolve_parameters
from core.sport.plan import plan
from core.sport.registry import registry
from core.sport.runner import FrameFold, warm

ROUNDS = 7
ATHLETES = 20
SECONDS = 3 * 3600
START = 1_700_000_000_000
CHUNKS = 500
PERSON = {"weight": 70, "height": 1.75, "gender": "M"}
PARAMS = {"max_hr": 190, "rest_hr": 50, "ftp": 250, "cp": 240, "threshold_pace": 280}
SPORTS: dict[str, Callable[..., dict[str, Any]]] = {
    "biking": biking,
    "running": running,
    "trailrunning": running,
}


def outing(seed: int, pace: float, n: int = SECONDS) -> Samples:
    """Hours of an athlete at 1 Hz, hills under them."""
    rng = np.random.default_rng(seed)
    at = np.arange(n)
    speed = np.maximum(0.6, pace + np.convolve(rng.normal(0, 3, n), np.ones(30) / 30, "same"))
    metres, heading = np.cumsum(speed), np.cumsum(rng.normal(0, 0.03, n))
    return {
        "t": START + at * 1000,
        "lat": 46.5 + np.cumsum(speed * np.cos(heading)) / 111_180,
        "lon": 6.6 + np.cumsum(speed * np.sin(heading)) / 76_700,
        "alt": (500 + 80 * np.sin(metres / 900) + rng.normal(0, 0.2, n)).round(1),
        "speed": speed.round(3),
        "hr": (140 + 25 * np.sin(at / 700 + seed)).round(),
        "power": np.maximum(0, 210 + 90 * np.sin(at / 180) + rng.normal(0, 40, n)).round(),
        "cadence": np.where(rng.random(n) < 0.05, 0, 86 + rng.integers(-5, 6, n)).astype(float),
    }


def timed(run: Callable[[], object]) -> float:
    """Processor seconds."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def measure_sport(name: str, rounds: int, say: Callable[[str], object]) -> list[Result]:
    """The figures of one sport."""
    sport = registry().sport(name)
    resolved = resolve_parameters(sport, {"sport": name}, PARAMS, PERSON)
    squad = [outing(seed, 8.5 if name == "biking" else 3.2) for seed in range(ATHLETES)]
    total, end = ATHLETES * SECONDS, START + SECONDS * 1000
    read = ["t", *(channel for channel, _ in plan(sport).lanes["samples"].inputs)]
    block = np.stack(
        [np.concatenate([a[k] for a in squad if k in a]) for k in read if k in squad[0]]
    )
    target = np.empty_like(block)
    half = SECONDS // 2
    going = FrameFold(sport, resolved, START, end, rate=1.0)
    going.advance({key: column[:half] for key, column in squad[0].items()})
    saved = going.snapshot()
    chunk = {key: column[half : half + 10] for key, column in squad[0].items()}

    def fold(athletes: list[Samples]) -> None:
        for one in athletes:
            FrameFold(sport, resolved, START, end, rate=1.0).advance(one)

    def chunks() -> None:
        for _ in range(CHUNKS):
            frame = FrameFold.restore(sport, resolved, START, end, saved)
            frame.advance(chunk)
            frame.snapshot()

    sides: dict[str, Callable[[], object]] = {
        "kernels": lambda: fold(squad),
        "copy": lambda: np.copyto(target, block),
        "one": lambda: fold(squad[:1]),
        "pandas": lambda: SPORTS[name](squad[0], values, START),
        "chunks": chunks,
    }
    values = {**resolved.values, "split_distance": 1000}
    for run in sides.values():
        run()
    taken = [{side: timed(run) for side, run in sides.items()} for _ in range(rounds)]
    say(f"{name}: saved state {len(saved) / 1000:.0f} kB")
    return [
        at_least(
            f"{name}, pandas / kernels (times faster)", [r["pandas"] / r["one"] for r in taken], 5
        ),
        at_most(
            f"{name}, kernels / one copy of their input",
            [r["kernels"] / r["copy"] for r in taken],
            60,
        ),
        at_least(
            f"{name}, million samples/s, one core", [total / r["kernels"] / 1e6 for r in taken], 3
        ),
        at_most(
            f"{name}, microseconds per 10-sample chunk, state loaded and stored",
            [r["chunks"] / CHUNKS * 1e6 for r in taken],
            1000,
        ),
    ]


def measure(rounds: int = ROUNDS, say: Callable[[str], object] = print) -> list[Result]:
    """Run the benchmark; say each line. Returns the ratios with their goals."""
    warm()
    say(f"data: generated, {ATHLETES} athletes of {SECONDS} s at 1 Hz, every channel")
    say(f"method: median of {rounds} interleaved rounds (smallest to largest), one process, warm")
    results = [one for name in SPORTS for one in measure_sport(name, rounds, say)]
    for r in results:
        say(r.line())
    return results


def main() -> int:
    """Print the figures; exit code 1 when a goal is missed."""
    return 0 if all(result.met for result in measure()) else 1


if __name__ == "__main__":
    sys.exit(main())
