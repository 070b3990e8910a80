"""The kernels of beats and accelerations against pandas doing the same metrics, and one copy.

Run ``python -m benchmarks.sensors``. Method: as `benchmarks.kernels`: one process, one core,
kernels warm; each round runs every side once, in turn; a figure is the median of the rounds, with
the smallest and largest. Accelerations are those of a match, 90 minutes at 100 Hz; beats those of a
night and a day (intervals of 0.6 s). What the filter of `hrv` accepts depends on what it accepted
before, so pandas does the unfiltered half of it only, which is in its favour.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.figures import Figure, at_least, at_most, exit_code, figure
from benchmarks.kernels import Samples, timed
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold, warm

ROUNDS = 7
CHUNKS = 200
START = 1_700_000_000_000
AXES = ("ax", "ay", "az")


def accelerations(n: int = 540_000) -> Samples:
    rng = np.random.default_rng(1)
    return {"t": START + 10 * np.arange(n), **{axis: rng.normal(0, 1, n) for axis in AXES}}


def beats(n: int = 144_000) -> Samples:
    rng = np.random.default_rng(2)
    rr = (600 + 80 * np.sin(np.arange(n) / 300) + rng.normal(0, 20, n)).round()
    rr[::100] *= 0.6
    return {"t": START + np.cumsum(rr).astype(np.int64), "rr": rr}


def load_in_pandas(imu: Samples) -> tuple[float, int]:
    """Player load and number of impacts of accelerations without gaps."""
    frame = pd.DataFrame({axis: imu[axis] for axis in AXES})
    blocks = frame.groupby(imu["t"] // 10).mean()
    steps = np.sqrt((blocks.diff() ** 2).sum(axis=1))
    above = np.sqrt((blocks**2).sum(axis=1)) > 2
    return float(steps.sum() / 100), int((above & ~above.shift(fill_value=False)).sum())


def hrv_in_pandas(rr: Samples) -> tuple[float, float, float]:
    """RMSSD, SDNN, pNN50 of all intervals."""
    series = pd.Series(rr["rr"])
    steps = series.diff().dropna()
    above = 100 * float((steps.abs() > 50).mean())
    return float(np.sqrt((steps**2).mean())), float(series.std()), above


def unfed(rows: Samples) -> FrameFold:
    sport = registry().sport("soccer")
    resolved = resolve_parameters(sport, {"sport": "soccer"}, {}, {})
    return FrameFold(sport, resolved, START, int(rows["t"][-1]) + 1)


def fold(rows: Samples, stream: str) -> FrameFold:
    frame = unfed(rows)
    frame.advance(rows, stream)
    return frame


def copying(rows: Samples) -> Callable[[], object]:
    """One copy of all rows."""
    block = np.stack([np.asarray(column, float) for column in rows.values()])
    target = np.empty_like(block)
    return lambda: np.copyto(target, block)


def check(imu: Samples, rr: Samples) -> None:
    """Both sides of a ratio come to the same numbers."""
    load = fold(imu, "imu").values(True)[0]
    np.testing.assert_allclose(load["player_load"]["total"], load_in_pandas(imu)[0], rtol=1e-9)
    assert load["impacts"]["count"] == load_in_pandas(imu)[1]
    found = fold(rr, "rr").values(True)[0]["hrv"]
    ours = [found[name] for name in ("rmssd", "sdnn", "pnn50")]
    np.testing.assert_allclose(ours, hrv_in_pandas(rr), rtol=1e-9)


def measure(rounds: int = ROUNDS, say: Callable[[str], object] = print) -> list[Figure]:
    """Run the benchmark; say each line. Returns the ratios with their goals."""
    imu, rr = accelerations(), beats()
    warm()
    check(imu, rr)
    frame = fold({name: column[:20_000] for name, column in imu.items()}, "imu")
    sport, resolved, saved = frame.sport, frame.resolved, frame.snapshot()
    chunk = {name: column[20_000:20_010] for name, column in imu.items()}

    def chunks() -> None:
        for _ in range(CHUNKS):
            one = FrameFold.restore(sport, resolved, START, frame.end, saved)
            one.advance(chunk, "imu")
            one.snapshot()

    sides: dict[str, Callable[[], object]] = {
        "imu": lambda: fold(imu, "imu"),
        "imu copy": copying(imu),
        "imu pandas": lambda: load_in_pandas(imu),
        "rr": lambda: fold(rr, "rr"),
        "rr copy": copying(rr),
        "rr pandas": lambda: hrv_in_pandas(rr),
        "chunks": chunks,
    }
    for run in sides.values():
        run()
    taken = [{name: timed(run) for name, run in sides.items()} for _ in range(rounds)]

    imu_n, rr_n = len(imu["t"]), len(rr["t"])
    results = [
        at_least("accelerations: pandas / kernel", [r["imu pandas"] / r["imu"] for r in taken], 3),
        at_most("accelerations: kernel / one copy", [r["imu"] / r["imu copy"] for r in taken], 20),
        figure("accelerations: million rows/s", [imu_n / r["imu"] / 1e6 for r in taken]),
        at_least(
            "beats: pandas, unfiltered only / kernel", [r["rr pandas"] / r["rr"] for r in taken], 1
        ),
        figure("beats: kernel / one copy", [r["rr"] / r["rr copy"] for r in taken]),
        figure("beats: million rows/s", [rr_n / r["rr"] / 1e6 for r in taken]),
        figure(
            "microseconds per 10-row chunk, state loaded and stored",
            [r["chunks"] / CHUNKS * 1e6 for r in taken],
        ),
    ]
    say(f"data: made, {imu_n} accelerations at 100 Hz, {rr_n} beats")
    say(f"method: median of {rounds} interleaved rounds (smallest to largest), one process, warm")
    for r in results:
        say(r.line())
    return results


def main() -> int:
    """Print the figures; exit code 1 when a goal is missed."""
    return exit_code(measure())


if __name__ == "__main__":
    sys.exit(main())
