"""Reading what was appended, on both databases."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from sqlalchemy import select, update

from core.models.db import Database
from core.models.samples import SampleBlock, SampleTail
from core.pipeline import blocks, store
from core.pipeline.blocks import CorruptBlock
from core.pipeline.columns import between
from tests.unit.pipeline.samples import T0, new_device, player, same, send

HOUR = 3_600_000


@pytest.fixture
def device(db: Database) -> int:
    return new_device(db)


def test_nothing_there(db: Database, device: int) -> None:
    def ask(session: Any) -> tuple[object, ...]:
        return (
            len(store.read(session, device, "samples", 0, 2**50)["t"]),
            list(store.read(session, device, "samples", 0, 2**50, ["ecg.hr"])),
            list(store.iter_read(session, device, "samples", 0, 2**50)),
            store.ranges(session, device, 0, 2**50),
            store.count(session, device, 0, 2**50),
            len(store.latest(session, device, 5).open()["t"]),
            store.latest_timestamp(session, device),
        )

    assert db.read(ask) == (0, ["t", "ecg.hr"], [], [], 0, 0, None)


def test_batches_and_a_file_read_as_one(db: Database, device: int) -> None:
    whole = player(9_000)
    db.write(
        lambda s: store.append_blocks(
            s, device, 1, store.seal({"samples": between(whole, T0, T0 + 600_000)})
        )
    )
    for second in range(600, 900):
        at = T0 + second * 1000
        send(db, device, second, between(whole, at, at + 1000))
    same(db.read(lambda s: store.read(s, device, "samples", T0, T0 + 900_000)), whole)
    some = db.read(
        lambda s: store.read(
            s, device, "samples", T0 + 599_950, T0 + 600_250, ["ecg.hr", "pwr.pwr_cadence"]
        )
    )
    assert list(some) == ["t", "ecg.hr", "pwr.pwr_cadence"]
    expected = between(whole, T0 + 599_950, T0 + 600_250)
    np.testing.assert_array_equal(some["t"], expected["t"])
    np.testing.assert_array_equal(some["ecg.hr"], expected["ecg.hr"])
    assert np.isnan(some["pwr.pwr_cadence"]).all()


def test_streams_and_devices_are_apart(db: Database, device: int) -> None:
    other = new_device(db)
    beats = {"t": T0 + np.array([0, 800, 1650]), "rr": np.array([800.0, 850.0, 790.0])}
    send(db, device, 1, player(10), rr=beats)
    send(db, other, 1, player(20, seed=1))
    same(db.read(lambda s: store.read(s, device, "rr", 0, 2**50)), beats)
    assert db.read(lambda s: store.count(s, other, 0, 2**50)) == 20
    assert db.read(lambda s: store.count(s, device, 0, 2**50, "rr")) == 3


def test_long_and_broken_batches_are_cut(db: Database, device: int) -> None:
    slow = player(3 * 3600 + 1, step=1000)
    slow["t"][5000:] += 300_001
    send(db, device, 1, slow)
    parts = db.read(lambda s: store.parts_of(s, device, "samples", 0, 2**50))
    assert all(part.t1 - part.t0 <= HOUR for part in parts)
    same(db.read(lambda s: store.read(s, device, "samples", 0, 2**50)), slow)
    runs = db.read(lambda s: store.ranges(s, device, 0, 2**50))
    assert [run.size for run in runs] == [5000, 3 * 3600 + 1 - 5000]
    assert runs[0] == (T0, T0 + 4999_000, 5000)
    wider = db.read(lambda s: store.ranges(s, device, 0, 2**50, 400_000))
    assert wider == [(T0, slow["t"][-1], 3 * 3600 + 1)]
    with pytest.raises(ValueError, match="300000"):
        db.read(lambda s: store.ranges(s, device, 0, 2**50, 1000))


def test_index_answers_without_opening_blocks(
    db: Database, device: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = player(3 * 36_000)
    db.write(lambda s: store.append_blocks(s, device, 1, store.seal({"samples": whole})))
    opened = []
    real = store._load
    monkeypatch.setattr(store, "_load", lambda *a: (opened.append(a[0].id), real(*a))[1])
    assert db.read(lambda s: store.count(s, device, T0, T0 + 3 * HOUR)) == len(whole["t"])
    assert db.read(lambda s: store.ranges(s, device, 0, 2**50)) == [
        (T0, whole["t"][-1], len(whole["t"]))
    ]
    assert db.read(lambda s: store.latest_timestamp(s, device)) == whole["t"][-1]
    assert opened == []
    half = T0 + HOUR // 2
    assert db.read(lambda s: store.count(s, device, half, T0 + 3 * HOUR)) == 90_000
    assert len(opened) == 1


def test_latest(db: Database, device: int) -> None:
    whole = player(36_000)
    db.write(lambda s: store.append_blocks(s, device, 1, store.seal({"samples": whole})))
    for n in (1, 300, 700, 36_000, 40_000):
        newest = db.read(lambda s, n=n: store.latest(s, device, n)).open()
        np.testing.assert_array_equal(newest["t"], whole["t"][-n:])
    middle = T0 + 1_000_000
    before = db.read(lambda s: store.latest(s, device, 300, start=T0 + 50, stop=middle)).open()
    np.testing.assert_array_equal(before["t"], whole["t"][9_700:10_000])
    after = db.read(lambda s: store.latest(s, device, 300, start=int(whole["t"][-7]))).open()
    np.testing.assert_array_equal(after["t"], whole["t"][-7:])
    assert len(db.read(lambda s: store.latest(s, device, 3, stop=T0)).open()["t"]) == 0
    years_later = player(3, t0=T0 + 10 * 365 * 24 * HOUR)
    send(db, device, 2, years_later)
    newest = db.read(lambda s: store.latest(s, device, 5)).open()["t"].tolist()
    assert newest == [*whole["t"][-2:].tolist(), *years_later["t"].tolist()]


def test_pages_hold_every_sample_once_and_open_what_they_need(
    db: Database, device: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = player(100_000)
    file = between(whole, T0, T0 + 9_000_000)
    db.write(lambda s: store.append_blocks(s, device, 1, store.seal({"samples": file})))
    for seq, at in enumerate(range(90_000, 100_000, 600), start=2):
        send(db, device, seq, {k: v[max(0, at - 50) : at + 600] for k, v in whole.items()})
    start, stop = T0 + 1_000, T0 + 9_999_000
    counts = list(store.counted(db.read(lambda s: store.survey(s, device, start, stop))))
    assert sum(part.size for part in counts) == 99_980
    for limit in (25_000, 7_919):
        pages = [
            db.read(lambda s, at=at, n=limit: store.page(s, device, counts, at, n)).open()
            for at in range(0, 99_980, limit)
        ]
        for name, values in between(whole, start, stop).items():
            np.testing.assert_array_equal(np.concatenate([p[name] for p in pages]), values)
    opened = []
    real = store._load
    monkeypatch.setattr(store, "_load", lambda *a: (opened.append(a[0].id), real(*a))[1])
    page = db.read(lambda s: store.page(s, device, counts, 40_000, 100))
    assert len(page.parts) == 1
    assert len(page.open()["t"]) == 100
    assert len(set(opened)) == 1
    nothing = db.read(lambda s: store.page(s, device, counts, 99_980, 100)).open()
    assert len(nothing["t"]) == 0


def test_blocks_written_out_of_order_lose_to_what_came_after(db: Database, device: int) -> None:
    def of(seq: int, first: int, last: int) -> dict[str, Any]:
        return {"t": T0 + np.arange(first, last) * 1000, "gnss.speed": np.full(last - first, seq)}

    for seq, first, last in ((1, 150, 200), (2, 100, 130)):
        file = store.seal({"samples": of(seq, first, last)})
        db.write(lambda s, seq=seq, file=file: store.append_blocks(s, device, seq, file))
    send(db, device, 3, of(3, 120, 140))
    got = db.read(lambda s: store.read(s, device, "samples", 0, 2**50))
    assert got["gnss.speed"].tolist() == [2] * 20 + [3] * 20 + [1] * 50


def test_streamed_read_opens_each_part_once(
    db: Database, device: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = player(3 * 36_000)
    db.write(lambda s: store.append_blocks(s, device, 1, store.seal({"samples": whole})))
    opened = []
    real = store._load
    monkeypatch.setattr(store, "_load", lambda *a: (opened.append(a[0].id), real(*a))[1])
    pieces = db.read(
        lambda s: list(store.iter_read(s, device, "samples", T0 + 5000, T0 + 3 * HOUR, ["ecg.hr"]))
    )
    np.testing.assert_array_equal(np.concatenate([p["t"] for p in pieces]), whole["t"][50:])
    assert len(opened) == len(set(opened)) == 3


def test_damaged_block_is_noticed(db: Database, device: int) -> None:
    db.write(lambda s: store.append_blocks(s, device, 1, store.seal({"samples": player(100)})))
    data = bytearray(db.read(lambda s: s.scalar(select(SampleBlock.data))))
    data[50] ^= 1
    db.write(lambda s: s.execute(update(SampleBlock).values(data=bytes(data))))
    with pytest.raises(CorruptBlock, match="checksum"):
        db.read(lambda s: store.read(s, device, "samples", 0, 2**50))


def test_tail_rows_go_in_by_one_statement(db: Database, device: int) -> None:
    other = new_device(db)
    arrivals = [
        store.Arrival(owner, seq, store.tail_pieces({"samples": player(10, T0 + seq * 1000)}))
        for owner in (device, other)
        for seq in range(1, 26)
    ]
    db.write(lambda s: store.append(s, arrivals))
    db.write(lambda s: store.append(s, []))
    seqs = db.read(
        lambda s: s.scalars(select(SampleTail.seq).where(SampleTail.device_id == other)).all()
    )
    assert sorted(seqs) == list(range(1, 26))


def test_a_block_is_readable_without_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that docs/internals/sample-store.md shows, and DuckDB."""
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[3] / "docs" / "internals" / "sample-store.md"
    shown = page.read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(shown, names)
    for name, values in names["samples"].items():
        np.testing.assert_array_equal(names["frame"][name].to_numpy(), values)
    whole = player(7_000)
    Path("block.parquet").write_bytes(blocks.encode(whole))
    query = "SELECT max(t), count(*), count(\"ecg.hr\") FROM 'block.parquet'"
    there = int(np.count_nonzero(~np.isnan(whole["ecg.hr"])))
    assert duckdb.sql(query).fetchall() == [(whole["t"][-1], 7_000, there)]
