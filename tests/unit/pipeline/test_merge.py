"""The merge job on both databases: levels, late samples, crashes, two at once."""

import threading
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from core.models.db import Database
from core.models.samples import SampleBlock, SampleTail, UplinkBatch
from core.pipeline import merge, store
from core.pipeline.columns import between
from tests.unit.pipeline.samples import T0, new_device, player, rows, same, send

BUSY, QUIET = T0, T0 + merge.QUIET


@pytest.fixture
def device(db: Database) -> int:
    return new_device(db)


def levels(db: Database, device: int) -> list[tuple[int, int]]:
    """(level, samples) of the parts in order of time."""
    parts = db.read(lambda s: store.parts_of(s, device, "samples", 0, 2**50))
    return [(part.level, part.n) for part in parts]


def everything(db: Database, device: int) -> dict[str, Any]:
    return db.read(lambda s: store.read(s, device, "samples", 0, 2**50))


def stream(db: Database, device: int, whole: Any, size: int = 100, first_seq: int = 1) -> int:
    """Send ``whole`` in batches of ``size`` samples."""
    for at in range(0, len(whole["t"]), size):
        batch = {name: values[at : at + size] for name, values in whole.items()}
        send(db, device, first_seq + at // size, batch)
    return first_seq + len(whole["t"]) // size


def test_levels_grow_while_the_device_sends(db: Database, device: int) -> None:
    whole = player(8_000)
    sent = 0
    for upto, expected in (
        (500, [(0, 100)] * 5),
        (700, [(1, 700)]),
        (900, [(1, 700), (0, 100), (0, 100)]),
        (6_100, [(2, 6_100)]),
        (6_800, [(2, 6_100), (1, 700)]),
    ):
        part = between(whole, T0 + sent * 100, T0 + upto * 100)
        stream(db, device, part, first_seq=sent // 100 + 1)
        sent = upto
        merge.merge_device(db, device, "samples", BUSY)
        assert levels(db, device) == expected
        same(everything(db, device), between(whole, T0, T0 + upto * 100))
    assert merge.merge_device(db, device, "samples", BUSY) == 0
    assert merge.merge_device(db, device, "samples", QUIET) == 2
    assert levels(db, device) == [(3, 6_800)]


def test_a_full_hour_is_sealed(db: Database, device: int) -> None:
    whole = player(37_200)
    stream(db, device, whole, 600)
    merge.merge_device(db, device, "samples", BUSY)
    assert levels(db, device) == [(3, 36_000), (1, 1_200)]
    same(everything(db, device), whole)


def test_a_gap_seals_what_is_before_it(db: Database, device: int) -> None:
    before, after = player(200), player(200, T0 + 20_000 + 300_001, seed=1)
    stream(db, device, before)
    stream(db, device, after, first_seq=9)
    merge.merge_device(db, device, "samples", BUSY)
    assert levels(db, device) == [(3, 200), (0, 100), (0, 100)]


def test_a_sealed_piece_grows_when_the_device_comes_back(db: Database, device: int) -> None:
    whole = player(1_000)
    stream(db, device, between(whole, T0, T0 + 50_000))
    merge.merge_device(db, device, "samples", QUIET)
    stream(db, device, between(whole, T0 + 50_000, T0 + 100_000), first_seq=50)
    merge.merge_device(db, device, "samples", QUIET)
    assert levels(db, device) == [(3, 1_000)]
    same(everything(db, device), whole)


def test_late_and_duplicate_samples_settle_for_good(db: Database, device: int) -> None:
    whole = player(3_000)
    stream(db, device, whole)
    merge.merge_device(db, device, "samples", QUIET)
    late = between(player(3_000, seed=9), T0 + 10_050, T0 + 20_050)
    late["t"] = late["t"] - 50  # half on the clock of the others, half between
    late["t"][::2] += 50
    late.pop("ecg.hr")
    send(db, device, 500, late)
    expected = rows(whole) | rows(late)
    assert rows(everything(db, device)) == expected
    merge.merge_device(db, device, "samples", QUIET)
    assert levels(db, device) == [(3, len(expected))]
    assert rows(everything(db, device)) == expected
    assert db.read(lambda s: store.count(s, device, 0, 2**50)) == len(expected)


def test_a_correction_of_a_correction(db: Database, device: int) -> None:
    base = player(50)
    for seq, value in enumerate((1.0, 2.0, 3.0), start=1):
        send(db, device, seq, base | {"gnss.speed": np.full(50, value)})
        if seq == 2:
            merge.merge_device(db, device, "samples", QUIET)
        assert set(everything(db, device)["gnss.speed"]) == {value}
    merge.merge_device(db, device, "samples", QUIET)
    assert set(everything(db, device)["gnss.speed"]) == {3.0}


def test_an_import_over_an_import(db: Database, device: int) -> None:
    whole = player(40_000)
    for seq in (1, 2):
        db.write(
            lambda s, seq=seq: store.append_blocks(s, device, seq, store.seal({"samples": whole}))
        )
    merge.merge_device(db, device, "samples", QUIET)
    assert levels(db, device) == [(3, 36_000), (3, 4_000)]
    same(everything(db, device), whole)


def test_an_import_alone_is_not_written_again(db: Database, device: int) -> None:
    db.write(lambda s: store.append_blocks(s, device, 1, store.seal({"samples": player(1_000)})))
    before = db.read(lambda s: s.execute(select(SampleBlock.id, SampleBlock.checksum)).all())
    assert merge.merge_device(db, device, "samples", QUIET) == 1
    assert levels(db, device) == [(3, 1_000)]
    after = db.read(lambda s: s.execute(select(SampleBlock.id, SampleBlock.checksum)).all())
    assert after == before


def test_the_ledger_stays(db: Database, device: int) -> None:
    stream(db, device, player(1_000))
    ledger = select(UplinkBatch.seq, UplinkBatch.content_hash).order_by(UplinkBatch.seq)
    before = db.read(lambda s: s.execute(ledger).all())
    merge.merge_device(db, device, "samples", QUIET)
    assert db.read(lambda s: s.execute(ledger).all()) == before
    assert len(before) == 10
    assert db.read(lambda s: s.scalar(select(func.count()).select_from(SampleTail))) == 0


class Crash(Exception):
    pass


def test_a_crash_at_any_commit_loses_nothing(
    db: Database, device: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = player(1_500)
    whole["t"][1_000:] += 400_000  # two groups: two commits
    stream(db, device, whole)
    real = db.write
    for survived in (0, 1):
        calls = iter(range(10))

        def write(work: Any, calls: Any = calls, survived: int = survived) -> Any:
            if next(calls) < survived:
                return real(work)

            def die(session: Any) -> None:
                work(session)
                session.flush()
                raise Crash

            return real(die)

        monkeypatch.setattr(db, "write", write)
        with pytest.raises(Crash):
            merge.merge_device(db, device, "samples", QUIET)
        same(everything(db, device), whole)
    monkeypatch.setattr(db, "write", real)
    merge.merge_device(db, device, "samples", QUIET)
    assert levels(db, device) == [(3, 1_000), (3, 500)]
    same(everything(db, device), whole)


def test_two_jobs_and_a_writer_at_once(db: Database, device: int) -> None:
    whole = player(6_000)
    stream(db, device, between(whole, T0, T0 + 300_000))
    failures: list[BaseException] = []
    seen: list[int] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    def merging() -> None:
        for turn in range(8):
            merge.merge_device(db, device, "samples", QUIET if turn % 2 else BUSY)

    def reading() -> None:
        seen.extend(len(everything(db, device)["t"]) for _ in range(20))

    def writing() -> None:
        stream(db, device, between(whole, T0 + 300_000, T0 + 600_000), first_seq=100)

    threads = [
        threading.Thread(target=run, args=(w,)) for w in (merging, merging, reading, writing)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert min(seen) >= 3_000
    assert seen == sorted(seen)
    merge.merge_device(db, device, "samples", QUIET)
    assert levels(db, device) == [(3, 6_000)]
    same(everything(db, device), whole)


def test_a_part_that_is_gone_gives_the_rewrite_up(db: Database, device: int) -> None:
    whole = player(600)
    stream(db, device, between(whole, T0, T0 + 30_000))
    parts, quiet = db.read(lambda s: merge._facts(s, device, "samples", QUIET))
    stale = merge.plan(parts, quiet)
    assert len(stale) == 1
    merge.merge_device(db, device, "samples", QUIET)
    assert merge._rewrite(db, device, "samples", stale[0]) == 0
    same(everything(db, device), between(whole, T0, T0 + 30_000))
    # SQLite gives the ids of the rows that were merged to the next ones.
    stream(db, device, between(whole, T0 + 30_000, T0 + 60_000), first_seq=9)
    assert merge._rewrite(db, device, "samples", stale[0]) == 0
    same(everything(db, device), whole)


def test_ids_of_deleted_rows_belong_to_others(
    db: Database, device: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a job's reading and its commit another job merges, and new rows take the ids."""
    whole = player(600)
    stream(db, device, between(whole, T0, T0 + 30_000))
    real = merge._merged

    def slow(*args: Any) -> Any:
        monkeypatch.setattr(merge, "_merged", real)
        merge.merge_device(db, device, "samples", QUIET)
        stream(db, device, between(whole, T0 + 30_000, T0 + 60_000), first_seq=9)
        return real(*args)

    monkeypatch.setattr(merge, "_merged", slow)
    assert merge.merge_device(db, device, "samples", QUIET) == 0
    same(everything(db, device), whole)


def test_neighbours_by_number_are_merged_at_the_same_moments() -> None:
    for at in (BUSY, BUSY + 29_999, BUSY + 30_001):
        moments = {merge.next_due(device, at) for device in range(16, 32)}
        assert len(moments) == 1
        assert merge.AGAIN // 2 <= moments.pop() - at < 1.5 * merge.AGAIN
    assert merge.next_due(16, BUSY) % merge.AGAIN != merge.next_due(32, BUSY) % merge.AGAIN
