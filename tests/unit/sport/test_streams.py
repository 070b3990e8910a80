"""Streams beside the samples: their kernels, their bookkeeping, and metrics of all rows at once."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest

from core.sport import Batch, Derived, Fold, Kernel, MetricError, Reading, Sport, SportError
from core.sport.codes import CODES, EVENTS, STROKES, label
from core.sport.columns import STREAM_ROWS, rows_of
from core.sport.dictionary import _entry
from core.sport.document import digest
from core.sport.parameters import kernels_of, resolve_parameters, streams_of
from core.sport.registry import check_sport, registry
from core.sport.runner import FrameFold
from tests.unit.sport.samples import END, START, Samples, cut, walk

SOCCER = registry().sport("soccer")
SUM = np.dtype([("n", "<i8"), ("sum", "<f8"), ("last_t", "<i8")])


def sum_first_row(t, cols, n, state, out) -> int:
    """A kernel in plain Python: rows, sum of the first of them, time of the last."""
    for i in range(n):
        state[0]["n"] += 1
        state[0]["sum"] += cols[0, i]
        state[0]["last_t"] = t[i]
    return 0


def longest_beat(columns: Mapping[str, np.ndarray], reading: Reading) -> Any:
    if not len(columns["t"]):
        return reading.absent("no beats")
    at = int(np.nanargmax(columns["rr"]))
    return {"rr": float(columns["rr"][at]), "start_time": int(columns["t"][at])}


def fails_on_purpose(columns: Mapping[str, np.ndarray], reading: Reading) -> Any:
    raise ZeroDivisionError("made to fail")


def _init(values: Mapping[str, Any], start: int, state: Any) -> None:
    state["last_t"] = start


def _kernel(stream: str) -> Kernel:
    return Kernel(
        name=f"sum_{stream}",
        function=f"{__name__}:sum_first_row",
        version=1,
        state=SUM,
        init=_init,
        stream=stream,
    )


ENTRY: dict[str, Any] = {
    "version": 1,
    "unit": "1",
    "title": "t",
    "definition": "d",
    "boundary": "b",
    "citation": "c",
    "grade": "D",
}
TOTALS = tuple(
    Fold(
        key=f"{stream}_sum",
        kernel=_kernel(stream),
        output=lambda reading: [int(reading.state["n"]), float(reading.state["sum"])],
        **ENTRY,
    )
    for stream in STREAM_ROWS
)
LONGEST = Batch(
    key="longest_beat",
    function=f"{__name__}:longest_beat",
    stream="rr",
    inputs=("rr",),
    **ENTRY,
)


def with_metrics(*metrics: Any) -> Sport:
    fields = {name: getattr(SOCCER, name) for name in SOCCER.__dataclass_fields__}
    return check_sport(Sport(**{**fields, "metrics": (*SOCCER.metrics, *metrics)}))


SPORT = with_metrics(*TOTALS, LONGEST)
RESOLVED = resolve_parameters(SPORT, {"sport": "soccer"}, {}, {})


def fold(sport: Sport = SPORT) -> FrameFold:
    return FrameFold(sport, RESOLVED, START, END)


def rows(stream: str, n: int, step: int = 700, seed: int = 1) -> Samples:
    rng = np.random.default_rng(seed)
    t = START + np.cumsum(rng.integers(1, step, n))
    return {"t": t, **{name: rng.integers(0, 900, n).astype(float) for name in rows_of(stream)}}


def test_codes_are_whole_numbers_with_one_name_each() -> None:
    for table in CODES.values():
        assert len(set(table.values())) == len(table)
        assert all(0 <= code < 2**31 for code in table.values())
    assert (STROKES["butterfly"], EVENTS["lap"]) == (3, 9)  # FIT's
    assert label("stroke_type", 1.0) == "backstroke"
    assert label("event", 999.0) is None
    assert set(CODES) <= {name for names in STREAM_ROWS.values() for name in names}


def test_each_stream_goes_its_own_way() -> None:
    """Whatever the order in which streams are fed, and however they are cut: the same bytes."""
    given = {stream: rows(stream, 40, seed=i) for i, stream in enumerate(STREAM_ROWS)}
    given["samples"] = walk(5, 60)
    whole = fold()
    for stream, columns in given.items():
        whole.advance(columns, stream)
    assert whole.counts == {"samples": 60, **dict.fromkeys(STREAM_ROWS, 40)}
    assert whole.last("rr") == int(given["rr"]["t"][-1])
    for order in list(permutations(given))[::17]:
        pieces = fold()
        for size in (0, 13, 27, 60):
            for stream in order:
                pieces = FrameFold.restore(SPORT, RESOLVED, START, END, pieces.snapshot())
                following = {0: 13, 13: 27, 27: 60}.get(size, 60)
                pieces.advance(cut(given[stream], size, following), stream)
        assert pieces.snapshot() == whole.snapshot()
    values, _ = whole.values(True)
    assert values["lengths_sum"] == [40, given["lengths"]["duration"].sum()]


def test_late_rows_are_counted_by_stream() -> None:
    beats, samples = rows("rr", 30), walk(2, 40)
    frame = fold()
    frame.advance(samples)
    frame.advance(cut(beats, 0, 20), "rr")
    frame.advance(cut(beats, 15, 30), "rr")
    assert (frame.counts["rr"], frame.passed["rr"].late, frame.n_late) == (30, 5, 0)
    outside = {"t": np.array([START - 1, END]), "rr": np.array([1.0, 1.0])}
    frame.advance(outside, "rr")
    assert frame.counts["rr"] == 30


def test_rows_without_samples_make_a_document() -> None:
    frame = fold()
    assert frame.document(True)["rr_sum"] is None
    frame.advance(rows("rr", 30), "rr")
    document = frame.document(True)
    assert document["rr_sum"][0] == 30
    assert document["total_distance"] is None
    assert document["first_timestamp"] is None
    assert document["quality"]["level"] == "poor"
    assert document["quality"]["reasons"] == ["no samples"]
    assert document["digest"] == digest(document)
    noted = {note["key"] for note in document["notes"]}
    assert {"total_distance", "first_timestamp", "last_timestamp"} <= noted


@pytest.mark.parametrize("name", list(registry().sports))
def test_every_sport_can_show_a_frame_without_samples(name: str) -> None:
    sport = registry().sport(name)
    resolved = resolve_parameters(sport, {"sport": name}, {"max_hr": 190}, {})
    frame = FrameFold(with_metrics_of(sport), resolved, START, END)
    frame.advance(rows("rr", 30), "rr")
    document = frame.document(True)
    assert document["quality"]["level"] == "poor"
    assert set(document) >= {metric.key for metric in sport.metrics}


def with_metrics_of(sport: Sport) -> Sport:
    fields = {name: getattr(sport, name) for name in sport.__dataclass_fields__}
    return check_sport(Sport(**{**fields, "metrics": (*sport.metrics, TOTALS[0])}))


def test_a_stream_that_nothing_reads_is_passed_over() -> None:
    of_samples = [
        m for m in SOCCER.metrics if not isinstance(m, Fold) or m.kernel.stream == "samples"
    ]
    only_beats = replace_metrics(SOCCER, (*of_samples, TOTALS[0]))
    assert streams_of(only_beats) == ("samples", "rr")
    frame = FrameFold(only_beats, RESOLVED, START, END)
    before = frame.snapshot()
    frame.advance(rows("imu", 10), "imu")
    assert frame.snapshot() == before
    with pytest.raises(ValueError, match="no stream is called ecg"):
        frame.advance(rows("rr", 1), "ecg")


def test_kernels_of_the_samples_come_first() -> None:
    mixed = with_metrics(*TOTALS)
    reordered = replace_metrics(mixed, (*TOTALS, *SOCCER.metrics))
    streams = [kernel.stream for kernel in kernels_of(reordered)]
    assert streams == sorted(streams, key=["samples", *STREAM_ROWS].index)
    assert kernels_of(reordered)[0].name == "track"


def replace_metrics(sport: Sport, metrics: tuple[Any, ...]) -> Sport:
    fields = {name: getattr(sport, name) for name in sport.__dataclass_fields__}
    return Sport(**{**fields, "metrics": metrics})


# All rows at once


def test_batch_metrics_stand_until_the_next_run() -> None:
    beats = rows("rr", 50)
    frame = fold()
    frame.advance(walk(1, 30))
    assert not frame.batched
    waiting = frame.document(False)
    assert waiting["longest_beat"] is None
    assert "at most once a minute" in _reason(waiting, "longest_beat")
    frame.batch({"rr": cut(beats, 0, 20)})
    assert frame.batched
    first = frame.document(False)["longest_beat"]
    assert first["rr"] == beats["rr"][:20].max()
    frame.advance(beats, "rr")
    assert frame.document(False)["longest_beat"] == first
    frame.batch({"rr": beats})
    assert frame.document(True)["longest_beat"]["rr"] == beats["rr"].max()
    frame.batch({})
    assert _reason(frame.document(True), "longest_beat") == "no beats"


def _reason(document: dict[str, Any], key: str) -> str:
    return next(note["reason"] for note in document["notes"] if note["key"] == key)


def test_batch_functions_see_the_frame_only_and_every_input() -> None:
    frame = fold()
    t = np.array([START - 5, START, START + 9, END])
    frame.batch({"rr": {"t": t, "rr": np.array([9e9, 700.0, 800.0, 9e9])}})
    assert frame.values(True)[0]["longest_beat"] == {"rr": 800.0, "start_time": START + 9}


def test_derived_metrics_may_need_batch_ones() -> None:
    derived = Derived(
        key="longest_seconds",
        needs=("longest_beat",),
        function=lambda of, reading: of["longest_beat"]["rr"] / 1000,
        **ENTRY,
    )
    frame = FrameFold(with_metrics(derived, LONGEST), RESOLVED, START, END)
    frame.batch({"rr": {"t": np.array([START]), "rr": np.array([640.0])}})
    assert frame.values(True)[0]["longest_seconds"] == 0.64


def test_a_raising_batch_function_names_its_metric() -> None:
    broken = replace(LONGEST, function=f"{__name__}:fails_on_purpose")
    frame = FrameFold(with_metrics(broken), RESOLVED, START, END)
    with pytest.raises(MetricError, match="longest_beat: ZeroDivisionError"):
        frame.batch({})


def test_the_dictionary_says_kind_and_stream() -> None:
    kinds = {m.key: _entry("soccer", m) for m in SPORT.metrics}
    assert (kinds["rr_sum"]["kind"], kinds["rr_sum"]["stream"]) == ("fold", "rr")
    assert kinds["rr_sum"]["inputs"] == ["rr"]
    assert (kinds["longest_beat"]["kind"], kinds["longest_beat"]["stream"]) == ("batch", "rr")
    assert kinds["hr_avg"]["stream"] == "samples"
    assert kinds["distance_per_minute"]["stream"] is None


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (replace(LONGEST, function="nothing"), "module:function"),
        (replace(LONGEST, inputs=()), "names its inputs"),
        (replace(LONGEST, inputs=("hr",)), "unknown channel"),
        (replace(LONGEST, stream="ecg"), "unknown stream"),
        (replace(LONGEST, params=("shoe_size",)), "shoe_size"),
        (replace(TOTALS[0], kernel=replace(TOTALS[0].kernel, stream="ecg")), "unknown stream"),
        (replace(TOTALS[0], kernel=replace(TOTALS[0].kernel, inputs=("hr",))), "unknown channel"),
    ],
)
def test_checks(metric: Any, reason: str) -> None:
    with pytest.raises(SportError, match=reason):
        with_metrics(metric)


def test_cuts_leave_no_trace_in_streams() -> None:
    beats = rows("rr", 200)
    whole, pieces = fold(), fold()
    whole.advance(beats, "rr")
    for low, high in pairwise([0, 1, 8, 18, 199, 200]):
        pieces.advance(cut(beats, low, high), "rr")
    assert pieces.snapshot() == whole.snapshot()
    assert pieces.document(False)["digest"] == whole.document(True)["digest"]
