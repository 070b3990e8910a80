"""The acceptor's writer: what is acknowledged is committed, and a repeat is answered as before."""

import threading
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from core.errors import Conflict, NotFound, Unavailable
from core.models import (
    Activity,
    Device,
    JsonSchema,
    Outbox,
    SampleTail,
    TimeFrame,
    UplinkBatch,
    User,
)
from core.models.db import Database
from core.pipeline import store, uplink
from core.pipeline.writer import Writer

T0 = 1590868800000


def batch(
    name: str, start: int = T0, rows: int = 10, sent: int | None = None, n: int | None = None
) -> uplink.Batch:
    body: dict[str, Any] = {
        "n": n,
        "batch": name,
        "columns": {
            "gnss.timestamp": [start + 100 * k for k in range(rows)],
            "gnss.speed": [1.0 + k / 10 for k in range(rows)],
        },
    }
    if sent is not None:
        body["sent"] = sent
    return uplink.parse(orjson.dumps(body), now=T0 + 10**9)


@pytest.fixture
def devices(db: Database) -> Database:
    def fill(session: Any) -> None:
        for k in (1, 2, 3):
            session.add(Device(id=k, device_name=f"d{k}", serial_number=str(k)))

    db.write(fill)
    return db


@pytest.fixture
def writer(devices: Database) -> Iterator[Writer]:
    writer = Writer(devices)
    yield writer
    writer.close()


def test_an_acknowledged_batch_is_stored(writer: Writer, db: Database) -> None:
    answer = writer.submit(1, batch("a"), received=T0)
    assert answer == {"batch": "a", "accepted": 10, "duplicate": False, "offset_ms": None}
    columns = db.read(lambda s: store.read(s, 1, "samples", 0, 2 * T0))
    assert columns["t"].tolist() == [T0 + 100 * k for k in range(10)]
    assert columns["gnss.speed"].tolist() == [1.0 + k / 10 for k in range(10)]


def test_a_device_keeps_the_newest_battery_level_that_it_told(writer: Writer, db: Database) -> None:
    def told(name: str, start: int, levels: list[float | None]) -> int | None:
        times = [start + 100 * k for k in range(len(levels))]
        body = {"batch": name, "columns": {"gnss.timestamp": times, "device.Bat_lvl": levels}}
        writer.submit(1, uplink.parse(orjson.dumps(body), now=T0 + 10**9), received=T0)
        return db.read(lambda s: s.get_one(Device, 1).battery)

    assert told("a", T0, [81.0, 79.6, None]) == 80
    assert told("late", T0 - 60_000, [95.0]) == 80
    assert told("silent", T0 + 60_000, [None, None]) == 80
    assert told("wrong", T0 + 120_000, [42.0, 400.0]) == 42


def test_a_repeat_gets_the_first_answer_and_stores_nothing(writer: Writer, db: Database) -> None:
    first = writer.submit(1, batch("a", sent=T0 + 250), received=T0)
    again = writer.submit(1, batch("a", sent=T0 + 9000), received=T0 + 5000)
    assert again == {**first, "duplicate": True}
    assert db.read(lambda s: s.query(SampleTail).count()) == 1
    assert db.read(lambda s: s.query(UplinkBatch).one().repeats) == 1


def test_the_same_id_with_other_content_is_a_conflict(writer: Writer) -> None:
    writer.submit(1, batch("a"), received=T0)
    with pytest.raises(Conflict, match="'a'"):
        writer.submit(1, batch("a", rows=9), received=T0)
    assert writer.submit(2, batch("a", rows=9), received=T0)["accepted"] == 9


def test_an_unknown_device_does_not_spoil_the_others(writer: Writer) -> None:
    with pytest.raises(NotFound):
        writer.submit(99, batch("a"), received=T0)
    assert writer.submit(1, batch("a"), received=T0)["accepted"] == 10


