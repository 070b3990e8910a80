"""hrv, player_load and impacts: the recordings, an independent computation, samples by hand."""

import json
import math
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from tests.unit.sport.recordings import accelerations, intervals
from tests.unit.sport.samples import END, START

G = {"ax": 0.0, "ay": 0.0, "az": 1.0}


def fold(stream: str, columns: dict[str, Any], **params: Any) -> FrameFold:
    sport = registry().sport("soccer")
    resolved = resolve_parameters(sport, {"sport": "soccer"}, params, {})
    frame = FrameFold(sport, resolved, START, END)
    frame.advance({"t": START + np.asarray(columns["t"]), **_floats(columns)}, stream)
    return frame


def _floats(columns: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(v, float) for name, v in columns.items() if name != "t"}


def hrv(beats: Any) -> dict[str, Any]:
    beats = np.asarray(beats, float)
    return dict(fold("rr", {"t": np.arange(len(beats)), "rr": beats}).values(True)[0]["hrv"])


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["rest_rri.txt", "exercise_rri.hrm"])
def test_golden_intervals(recordings: Path, name: str) -> None:
    golden = json.loads((recordings / "golden.json").read_text())["files"][f"rr/{name}"]["values"]
    found = by_golden_name(hrv(intervals(recordings / "rr" / name)))
    assert set(found) == set(golden)
    for key, value in golden.items():
        assert found[key] == pytest.approx(value, rel=1e-9), key


def by_golden_name(hrv: dict[str, Any]) -> dict[str, Any]:
    """The document's hrv under golden.json's names."""
    found: dict[str, Any] = {
        "n_rejected": hrv["filtered"]["refused"],
        "longest_refused_run": hrv["filtered"]["longest_refused_run"],
    }
    names = {"n": "n", "differences": "n_diff", "nn50": "nn50", "mean_rr": "mean_rr_ms"}
    names |= {"rmssd": "rmssd_ms", "sdnn": "sdnn_ms", "pnn50": "pnn50_percent"}
    for prefix, series in (("", hrv), ("filtered_", hrv["filtered"])):
        found |= {prefix + theirs: series[ours] for ours, theirs in names.items()}
    return found


def test_intervals_by_hand() -> None:
    found = hrv([800, 850, 901, math.nan, 0, 880])
    assert (found["n"], found["differences"], found["nn50"]) == (4, 3, 1)
    assert found["rmssd"] == pytest.approx(math.sqrt((50**2 + 51**2 + 21**2) / 3))
    assert found["pnn50"] == pytest.approx(100 / 3)
    assert found["sdnn"] == pytest.approx(np.std([800, 850, 901, 880], ddof=1))
    assert found["filtered"]["n"] == 4


def test_the_filter_by_hand() -> None:
    # 1201 is just outside 20 % of 1000, 1200 inside; after three refusals 500 begins anew.
    found = hrv([1000, 1201, 1200, 500, 510, 2001, 500, 505])["filtered"]
    assert (found["n"], found["refused"], found["longest_refused_run"]) == (4, 4, 3)
    assert found["differences"] == 1
    assert found["rmssd"] == pytest.approx(5)
    out_of_range = hrv([299, 300, 2000, 299, 299, 2000])["filtered"]
    assert (out_of_range["n"], out_of_range["refused"]) == (2, 4)


def test_without_intervals_there_is_a_reason() -> None:
    frame = fold("imu", {"t": [0, 10], **{name: [value] * 2 for name, value in G.items()}})
    values, notes = frame.values(True)
    assert values["hrv"] is None
    assert "no intervals" in next(n["reason"] for n in notes if n["key"] == "hrv")
    one = hrv([700])
    assert (one["n"], one["rmssd"], one["sdnn"], one["pnn50"]) == (1, None, None, None)


# Accelerations


