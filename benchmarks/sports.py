"""The kernel set of each of the seven sports against pandas, one copy of its input, and the clock.

Run ``python -m benchmarks.sports``. Method: one process, one core, in seconds of its processor
time, so that others on the machine do not count; kernels warm; generated samples of every channel,
at 10 Hz on a field and at 1 Hz elsewhere; each round runs every side once, in turn; a figure is the
median of the rounds, with the smallest and largest. The copy is numpy's of the columns that the
sport's kernels read, of all athletes together. A chunk is ten samples of an athlete who is
half-way, the saved state loaded before and stored after it; nearly all of it is packing (of a match
90 kB of events and the heat map), and in memory it takes a tenth (`benchmarks.kernels`).

At 1 Hz each sample is a whole second, so that every sample pays for the reductions of a second
(23 windows of the power curve, two fourth-power means, seven best efforts): the design's 15 million
samples/s are meant for 10 Hz. A pool's lengths are one row in half a minute: `swimming` is open
water. `triathlon` is a frame over the whole race; a leg's is that of its sport.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks import endurance_pandas, soccer_pandas
from benchmarks.figures import Figure, at_least, at_most, exit_code, figure
from benchmarks.kernels import Samples
from core.sport.parameters import Resolved, resolve_parameters
from core.sport.plan import plan
from core.sport.registry import registry
from core.sport.runner import FrameFold, warm

ROUNDS = 7
ATHLETES = 20
START = 1_700_000_000_000
CHUNKS = 200
CORNER = (46.5, 6.6)
DEGREES = np.array([1 / 111_180, 1 / 76_700])  # of a metre there
PERSON = {"weight": 70, "height": 1.75, "gender": "M"}
PARAMS = {"max_hr": 190, "rest_hr": 50}
TRAINED = {**PARAMS, "ftp": 250, "cp": 240, "threshold_pace": 280}

Batch = Callable[[Samples, dict[str, Any], int], object]


class Case(NamedTuple):
    """A sport's data and other side; ``pace`` in m/s of an outing, ``sides`` in m of a field.
    ``faster`` than pandas is the goal, in times.
    """

    pandas: Batch
    faster: float
    pace: float = 0.0
    sides: tuple[float, float] | None = None
    corners: str = ""

    @property
    def rate(self) -> int:
        """Samples a second."""
        return 10 if self.sides else 1


def soccer(samples: Samples, values: dict[str, Any], start: int) -> object:
    """Soccer's metrics with those of the pitch."""
    place = soccer_pandas.heat(samples, values["field_corners"], 1.0)
    return soccer_pandas.soccer(samples, values, start), place


CASES = {
    "soccer": Case(soccer, 8, sides=(105, 68), corners="field_corners"),
    "tennis": Case(soccer_pandas.tennis, 8, sides=(23.77, 10.97), corners="court_corners"),
    "biking": Case(endurance_pandas.biking, 5, pace=8.5),
    "running": Case(endurance_pandas.running, 5, pace=3.2),
    "swimming": Case(endurance_pandas.swimming, 2, pace=1.2),
    "trailrunning": Case(endurance_pandas.running, 5, pace=2.8),
    "triathlon": Case(endurance_pandas.triathlon, 2, pace=5.0),
}


def outing(seed: int, pace: float, n: int = 3 * 3600) -> Samples:
    """Hours of an athlete at 1 Hz, hills under them."""
    rng = np.random.default_rng(seed)
    at = np.arange(n)
    swing = np.convolve(rng.normal(0, 0.4 * pace, n), np.ones(30) / 30, "same")
    speed = np.maximum(0.3 * min(pace, 2), pace + swing)
    metres, heading = np.cumsum(speed), np.cumsum(rng.normal(0, 0.03, n))
    return {
        "t": START + at * 1000,
        "lat": CORNER[0] + np.cumsum(speed * np.cos(heading)) * DEGREES[0],
        "lon": CORNER[1] + np.cumsum(speed * np.sin(heading)) * DEGREES[1],
        "alt": (500 + 80 * np.sin(metres / 900) + rng.normal(0, 0.2, n)).round(1),
        "speed": speed.round(3),
        "hr": (140 + 25 * np.sin(at / 700 + seed)).round(),
        "power": np.maximum(0, 210 + 90 * np.sin(at / 180) + rng.normal(0, 40, n)).round(),
        "cadence": np.where(rng.random(n) < 0.05, 0, 86 + rng.integers(-5, 6, n)).astype(float),
    }


