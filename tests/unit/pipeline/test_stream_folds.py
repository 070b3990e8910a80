"""Beats, lengths, accelerations in computations: live, late, refolded; metrics of all rows."""

import random
import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import numpy as np
import orjson
import pytest

from core.models import ComputeState, Device, TimeFrame, UplinkBatch
from core.models.db import Database
from core.pipeline import columns, compute, folding, frames, uplink
from core.pipeline.writer import Writer
from core.sport import hookimpl
from core.sport.columns import STREAM_ROWS
from core.sport.hooks import GROUP
from core.sport.registry import Registry, registry
from tests.unit.sport.test_streams import SPORT

from . import world
from .world import T0, Clock

Rows = dict[str, list[Any]]


def beats(n: int = 80, seed: int = 1, ahead: int = 0) -> Rows:
    """Intervals from T0, each stamped with the time of its beat."""
    rng = np.random.default_rng(seed)
    rr = rng.integers(640, 820, n)
    return {"timestamp": (T0 + ahead + np.cumsum(rr)).tolist(), "rr": rr.tolist()}


def part(rows: Rows, low: int, high: int | None) -> Rows:
    return {name: values[low:high] for name, values in rows.items()}


def send(writer: Writer, name: str, samples: Rows | None = None, **streams: Rows) -> None:
    body: dict[str, Any] = {"batch": name, "streams": streams}
    if samples is not None:
        body["columns"] = samples
    batch = uplink.parse(orjson.dumps(body), now=T0 + 10**9)
    writer.submit(1, batch, T0)


def document(db: Database) -> dict[str, Any]:
    return world.editions(db)[-1]


def of_one_fold(db: Database) -> dict[str, Any]:
    compute.refold(db, registry(), 1)
    return document(db)


def test_the_tables_agree() -> None:
    assert {stream: tuple(known) for stream, known in columns.STREAMS.items()} == STREAM_ROWS


@pytest.mark.parametrize("keep_hot", [True, False])
def test_live_equals_final(filled: Database, writer: Writer, clock: Clock, keep_hot: bool) -> None:
    """Samples and beats in batches of a second; beats always some seconds behind."""
    hot: compute.Hot = {}
    samples, rr = world.run(), beats()
    stamps = np.array(rr["timestamp"])
    for low in range(0, 600, 100):
        until, since = T0 + 100 * (low + 100), T0 + 100 * low
        told = np.flatnonzero((stamps > since - 4000) & (stamps <= until - 4000))
        streams = {"rr": part(rr, told[0], told[-1] + 1)} if len(told) else {}
        send(writer, f"b{low}", part(samples, low, low + 100), **streams)
        compute.tick(filled, registry(), 1, hot=hot if keep_hot else None)
        assert not world.state(filled).dirty, "beats that lag behind the samples are not late"
        clock.at += 1000
    live = document(filled)
    assert live["hrv"]["n"] == live["input"]["streams"]["rr"] > 60
    assert live["quality"]["arrival"]["late"] == 0
    assert live["input"]["digest"] is None
    final = of_one_fold(filled)
    assert final["digest"] == live["digest"]
    assert final["input"]["streams"] == live["input"]["streams"]
    assert len(final["input"]["digest"]) == 64


def test_late_beats_refold_and_end_the_same(filled: Database, writer: Writer, clock: Clock) -> None:
    samples, rr = world.run(), beats()
    send(writer, "first", part(samples, 0, 300), rr=part(rr, 0, 30))
    compute.tick(filled, registry(), 1)
    send(writer, "second", part(samples, 300, 600), rr=part(rr, 40, 80))
    clock.at += 1000
    compute.tick(filled, registry(), 1)
    assert not world.state(filled).dirty
    send(writer, "late", rr=part(rr, 30, 40))
    clock.at += 1000
    compute.tick(filled, registry(), 1)
    assert world.state(filled).dirty
    assert document(filled)["hrv"]["n"] == 70
    clock.at += folding.REFOLD_EVERY
    compute.tick(filled, registry(), 1)
    assert not world.state(filled).dirty
    refolded = document(filled)
    assert refolded["hrv"]["n"] == 80
    assert refolded["quality"]["arrival"]["late"] == 10
    assert of_one_fold(filled)["digest"] == refolded["digest"]


