"""The soccer kernel set against pandas doing the same metrics, and against one copy of its input.

Run ``python -m benchmarks.kernels``. Method: one process, one core, kernels warm; each round runs
every side once, in turn; a figure is the median of the rounds, with the smallest and largest. The
copy is numpy's of the five columns that the kernels read (t, lat, lon, speed, hr) of a whole
squad's match, so that it comes from memory, as samples do, and not from the cache.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, at_least, at_most, exit_code
from benchmarks.soccer_pandas import soccer
from core.sport.parameters import Resolved, resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold, warm
from tests.unit.sport.recordings import soccer_columns

ROUNDS = 7
PLAYERS = 22
RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data" / "soccer"
NAMES = ("statsports_U16_ID66.csv", "statsports_U16_ID67.csv")
PARAMS = {"max_hr": 195, "rest_hr": 55}
PERSON = {"gender": "M"}

Samples = dict[str, np.ndarray]


def generated(seed: int = 1, n: int = 54_000) -> Samples:
    """A player's 90 minutes at 10 Hz."""
    rng = np.random.default_rng(seed)
    speed = np.abs(np.convolve(rng.normal(0, 6, n), np.ones(40) / 40, "same")).round(3)
    heading = np.cumsum(rng.normal(0, 0.05, n))
    lat = 46.5 + np.cumsum(speed * 0.1 * np.cos(heading)) / 111_180
    lon = 6.6 + np.cumsum(speed * 0.1 * np.sin(heading)) / 76_700
    return {"t": 1_700_000_000_000 + np.arange(n) * 100, "lat": lat, "lon": lon, "speed": speed}


def match() -> tuple[str, list[Samples]]:
    """The data's name, and a squad's samples: recordings in turn, with a made heart rate."""
    if RECORDINGS.is_dir():
        source = f"recordings {', '.join(NAMES)} (STATSports, 10 Hz), repeated"
        tracks = [soccer_columns(RECORDINGS / name) for name in NAMES]
    else:
        source = "generated, 90 minutes at 10 Hz, seeds 1 and 2"
        tracks = [generated(1), generated(2)]
    squad = []
    for i in range(PLAYERS):
        track = tracks[i % len(tracks)]
        beats = 130 + 45 * np.sin(np.arange(len(track["t"])) / 3000 + i)
        squad.append({**{k: v.copy() for k, v in track.items()}, "hr": beats.round()})
    samples = sum(len(player["t"]) for player in squad)
    return f"{source}; {PLAYERS} players, {samples} samples, heart rate made", squad


def fold_all(squad: list[Samples], resolved: Resolved) -> None:
    sport = registry().sport("soccer")
    for player in squad:
        t = player["t"]
        frame = FrameFold(sport, resolved, int(t[0]), int(t[-1]) + 1, rate=10.0)
        frame.advance(player)


def timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def measure(rounds: int = ROUNDS, say: Callable[[str], object] = print) -> list[Figure]:
    """Run the benchmark; say each line. Returns the ratios with their goals."""
    data, squad = match()
    warm()
    sport = registry().sport("soccer")
    resolved = resolve_parameters(sport, {"sport": "soccer"}, PARAMS, PERSON)
    total = sum(len(player["t"]) for player in squad)
    block = np.stack(
        [np.concatenate([p[k] for p in squad]) for k in ("t", "lat", "lon", "speed", "hr")]
    )
    target = np.empty_like(block)
    pair = squad[:2]  # pandas takes seconds for a squad; both sides of its ratio do two players

    def batch() -> None:
        for player in pair:
            soccer(player, resolved.values, int(player["t"][0]))

    def chunks() -> None:
        player = squad[0]
        t = player["t"]
        frame = FrameFold(sport, resolved, int(t[0]), int(t[-1]) + 1, rate=10.0)
        for i in range(0, 20_000, 10):
            frame.advance({name: column[i : i + 10] for name, column in player.items()})

    sides: dict[str, Callable[[], object]] = {
        "squad": lambda: fold_all(squad, resolved),
        "copy": lambda: np.copyto(target, block),
        "pair": lambda: fold_all(pair, resolved),
        "pandas": batch,
        "chunks": chunks,
    }
    for run in sides.values():
        run()
    taken = [{name: timed(run) for name, run in sides.items()} for _ in range(rounds)]

    results = [
        at_least(
            "pandas / kernels (times faster)",
            [round_["pandas"] / round_["pair"] for round_ in taken],
            10,
        ),
        at_most(
            "kernels / one copy of their input",
            [round_["squad"] / round_["copy"] for round_ in taken],
            20,
        ),
        at_least(
            "million samples/s, one core",
            [total / round_["squad"] / 1e6 for round_ in taken],
            15,
        ),
        at_most(
            "microseconds per 10-sample chunk",
            [round_["chunks"] / 2000 * 1e6 for round_ in taken],
            50,
        ),
    ]
    say(f"data: {data}")
    say(f"method: median of {rounds} interleaved rounds (smallest to largest), one process, warm")
    for r in results:
        say(r.line())
    return results


def main() -> int:
    """Print the figures; exit code 1 when a goal is missed."""
    return exit_code(measure())


if __name__ == "__main__":
    sys.exit(main())