def play(seed: int, sides: tuple[float, float], n: int = 54_000) -> Samples:
    """A player's 90 minutes at 10 Hz between the lines, with runs and stops."""
    rng = np.random.default_rng(seed)
    half = np.array([sides]).T / 2
    quick = np.cumsum(np.clip(np.convolve(rng.normal(0, 1, n), np.ones(80) / 9, "same"), 0, 2))
    phases = quick * np.array([[3.3], [4.7]]) / half + rng.uniform(0, 6, (2, 1))
    place = half * (1 + 0.9 * np.sin(0.1 * phases))
    move = np.hypot(*np.diff(place, axis=1, prepend=place[:, :1])) * 10
    lat, lon = np.array(CORNER)[:, None] + place[::-1] * DEGREES[:, None]
    beats = (150 + 30 * np.sin(np.arange(n) / 3000 + seed)).round()
    t = START + np.arange(n) * 100
    return {"t": t, "lat": lat, "lon": lon, "speed": move.round(3), "hr": beats}


def corners(sides: tuple[float, float]) -> list[list[float]]:
    """Of a field whose first side runs east from CORNER."""
    length, width = sides[0] * DEGREES[1], sides[1] * DEGREES[0]
    lat, lon = CORNER
    return [[lat, lon], [lat, lon + length], [lat + width, lon + length], [lat + width, lon]]


def squad_of(case: Case) -> list[Samples]:
    """The samples of all athletes."""
    if case.sides is not None:
        return [play(seed, case.sides) for seed in range(ATHLETES)]
    return [outing(seed, case.pace) for seed in range(ATHLETES)]


def resolved_for(name: str) -> Resolved:
    """Parameters: an athlete of whom all is known, a field that has corners."""
    case, sport = CASES[name], registry().sport(name)
    activity: dict[str, Any] = {"sport": name}
    if case.sides is not None:
        activity[case.corners] = corners(case.sides)
    params = PARAMS if case.sides or name == "swimming" else TRAINED
    return resolve_parameters(sport, activity, params, PERSON)


def folded(name: str, resolved: Resolved, samples: Samples) -> FrameFold:
    """An athlete's fold."""
    end = int(samples["t"][-1]) + 1
    fold = FrameFold(registry().sport(name), resolved, START, end, rate=CASES[name].rate)
    fold.advance(samples)
    return fold


def timed(run: Callable[[], object]) -> float:
    """Processor seconds."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def measure_sport(name: str, rounds: int, say: Callable[[str], object]) -> list[Figure]:
    """The figures of one sport."""
    case, sport, resolved = CASES[name], registry().sport(name), resolved_for(name)
    values = {**resolved.values, "split_distance": 1000}
    squad = squad_of(case)
    length = len(squad[0]["t"])
    total, end = ATHLETES * length, int(squad[0]["t"][-1]) + 1
    read = ["t", *(channel for channel, _ in plan(sport).lanes["samples"].inputs)]
    block = np.stack([np.concatenate([a[k] for a in squad]) for k in read if k in squad[0]])
    target = np.empty_like(block)
    half = length // 2
    going = FrameFold(sport, resolved, START, end, rate=case.rate)
    going.advance({key: column[:half] for key, column in squad[0].items()})
    saved = going.snapshot()
    chunk = {key: column[half : half + 10] for key, column in squad[0].items()}

    def chunks() -> None:
        for _ in range(CHUNKS):
            frame = FrameFold.restore(sport, resolved, START, end, saved)
            frame.advance(chunk)
            frame.snapshot()

    sides: dict[str, Callable[[], object]] = {
        "kernels": lambda: [folded(name, resolved, one) for one in squad],
        "copy": lambda: np.copyto(target, block),
        "one": lambda: folded(name, resolved, squad[0]),
        "pandas": lambda: case.pandas(squad[0], values, START),
        "chunks": chunks,
    }
    for run in sides.values():
        run()
    taken = [{side: timed(run) for side, run in sides.items()} for _ in range(rounds)]
    say(f"{name}: {case.rate} Hz, {total} samples, saved state {len(saved) / 1000:.0f} kB")
    speeds = [total / r["kernels"] / 1e6 for r in taken]
    return [
        figure(f"{name}, million samples/s, one core", speeds),
        at_least(
            f"{name}, pandas / kernels (times faster)",
            [r["pandas"] / r["one"] for r in taken],
            case.faster,
        ),
        at_most(
            f"{name}, kernels / one copy of their input",
            [r["kernels"] / r["copy"] for r in taken],
            60,
        ),
        figure(
            f"{name}, microseconds per 10-sample chunk, state loaded and stored",
            [r["chunks"] / CHUNKS * 1e6 for r in taken],
        ),
    ]


def measure(rounds: int = ROUNDS, say: Callable[[str], object] = print) -> list[Figure]:
    """Run the benchmark; say each line. Returns the ratios with their goals."""
    warm()
    say(f"data: generated, {ATHLETES} athletes, 90 minutes at 10 Hz or 3 hours at 1 Hz")
    say(f"method: median of {rounds} interleaved rounds (smallest to largest), one process, warm")
    results = []
    for name in CASES:
        results += measure_sport(name, rounds, say)
        for r in results[-4:]:
            say(r.line())
    return results


def main() -> int:
    """Print the figures; exit code 1 when a goal is missed."""
    return exit_code(measure())


if __name__ == "__main__":
    sys.exit(main())
