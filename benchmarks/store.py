"""The sample store against one row per sample, DuckDB and Parquet as it comes.

Run ``python -m benchmarks.store``. Each figure is a ratio of two times (or sizes) measured in turn
in the same run: the median of ROUNDS interleaved rounds, with the smallest and largest ratio. Both
sides begin and end with numpy columns. Row tables carry (device, t) as primary key and one float
column per channel; they are filled through the drivers, without an ORM.
"""

import datetime
import io
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from core.models import migrate
from core.models.db import Database
from core.models.devices import Device
from core.models.samples import SampleBlock
from core.pipeline import blocks, decode, store
from core.pipeline.columns import Columns
from tests.postgres import postgres_binaries, postgres_server

ROUNDS = 5
T0 = 1_590_868_800_000
SESSION = 72_000  # samples: two hours at 10 Hz
SESSIONS = 10
DAY = 86_400_000
CHANNELS = (
    "gnss.latitude",
    "gnss.longitude",
    "gnss.altitude",
    "gnss.speed",
    "ecg.hr",
    "pwr.pwr_instantpower",
    "pwr.pwr_cadence",
    "env.temp",
)
NAMES = [name.split(".")[1] for name in CHANNELS]
DATA = (
    f"simulated player at 10 Hz with 2 % clock jitter, {len(CHANNELS)} channels rounded as devices"
    f" do, {SESSIONS} days with a session of {SESSION} samples and a break of 6 minutes in it"
)


class Result(NamedTuple):
    """One line of the table. ``better`` says whether a high or a low ratio is the goal."""

    name: str
    ours_ms: float
    other_ms: float
    ratio: float
    low: float
    high: float
    goal: float
    better: str

    @property
    def met(self) -> bool:
        return self.ratio >= self.goal if self.better == "high" else self.ratio <= self.goal