def test_numbers_rise_without_gaps_whoever_sends_together(writer: Writer, db: Database) -> None:
    def send(device: int, k: int) -> None:
        writer.submit(device, batch(f"b{k}", T0 + 1000 * k), received=T0)

    threads = [
        threading.Thread(target=send, args=(device, k)) for device in (1, 2, 3) for k in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for device in (1, 2, 3):
        seqs = db.read(
            lambda s, d=device: [b.seq for b in s.query(UplinkBatch).filter_by(device_id=d)]
        )
        assert sorted(seqs) == list(range(1, 21))


def test_two_processes_share_one_device(devices: Database) -> None:
    """Two writers, as two web processes have: the device row's lock orders them."""
    writers = [Writer(devices), Writer(devices)]
    threads = [
        threading.Thread(target=writers[k % 2].submit, args=(1, batch(f"b{k}", T0 + 1000 * k), T0))
        for k in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for writer in writers:
        writer.close()
    seqs = devices.read(lambda s: [b.seq for b in s.query(UplinkBatch)])
    assert sorted(seqs) == list(range(1, 21))


def test_the_offset_is_the_median_of_what_the_device_said(writer: Writer) -> None:
    for k, difference in enumerate((200, 300, 100_000)):
        answer = writer.submit(1, batch(f"b{k}", T0 + 1000 * k, sent=T0 + difference), received=T0)
    assert answer["offset_ms"] == 300


def test_late_samples_are_counted_on_arrival(writer: Writer, db: Database) -> None:
    writer.submit(1, batch("new", T0 + 1000), received=T0)
    writer.submit(1, batch("old", T0 + 600), received=T0)  # rows .6 to 1.5: all before the newest
    writer.submit(1, batch("ahead", T0 + 1500), received=T0)  # 1.5 to 1.9 are late, 2.0 on are new
    late = db.read(lambda s: {b.batch: b.late for b in s.query(UplinkBatch)})
    assert late == {"new": 0, "old": 10, "ahead": 5}


def test_a_batch_owes_a_tick_of_the_activities_it_touches(writer: Writer, db: Database) -> None:
    def fill(session: Any) -> None:
        session.add(User(id=1, username="m", role="MANAGER", created=0))
        session.add(JsonSchema(id=1, name="s", type="ACTIVITY", sport="soccer", schema={}))
        session.flush()
        for k, (start, stop) in enumerate([(T0, T0 + 500), (T0 + 5000, T0 + 9000)], start=1):
            session.add(Activity(id=k, name="a", json={}, json_schema_id=1, owner_id=1, created=0))
            session.flush()
            session.add(
                TimeFrame(
                    start_time=start,
                    end_time=stop,
                    params={},
                    device_id=1,
                    activity_id=k,
                    athlete_id=1,
                    owner_id=1,
                    json_schema_id=1,
                )
            )

    db.write(fill)
    rung = []
    db.wake = lambda: rung.append(1)
    writer.submit(1, batch("a"), received=T0)
    owed = db.read(lambda s: {(o.topic, o.key) for o in s.query(Outbox)})
    assert owed == {("tick", "1"), ("merge", "1")}
    assert rung


def test_numbers_rise_with_the_commits(writer: Writer, db: Database) -> None:
    def last() -> int:
        return db.read(lambda s: s.get(Device, 1).last_number)

    assert last() == 0
    writer.submit(1, batch("a", n=3), received=T0)
    writer.submit(1, batch("unnumbered", T0 + 1000), received=T0)
    writer.submit(1, batch("b", n=7), received=T0)
    assert last() == 7
    for number in (1, 3, 5, 7):
        with pytest.raises(Conflict, match="not above 7") as refused:
            writer.submit(1, batch("c", T0 + 5000, n=number), received=T0)
        assert refused.value.errors[0]["pointer"] == "/n"
    writer.submit(2, batch("c", n=1), received=T0)  # another device counts for itself
    assert last() == 7
    numbers = db.read(
        lambda s: [(b.seq, b.number) for b in s.query(UplinkBatch).filter_by(device_id=1)]
    )
    assert sorted(numbers) == [(1, 3), (2, None), (3, 7)]


def test_a_repeat_is_known_by_its_id_whatever_its_number(writer: Writer, db: Database) -> None:
    writer.submit(1, batch("a", n=3), received=T0)
    for number in (2, 3, None, 9):
        assert writer.submit(1, batch("a", n=number), received=T0)["duplicate"] is True
    # What was acknowledged under 9 is not asked for again.
    assert db.read(lambda s: s.get(Device, 1).last_number) == 9
    with pytest.raises(Conflict, match="other content"):
        writer.submit(1, batch("a", rows=3, n=10), received=T0)
    assert db.read(lambda s: s.get(Device, 1).last_number) == 9


def test_at_equal_times_the_highest_number_wins(writer: Writer, db: Database) -> None:
    for number, speed in ((1, 1.0), (4, 4.0), (6, 6.0)):
        body = {
            "batch": f"b{number}",
            "n": number,
            "columns": {"gnss.timestamp": [T0], "gnss.speed": [speed]},
        }
        writer.submit(1, uplink.parse(orjson.dumps(body), now=T0), received=T0)
    assert db.read(lambda s: store.read(s, 1, "samples", 0, 2 * T0))["gnss.speed"].tolist() == [6.0]


def test_what_follows_a_lost_batch_is_lost_with_it(devices: Database) -> None:
    """Or its number would bar the way for the repeat of the one before."""
    commits = iter([RuntimeError("the disk is full"), None, None])

    def run(work: Any) -> Any:
        if error := next(commits):
            raise error
        return work()

    devices.run_writes = run
    writer = Writer(devices)
    first = writer.put(1, batch("a", n=1), T0)
    with pytest.raises(Unavailable):
        first.result()
    second = writer.put(1, batch("b", n=2), T0, after=first)
    with pytest.raises(Unavailable):
        second.result()
    assert writer.submit(1, batch("a", n=1), T0)["duplicate"] is False
    assert devices.read(lambda s: s.get(Device, 1).last_number) == 1
    writer.close()


def test_a_refused_commit_is_an_error_and_no_acknowledgement(devices: Database) -> None:
    def refuse(work: Any) -> Any:
        raise RuntimeError("the disk is full")

    writer = Writer(devices)
    devices.run_writes = refuse
    with pytest.raises(Unavailable):
        writer.submit(1, batch("a"), received=T0)
    devices.run_writes = lambda work: work()
    assert writer.submit(1, batch("a"), received=T0)["duplicate"] is False
    writer.close()