def plain(t: list[int], rows: list[tuple[float, float, float]], max_gap: int) -> dict[str, Any]:
    """Player load and impacts as the dictionary words them, over all rows at once."""
    blocks: dict[int, list[tuple[int, tuple[float, float, float]]]] = defaultdict(list)
    for time, row in zip(t, rows, strict=True):
        blocks[time // 10].append((time, row))
    means = []
    for found in blocks.values():
        axes = zip(*(row for _, row in found), strict=True)
        mean = [sum(axis) / len(found) for axis in axes]
        means.append((found[0][0], found[-1][0], mean))
    load, peaks, run = [0.0, 0.0, 0.0, 0.0], [], []
    for i, (first, _, mean) in enumerate(means):
        contiguous = i > 0 and first - means[i - 1][1] <= max_gap
        if contiguous:
            step = [a - b for a, b in zip(mean, means[i - 1][2], strict=True)]
            load[0] += math.hypot(*step) / 100
            for axis in range(3):
                load[axis + 1] += abs(step[axis]) / 100
        if run and not contiguous:
            peaks.append(max(run))
            run = []
        if math.hypot(*mean) > 2:
            run.append(math.hypot(*mean))
        elif run:
            peaks.append(max(run))
            run = []
    if run:
        peaks.append(max(run))
    steps = [b - a for a, b in pairwise(t) if b - a <= max_gap]
    rate = 1000 * len(steps) / sum(steps)
    return {"load": load, "peaks": peaks, "rate": rate, "minutes": sum(steps) / 60_000}


@pytest.mark.recordings
def test_a_phone_over_a_half_marathon(recordings: Path) -> None:
    found = accelerations(recordings / "imu" / "half_marathon_phone_accel.csv")
    start = int(found["t"][0])
    sport = registry().sport("soccer")
    resolved = resolve_parameters(sport, {"sport": "soccer"}, {}, {})
    frame = FrameFold(sport, resolved, start, int(found["t"][-1]) + 1)
    frame.advance(found, "imu")
    values, notes = frame.values(True)
    wanted = plain(
        found["t"].tolist(),
        list(zip(*(found[name].tolist() for name in ("ax", "ay", "az")), strict=True)),
        1000,
    )
    load, hits = values["player_load"], values["impacts"]
    ours = [load[name] for name in ("total", "x", "y", "z")]
    np.testing.assert_allclose(ours, wanted["load"], rtol=1e-9)
    assert load["rate"] == pytest.approx(wanted["rate"], rel=1e-12)
    assert load["per_minute"] == pytest.approx(wanted["load"][0] / wanted["minutes"], rel=1e-9)
    assert hits["count"] == len(wanted["peaks"])
    assert hits["highest"] == pytest.approx(max(wanted["peaks"]), rel=1e-12)
    assert sum(band["count"] for band in hits["bands"]) == hits["count"]
    reasons = [note["reason"] for note in notes if note["key"] == "player_load"]
    assert any("not comparable" in reason for reason in reasons) == (load["rate"] < 95)


def test_load_by_hand() -> None:
    # 200 Hz: two rows a block; block means 1, 1.5, 1.5 g along z, then a gap.
    t = [0, 5, 10, 15, 20, 25, 5000, 5005]
    az = [0.9, 1.1, 1.4, 1.6, 1.5, 1.5, 9.0, 9.0]
    zeros = [0.0] * len(t)
    values = fold("imu", {"t": t, "ax": zeros, "ay": zeros, "az": az}).values(True)[0]
    load = values["player_load"]
    assert load["total"] == load["z"] == pytest.approx(0.005)
    assert (load["x"], load["y"]) == (0, 0)
    assert load["rate"] == pytest.approx(200)
    assert load["per_minute"] == pytest.approx(0.005 / (0.030 / 60))
    assert values["impacts"]["count"] == 1  # 9 g, after the gap
    bridged = fold("imu", {"t": t, "ax": zeros, "ay": zeros, "az": az}, max_gap=10)
    assert bridged.values(True)[0]["player_load"]["total"] == pytest.approx(0.08)


def test_an_impact_is_a_run_above_two_g() -> None:
    sizes = [1, 2, 2.5, 4.5, 3, 2, 2.1, 1, 9]
    t = [10 * i for i in range(len(sizes))]
    zeros = [0.0] * len(t)
    values = fold("imu", {"t": t, "ax": sizes, "ay": zeros, "az": zeros}).values(True)[0]
    hits = values["impacts"]
    assert (hits["count"], hits["highest"], hits["threshold"]) == (3, 9, 2)
    assert [band["count"] for band in hits["bands"]] == [1, 0, 1, 0, 1]
    quiet = fold("imu", {"t": t, "ax": zeros, "ay": zeros, "az": [1.0] * len(t)}).values(True)[0]
    assert (quiet["impacts"]["count"], quiet["impacts"]["highest"]) == (0, None)


def test_rows_that_lack_an_axis_are_absent() -> None:
    columns = {"t": [0, 10, 20], "ax": [0, 5, 0], "ay": [0, math.nan, 0], "az": [1, 1, 1]}
    values = fold("imu", columns).values(True)[0]
    assert values["player_load"]["total"] == 0
    values, notes = fold("imu", {"t": [0], **{k: [v] for k, v in G.items()}}).values(True)
    assert values["player_load"] is None
    assert any(n["key"] == "player_load" and "one block" in n["reason"] for n in notes)