def session(number: int, n: int = SESSION) -> Columns:
    """A simulated session; ``number`` is seed and day."""
    rng = np.random.default_rng(number)
    speed = np.abs(np.cumsum(rng.normal(0, 0.05, n)) % 8 - 4)
    heading = np.cumsum(rng.normal(0, 0.05, n))
    drift = np.cumsum(rng.normal(0, 2e-8, (2, n)), axis=1)
    held = np.repeat(np.arange(-(-n // 10)), 10)[:n]  # 1 Hz sensors, held for ten samples
    second = rng.normal(0, 1, (3, held[-1] + 1))
    t = T0 + number * DAY + np.arange(n) * 100 + np.rint(rng.normal(0, 2, n)).astype(np.int64)
    t[n // 2 :] += 360_000
    return {
        "t": t,
        "gnss.latitude": np.round(
            46.5 + np.cumsum(speed * np.cos(heading)) * 9e-7 + drift[0] + rng.normal(0, 1e-7, n), 7
        ),
        "gnss.longitude": np.round(
            6.6 + np.cumsum(speed * np.sin(heading)) * 1.3e-6 + drift[1] + rng.normal(0, 1e-7, n), 7
        ),
        "gnss.altitude": np.round(372 + np.cumsum(rng.normal(0, 0.01, n)), 2),
        "gnss.speed": np.round(speed + np.abs(rng.normal(0, 0.02, n)), 3),
        "ecg.hr": np.rint(150 + np.cumsum(second[0])[held] * 0.3),
        "pwr.pwr_instantpower": np.rint(np.abs(200 + 60 * second[1][held])),
        "pwr.pwr_cadence": np.rint(80 + 5 * second[2][held]),
        "env.temp": np.round(np.full(n, 21.0), 0),
    }


def rows_of(device: int, columns: Columns) -> Iterator[tuple[Any, ...]]:
    return zip(
        [device] * len(columns["t"]),
        columns["t"].tolist(),
        *(columns[name].tolist() for name in CHANNELS),
        strict=True,
    )


CREATE = (
    "CREATE TABLE sample (device BIGINT, t BIGINT, "
    + ", ".join(f"{name} DOUBLE PRECISION" for name in NAMES)
    + ", PRIMARY KEY (device, t))"
)
READ = f"SELECT t, {', '.join(NAMES)} FROM sample WHERE device = {{0}} AND t >= {{0}} AND t < {{0}} ORDER BY t"  # noqa: E501
RANGES = (
    "SELECT min(t), max(t), count(*) FROM (SELECT t, sum(CASE WHEN gap > 300000 THEN 1 ELSE 0 END)"
    " OVER (ORDER BY t) AS run FROM (SELECT t, t - lag(t) OVER (ORDER BY t) AS gap FROM sample"
    " WHERE device = {0} AND t >= {0} AND t < {0}) AS gaps) AS runs GROUP BY run ORDER BY 1"
)


class SqliteRows:
    """One row per sample in SQLite, through executemany."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")  # as the store
        self.connection.execute(CREATE + " WITHOUT ROWID")

    def load(self, device: int, columns: Columns) -> None:
        marks = ", ".join("?" * (2 + len(NAMES)))
        with self.connection:
            self.connection.executemany(
                f"INSERT INTO sample VALUES ({marks})", rows_of(device, columns)
            )

    def query(self, sql: str, *values: int) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql.format("?"), values).fetchall()


class PostgresRows:
    """One row per sample in PostgreSQL, through COPY."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(
            make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        )
        self.connection.execute(CREATE)
        self.connection.commit()

    def load(self, device: int, columns: Columns) -> None:
        with self.connection.cursor().copy("COPY sample FROM STDIN") as copy:
            for row in rows_of(device, columns):
                copy.write_row(row)
        self.connection.commit()

    def query(self, sql: str, *values: int) -> list[tuple[Any, ...]]:
        rows = self.connection.execute(sql.format("%s"), values).fetchall()
        self.connection.rollback()
        return rows

    def analyze(self) -> None:
        self.connection.execute("ANALYZE sample")
        self.connection.commit()


def to_columns(rows: list[tuple[Any, ...]]) -> Columns:
    found = list(zip(*rows, strict=True))
    made: Columns = {"t": np.array(found[0], np.int64)}
    for name, values in zip(CHANNELS, found[1:], strict=True):
        made[name] = np.array(values, np.float64)
    return made


def compare(
    name: str,
    ours: Callable[[int], Any],
    other: Callable[[int], Any],
    goal: float,
    better: str = "high",
    repeat: int = 1,
) -> Result:
    """Time both in turn; the ratio is other / ours where high is good, ours / other where low is.
    ``repeat`` runs of ours make one measurement, where one alone would be too short to time.
    """
    ours(-1)
    other(-1)
    pairs = []
    for turn in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(repeat):
            ours(turn)
        middle = time.perf_counter()
        other(turn)
        pairs.append(((middle - begin) / repeat * 1e3, (time.perf_counter() - middle) * 1e3))
    ratios = [b / a if better == "high" else a / b for a, b in pairs]
    mine, its = (statistics.median(times) for times in zip(*pairs, strict=True))
    middle_ratio = statistics.median(ratios)
    return Result(name, mine, its, middle_ratio, min(ratios), max(ratios), goal, better)


def new_device(db: Database) -> int:
    def make(session: Any) -> int:
        number = session.scalar(select(func.count()).select_from(Device))
        device = Device(device_name=f"bench{number}", serial_number=str(number))
        session.add(device)
        session.flush()
        return device.id

    return db.write(make)


def against_rows(
    engine: str, db: Database, rows: SqliteRows | PostgresRows, load_goal: float
) -> Iterator[Result]:
    sessions = [session(number) for number in range(SESSIONS)]
    devices = iter([new_device(db) for _ in range(ROUNDS + 1)])

    def load(_turn: int) -> None:
        device = next(devices)
        db.write(lambda s: store.append_blocks(s, device, 1, store.seal({"samples": sessions[0]})))

    how = "executemany" if isinstance(rows, SqliteRows) else "COPY"
    yield compare(
        f"{engine}: load two hours / rows by {how}",
        load,
        lambda turn: rows.load(-2 - turn, sessions[0]),
        load_goal,
    )
    device = new_device(db)
    for number, columns in enumerate(sessions):
        db.write(
            lambda s, n=number, c=columns: store.append_blocks(
                s, device, n + 1, store.seal({"samples": c})
            )
        )
        rows.load(1, columns)
    if isinstance(rows, PostgresRows):
        rows.analyze()
    start, stop = T0 + DAY, T0 + 2 * DAY
    ours = db.read(lambda s: store.read(s, device, "samples", start, stop))
    theirs = to_columns(rows.query(READ, 1, start, stop))
    assert all(np.array_equal(ours[name], theirs[name]) for name in ("t", *CHANNELS))
    yield compare(
        f"{engine}: read two hours / rows",
        lambda _: db.read(lambda s: store.read(s, device, "samples", start, stop)),
        lambda _: to_columns(rows.query(READ, 1, start, stop)),
        30,
    )
    end = T0 + SESSIONS * DAY
    found = db.read(lambda s: store.ranges(s, device, T0 - DAY, end))
    assert [tuple(run) for run in found] == rows.query(RANGES, 1, T0 - DAY, end)
    with Session(db.engine) as opened:  # an open connection, as the rows have
        yield compare(
            f"{engine}: ranges of {SESSIONS} days / window function over rows",
            lambda _: store.ranges(opened, device, T0 - DAY, end),
            lambda _: rows.query(RANGES, 1, T0 - DAY, end),
            500,
            repeat=20,
        )


def against_duckdb(db: Database) -> Iterator[Result]:
    """The same two hours from a DuckDB table in time order, as numpy columns."""
    device = new_device(db)
    connection = duckdb.connect()
    connection.execute(CREATE.replace(", PRIMARY KEY (device, t)", ""))
    for number in range(SESSIONS):
        columns = session(number)
        table = pa.table({"device": np.ones(SESSION, np.int64), **columns})
        connection.register("incoming", table)
        connection.execute("INSERT INTO sample SELECT * FROM incoming")
        db.write(
            lambda s, n=number, c=columns: store.append_blocks(
                s, device, n + 1, store.seal({"samples": c})
            )
        )
    start, stop = T0 + DAY, T0 + 2 * DAY
    sql = READ.format("?")
    yield compare(
        "SQLite: read two hours / DuckDB table in time order",
        lambda _: db.read(lambda s: store.read(s, device, "samples", start, stop)),
        lambda _: connection.execute(sql, [1, start, stop]).fetchnumpy(),
        1.0,
        "low",
        repeat=3,
    )
    stored = db.read(
        lambda s: s.scalar(
            select(func.sum(func.length(SampleBlock.data))).where(SampleBlock.device_id == device)
        )
    )
    plain = sum(len(default_parquet(session(number))) for number in range(SESSIONS))
    yield sizes("bytes: blocks / default Parquet, simulated", stored, plain, SESSIONS * SESSION)
    connection.close()


def default_parquet(columns: Columns) -> bytes:
    """What pyarrow writes when nothing is said."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def sizes(name: str, ours: int, other: int, n: int) -> Result:
    print(f"  {name}: {ours / n:.2f} against {other / n:.2f} bytes a sample, n = {n}")
    ratio = ours / other
    return Result(name, float("nan"), float("nan"), ratio, ratio, ratio, 0.60, "low")


def of_recordings(folder: Path) -> Iterator[Result]:
    """Bytes of real recordings, where they are beside the project."""
    for path in sorted(folder.glob("soccer/*_ID6*.csv")) + sorted(folder.glob("soccer/U18*.csv")):
        decoded = decode.decode(path.read_bytes(), date=datetime.date(2021, 6, 4))
        columns = decoded.columns
        yield sizes(
            f"bytes: blocks / default Parquet, {path.name}",
            len(blocks.encode(columns)),
            len(default_parquet(columns)),
            len(columns["t"]),
        )


@contextmanager
def databases(folder: Path) -> Iterator[Iterator[tuple[str, Database, Any, float]]]:
    """Fresh, migrated databases with an empty row table beside them."""

    def each() -> Iterator[tuple[str, Database, Any, float]]:
        db = Database(f"sqlite:///{folder / 'touchline.db'}")
        migrate.upgrade(db.engine)
        yield "SQLite", db, SqliteRows(folder / "rows.db"), 12
        db.close()
        if postgres_binaries() is None:
            print("  PostgreSQL: no server binaries here, not measured")
            return
        with postgres_server() as url:
            db = Database(url)
            migrate.upgrade(db.engine)
            rows = PostgresRows(url)
            yield "PostgreSQL", db, rows, 10
            rows.connection.close()
            db.close()

    yield each()


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    print(f"Sample store. Median of {ROUNDS} interleaved rounds, [smallest, largest] ratio.")
    print(f"  Data: {DATA}.")
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name, databases(Path(name)) as each:
        for engine, db, rows, load_goal in each:
            results += against_rows(engine, db, rows, load_goal)
            if engine == "SQLite":
                results += against_duckdb(db)
    recordings = Path(__file__).resolve().parents[2] / "shared" / "data"
    results += of_recordings(recordings)
    for result in results:
        sign = "≥" if result.better == "high" else "≤"
        times = (
            ""
            if np.isnan(result.ours_ms)
            else f"{result.ours_ms:.2f} ms against {result.other_ms:.1f} ms"
        )
        print(
            f"  {result.name:<62} {result.ratio:9.2f} [{result.low:.2f}, {result.high:.2f}]"
            f"  goal {sign} {result.goal:g}: {'met' if result.met else 'MISSED'}  {times}"
        )
    return 0 if all(result.met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