def test_a_strap_that_was_away_catches_up(db: Database, clock: Clock) -> None:
    """Frames whose beats begin far apart: each is read from where its own go on."""
    world.fill(db, frames=2)
    writer, hot, samples = Writer(db), {}, world.run()

    def beat(device: int, name: str, rows: Rows) -> None:
        body = {"batch": name, "streams": {"rr": rows}}
        writer.submit(device, uplink.parse(orjson.dumps(body), now=T0 + 10**9), T0)

    minutes = {k: beats(80, seed=k, ahead=60_000 * k) for k in range(4)}
    for k, rows in minutes.items():
        for device in (1, 2):
            later = [T0 + 60_000 * k + 100 * i for i in range(50)]
            columns = {**part(samples, 0, 50), "gnss.timestamp": later}
            writer.submit(device, world.batch(f"s{k}", columns), T0)
        beat(1, f"b{k}", part(rows, 0, 60))
        if k == 3:
            for back in (0, 1, 2):
                beat(2, f"b{back}", part(minutes[back], 0, 60))
        assert compute.tick(db, registry(), 1, hot=hot) == 2
        clock.at += 60_000
    writer.close()
    live = {frame: world.editions(db, frame)[-1] for frame in (1, 2)}
    assert [live[frame]["hrv"]["n"] for frame in (1, 2)] == [240, 180]
    for frame in (1, 2):
        assert not world.state(db, frame).dirty
        compute.refold(db, registry(), frame)
        assert world.editions(db, frame)[-1]["digest"] == live[frame]["digest"]


def test_beats_alone_make_a_document(filled: Database, writer: Writer, clock: Clock) -> None:
    send(writer, "beats", rr=beats(40))
    assert compute.tick(filled, registry(), 1) == 1
    shown = document(filled)
    assert shown["hrv"]["n"] == 40
    assert shown["total_distance"] is None
    assert (shown["quality"]["level"], shown["input"]["samples"]) == ("poor", 0)
    assert of_one_fold(filled)["digest"] == shown["digest"]


def test_the_digest_of_the_input_covers_streams(
    filled: Database, writer: Writer, clock: Clock
) -> None:
    send(writer, "samples", world.run())
    without = of_one_fold(filled)["input"]["digest"]
    send(writer, "beats", rr=beats(40))
    some = of_one_fold(filled)["input"]["digest"]
    send(writer, "again", rr={**beats(1), "rr": [701]})
    other = of_one_fold(filled)["input"]["digest"]
    assert len({without, some, other}) == 3
    send(writer, "unused", lengths={"timestamp": [T0 + 5], "strokes": [12]})
    assert of_one_fold(filled)["input"]["digest"] == other


def test_streams_that_a_sport_does_not_read_change_nothing(
    filled: Database, writer: Writer, clock: Clock
) -> None:
    send(writer, "samples", world.run())
    compute.tick(filled, registry(), 1)
    before = document(filled)["digest"]
    lengths = {"timestamp": [T0 + 5, T0 + 6], "strokes": [12, 13]}
    send(writer, "a", lengths=part(lengths, 1, 2))
    send(writer, "b", lengths=part(lengths, 0, 1))
    clock.at += 1000
    compute.tick(filled, registry(), 1)
    assert not world.state(filled).dirty
    assert document(filled)["digest"] == before


def test_arrival_is_counted_by_stream(filled: Database, writer: Writer) -> None:
    send(writer, "a", part(world.run(), 100, 200), rr=beats(5))
    send(writer, "b", part(world.run(), 50, 120), rr=beats(5, ahead=60_000))
    send(writer, "c", rr=beats(5, ahead=-10_000))
    rows = filled.read(
        lambda s: [(b.late, b.samples_t0, b.spans) for b in s.query(UplinkBatch).order_by("seq")]
    )
    assert [late for late, *_ in rows] == [0, 70, 5]
    assert rows[2][1] is None
    assert rows[1][2]["rr"][0] == beats(5, ahead=60_000)["timestamp"][0]
    device = filled.read(lambda s: s.get_one(Device, 1))
    assert device.newest_t == T0 + 19_900
    assert device.newest["rr"] == rows[1][2]["rr"][1]


