"""Whatever order batches arrive in and whenever the merge runs, a read is what was last written."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import migrate
from core.models.db import Database
from core.pipeline import merge as merging
from core.pipeline import store
from core.pipeline.columns import Columns, cut, last_written
from tests.unit.pipeline.samples import T0, new_device, rows, send

STEP = 20_000  # 20 s, so that few samples reach hours and gaps


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    path: Path = tmp_path_factory.mktemp("store") / "touchline.db"
    made = Database(f"sqlite:///{path}")
    migrate.upgrade(made.engine)
    return made


@st.composite
def batches(draw: st.DrawFn) -> list[Columns]:
    """Batches on a coarse clock, so that times meet often; columns come and go."""
    made = []
    for number in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, 500))
        ticks = draw(st.lists(st.integers(0, 400), min_size=1, max_size=30, unique=True))
        t = T0 + (at + np.array(sorted(ticks))) * STEP
        columns: Columns = {"t": t}
        for name in draw(st.sets(st.sampled_from(["gnss.speed", "ecg.hr"]), max_size=2)):
            columns[name] = np.full(len(t), float(number))
            columns[name][draw(st.integers(0, len(t) - 1))] = np.nan
        made.append(columns)
    return made


# None: a batch arrives. True or False: the merge runs, the device quiet or not.
actions = st.lists(st.sampled_from([None, None, None, True, False]), max_size=14)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(batches(), actions, st.integers(0, 900), st.integers(0, 900))
def test_read_is_what_was_last_written(
    database: Database, made: list[Columns], order: list[bool | None], low: int, high: int
) -> None:
    device = new_device(database)
    written: dict[int, dict[str, float]] = {}
    waiting = list(made)
    for seq, action in enumerate([*order, *[None] * len(made)], start=1):
        if action is not None:
            late = T0 + (merging.QUIET if action else 0)
            merging.merge_device(database, device, "samples", late)
        elif waiting:
            batch = waiting.pop(0)
            if seq % 3:
                send(database, device, seq, batch)
            else:  # a file
                database.write(
                    lambda s, seq=seq, batch=batch: store.append_blocks(
                        s, device, seq, store.seal({"samples": batch})
                    )
                )
            written.update(rows(batch))
        _agrees(database, device, written, T0 + low * STEP, T0 + high * STEP)
    merging.merge_device(database, device, "samples", T0 + merging.QUIET)
    _agrees(database, device, written, T0 + low * STEP, T0 + high * STEP)
    assert merging.merge_device(database, device, "samples", T0 + merging.QUIET) == 0
    parts = database.read(lambda s: store.parts_of(s, device, "samples", 0, 2**50))
    assert all(len(group) == 1 for group in store.overlapping(parts))
    assert sum(part.n for part in parts) == len(written)


def _agrees(
    db: Database, device: int, written: dict[int, dict[str, float]], start: int, stop: int
) -> None:
    expected = {t: row for t, row in sorted(written.items()) if start <= t < stop}
    got = db.read(lambda s: store.read(s, device, "samples", start, stop))
    assert list(rows(got).items()) == list(expected.items())
    pieces = db.read(lambda s: list(store.iter_read(s, device, "samples", start, stop)))
    assert [t for piece in pieces for t in piece["t"].tolist()] == list(expected)
    assert db.read(lambda s: store.count(s, device, start, stop)) == len(expected)
    runs = db.read(lambda s: store.ranges(s, device, start, stop))
    clock = {"t": np.array(list(expected), np.int64)}
    assert runs == [
        (piece["t"][0], piece["t"][-1], len(piece["t"]))
        for piece in cut(clock, rows=10**9, span=10**15)
    ]
    newest = db.read(lambda s: store.latest(s, device, 5)).open()["t"].tolist()
    assert newest == sorted(written)[-5:]
    inside = db.read(lambda s: store.latest(s, device, 5, start=start, stop=stop)).open()
    assert inside["t"].tolist() == list(expected)[-5:]
    counts = list(store.counted(db.read(lambda s: store.survey(s, device, start, stop))))
    page = db.read(lambda s: store.page(s, device, counts, 3, 4)).open()
    assert page["t"].tolist() == list(expected)[3:7]
    assert db.read(lambda s: store.latest_timestamp(s, device)) == max(written, default=None)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3000), min_size=5, max_size=60, unique=True), st.randoms())
def test_any_order_of_arrival_reads_the_same(
    database: Database, ticks: list[int], random: object
) -> None:
    t = T0 + np.array(sorted(ticks)) * 1000
    whole = {"t": t, "gnss.speed": np.arange(len(t)) / 8}
    pieces = [
        {name: values[at : at + 4] for name, values in whole.items()} for at in range(0, len(t), 4)
    ]
    random.shuffle(pieces)  # type: ignore[attr-defined]
    device = new_device(database)
    for seq, piece in enumerate(pieces, start=1):
        send(database, device, seq, piece)
        if seq % 5 == 0:
            merging.merge_device(database, device, "samples", T0 + merging.QUIET)
    got = database.read(lambda s: store.read(s, device, "samples", T0, T0 + 10**9))
    assert rows(got) == rows(whole)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_last_written_row_stays_whole(clock: list[int]) -> None:
    columns = {"t": np.array(clock, np.int64), "x": np.arange(float(len(clock)))}
    expected = {t: float(i) for i, t in enumerate(clock)}
    got = last_written(columns)
    assert dict(zip(got["t"].tolist(), got["x"].tolist(), strict=True)) == expected
    assert got["t"].tolist() == sorted(set(clock))
