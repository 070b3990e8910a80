"""The kernels of beats and accelerations against pandas doing the same metrics, and one copy.

Run ``python -m benchmarks.sensors``. Method: as `benchmarks.kernels`: one process, one core,
kernels warm; each round runs every side once, in turn; a figure is the median of the rounds, with
the smallest and largest. Accelerations are those of a match, 90 minutes at 100 Hz; beats those of a
night and a day (intervals of 0.6 s). What the filter of `hrv` accepts depends on what it accepted
before, so pandas does the unfiltered half of it only, which is in its favour.
"""

import statistics
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.kernels import Result, Samples, timed
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold, warm

ROUNDS = 7
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


def check(imu: Samples, rr: Samples) -> None:
    """Both sides of a ratio come to the same numbers."""
    load = fold(imu, "imu").values(True)[0]
    np.testing.assert_allclose(load["player_load"]["total"], load_in_pandas(imu)[0], rtol=1e-9)
    assert load["impacts"]["count"] == load_in_pandas(imu)[1]
    found = fold(rr, "rr").values(True)[0]["hrv"]
    ours = [found[name] for name in ("rmssd", "sdnn", "pnn50")]
    np.testing.assert_allclose(ours, hrv_in_pandas(rr), rtol=1e-9)


def measure(rounds: int = ROUNDS, say: Callable[[str], object] = print) -> list[Result]:
    """Run the benchmark; say each line. Returns the ratios with their goals."""
    imu, rr = accelerations(), beats()
    warm()
    check(imu, rr)
    block = np.stack([np.asarray(column, float) for column in imu.values()])
    target = np.empty_like(block)

    def chunks() -> None:
        frame = unfed(imu)
        for low in range(0, 20_000, 10):
            frame.advance({name: column[low : low + 10] for name, column in imu.items()}, "imu")

    sides: dict[str, Callable[[], object]] = {
        "imu": lambda: fold(imu, "imu"),
        "copy": lambda: np.copyto(target, block),
        "imu pandas": lambda: load_in_pandas(imu),
        "rr": lambda: fold(rr, "rr"),
        "rr pandas": lambda: hrv_in_pandas(rr),
        "chunks": chunks,
    }
    for run in sides.values():
        run()
    taken = [{name: timed(run) for name, run in sides.items()} for _ in range(rounds)]

    def result(
        name: str, of: Callable[[dict[str, float]], float], least: float | None = None,
        most: float | None = None,
    ) -> Result:  # fmt: skip
        ratios = [of(round_) for round_ in taken]
        median = statistics.median(ratios)
        met = (least is None or median >= least) and (most is None or median <= most)
        goal = f">= {least:g}" if least is not None else f"<= {most:g}"
        return Result(name, median, min(ratios), max(ratios), goal, met)

    imu_n, rr_n = len(imu["t"]), len(rr["t"])
    results = [
        result("accelerations: pandas / kernel", lambda r: r["imu pandas"] / r["imu"], 3),
        result("accelerations: kernel / one copy", lambda r: r["imu"] / r["copy"], most=20),
        result("accelerations: million rows/s", lambda r: imu_n / r["imu"] / 1e6, 15),
        result("beats: pandas, unfiltered only / kernel", lambda r: r["rr pandas"] / r["rr"], 1),
        result("beats: million rows/s", lambda r: rr_n / r["rr"] / 1e6, 15),
        result("microseconds per 10-row chunk", lambda r: r["chunks"] / 2000 * 1e6, most=50),
    ]
    say(f"data: made, {imu_n} accelerations at 100 Hz, {rr_n} beats")
    say(f"method: median of {rounds} interleaved rounds (smallest to largest), one process, warm")
    for r in results:
        say(f"{r.name}: {r.median:.2f} ({r.low:.2f} to {r.high:.2f}), goal {r.goal}: "
            f"{'met' if r.met else 'NOT met'}")  # fmt: skip
    return results


def main() -> int:
    """Print the figures; exit code 1 when a goal is missed."""
    return 0 if all(result.met for result in measure()) else 1


if __name__ == "__main__":
    sys.exit(main())