def test_news_tell_the_first_time_by_stream(filled: Database, writer: Writer) -> None:
    send(writer, "a", part(world.run(), 100, 110), rr=beats(5))
    send(writer, "b", part(world.run(), 50, 60), rr=beats(5, ahead=60_000))
    send(writer, "outside", rr=beats(5, ahead=-100_000), events={"timestamp": [T0], "value": [1]})
    (frame,) = filled.read(lambda s: frames.of_activity(s, 1))
    assert frame.news is not None
    first = {"samples": T0 + 5000, "rr": beats(1)["timestamp"][0], "events": T0}
    assert (dict(frame.news.t0), frame.news.batches) == (first, 3)


# Metrics of all rows at once


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Soccer with the sum of every stream and the longest beat, a batch metric."""
    module = ModuleType("made_with_batch")

    @hookimpl
    def sport() -> Any:
        return SPORT

    module.sport = sport  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    made = Registry((EntryPoint("soccer", module.__name__, GROUP),))
    assert list(made.sports) == ["soccer"], made.states()
    return made


def test_batch_metrics_are_run_once_a_minute(
    filled: Database, writer: Writer, clock: Clock, own: Registry
) -> None:
    hot: compute.Hot = {}
    rr = {"timestamp": [T0 + 1000 * k for k in range(1, 91)], "rr": list(range(700, 790))}
    seen = []
    for low in range(0, 90, 10):
        send(writer, f"b{low}", rr=part(rr, low, low + 10))
        compute.tick(filled, own, 1, hot=hot)
        seen.append(document(filled)["longest_beat"]["rr"])
        clock.at += 10_000
    assert seen == [709] * 6 + [769] * 3
    assert document(filled)["rr_sum"] == [90, sum(rr["rr"])]  # what folds is not behind


def test_batch_metrics_are_run_when_the_frame_has_ended(
    db: Database, clock: Clock, own: Registry
) -> None:
    world.fill(db, stop=T0 + 60_000)
    clock.at = T0 + 30_000
    writer = Writer(db)
    hot: compute.Hot = {}
    rr = {"timestamp": [T0 + 1000 * k for k in range(1, 60)], "rr": list(range(700, 759))}
    send(writer, "a", rr=part(rr, 0, 30))
    compute.tick(db, own, 1, hot=hot)
    assert document(db)["longest_beat"]["rr"] == 729
    clock.at = T0 + 61_000
    send(writer, "b", rr=part(rr, 30, 59))
    writer.close()
    compute.tick(db, own, 1, hot=hot)
    live = document(db)
    assert live["longest_beat"] == {"rr": 758.0, "start_time": T0 + 59_000}
    clock.at += compute.QUIET
    assert compute.close(db, own, 1)
    assert document(db)["digest"] == live["digest"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_batch_metrics_do_not_depend_on_the_order_of_arrival(
    filled: Database, writer: Writer, clock: Clock, own: Registry, seed: int
) -> None:
    """Cut, overlapping, shuffled, ticks between: each ends as one batch of everything does."""
    order = random.Random(seed)
    samples, rr = world.run(), beats()
    pieces = [{"rr": part(rr, low, low + 8 + order.randint(0, 3))} for low in range(0, 80, 8)]
    pieces += [{"samples": part(samples, low, low + 60)} for low in range(0, 600, 60)]
    order.shuffle(pieces)
    hot: compute.Hot = {}
    for number, piece in enumerate(pieces):
        send(
            writer,
            f"p{number}",
            piece.get("samples"),
            **{k: v for k, v in piece.items() if k == "rr"},
        )
        if order.random() < 0.4:
            clock.at += 1000
            compute.tick(filled, own, 1, hot=hot)
    compute.refold(filled, own, 1)
    shown = document(filled)
    assert shown["longest_beat"]["rr"] == max(rr["rr"])
    assert shown["input"]["samples"] == 600
    assert shown["input"]["streams"]["rr"] == 80
    # The same from an empty store.
    filled.write(lambda s: s.add(Device(id=2, device_name="d2", serial_number="2")))
    whole = {"batch": "whole", "columns": samples, "streams": {"rr": rr}}
    writer.submit(2, uplink.parse(orjson.dumps(whole), now=T0 + 10**9), T0)

    def move(session: Any) -> None:
        session.get_one(TimeFrame, 1).device_id = 2
        session.get_one(ComputeState, 1).seq = 0

    filled.write(move)
    compute.refold(filled, own, 1)
    assert document(filled)["digest"] == shown["digest"]
    assert document(filled)["input"] == shown["input"]
