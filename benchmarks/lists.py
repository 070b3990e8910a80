"""Lists on PostgreSQL: does a page take longer because other people have more?

Run ``python -m benchmarks.lists``. Two databases, one with 10,000 and one with 1,000,000 time
frames; in both a manager owns 500 of them, an athlete is in 500, spread over all. Asked in turn,
ROUNDS times, on a warm cache: a page of 150 as the API makes it (policy, filters, count, page,
shape), the median time over the large database against that over the small one. For the owner of
all the others, page 1, page 1,000 and the count alone are printed without a goal: a count looks at
every row, and a page behind an offset walks over what it skips.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask import Flask, g
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from core.api.paging import paged
from core.api.timeframes import LISTING, TimeFrameShape
from core.models import Activity, Device, JsonSchema, User, migrate
from core.models.db import Database
from core.policy import Actor
from core.services import timeframes
from tests.postgres import postgres_binaries, postgres_server

SMALL, LARGE, SEEN = 10_000, 1_000_000, 500
LIMIT, ROUNDS, GOAL = 150, 9, 3.0
MANAGER_OF_ALL, MANAGER_OF_SOME, ATHLETE_OF_SOME = 1, 2, 4

FRAMES = """
INSERT INTO timeframe
    (id, start_time, end_time, params, device_id, activity_id, athlete_id, owner_id, json_schema_id)
SELECT n, n * 1000, n * 1000 + 500, '{}', 1, 1,
       CASE WHEN n % :every = 1 THEN 4 ELSE 3 END, CASE WHEN n % :every = 0 THEN 2 ELSE 1 END, 1
FROM generate_series(1, :frames) AS n
"""


def fill(db: Database, frames: int) -> None:
    def make(session: Session) -> None:
        for number, (name, role) in enumerate(
            (("all", "MANAGER"), ("some", "MANAGER"), ("most", "ATHLETE"), ("few", "ATHLETE")), 1
        ):
            session.add(User(id=number, username=name, role=role, extra_permissions=[], created=0))
        session.flush()
        schema = JsonSchema(id=1, name="timeframe_x", type="TIMEFRAME", sport="x", schema={})
        activity = Activity(
            id=1, name="x", json={}, json_schema=schema, owner_id=MANAGER_OF_ALL, created=0
        )
        session.add_all([activity, Device(id=1, device_name="x", serial_number="x")])
        session.flush()
        session.execute(text(FRAMES), {"frames": frames, "every": frames // SEEN})

    db.write(make)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


@contextmanager
def database(server: str, name: str, frames: int) -> Iterator[Database]:
    admin = Database(server)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.close()
    db = Database(make_url(server).set(database=name).render_as_string(hide_password=False))
    migrate.upgrade(db.engine)
    began = time.perf_counter()
    fill(db, frames)
    print(f"{frames:,} time frames made in {time.perf_counter() - began:.0f} s", flush=True)
    yield db
    db.close()


def page(db: Database, actor: Actor, number: int = 1, **query: Any) -> dict[str, Any]:
    shape = TimeFrameShape()

    def read(session: Session) -> dict[str, Any]:
        statement = LISTING.apply(timeframes.listing(actor), query)
        return paged(session, statement, number, LIMIT, shape.dump)

    with Flask(__name__).app_context():
        g.actor = actor  # who reads is logged, as in a request
        return db.read(read)


def count(db: Database, actor: Actor) -> int:
    mine = timeframes.listing(actor).subquery()
    return db.read(lambda session: session.scalar(select(func.count()).select_from(mine)) or 0)


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def compare(small: Database, large: Database) -> bool:
    some = Actor(MANAGER_OF_SOME, "MANAGER")
    athlete = Actor(ATHLETE_OF_SOME, "ATHLETE")
    met = True
    for what, actor, number, query in (
        ("a manager's page 1", some, 1, {}),
        ("a manager's last page", some, 4, {}),
        ("a manager's page 1 by -start_time", some, 1, {"ordering": "-start_time"}),
        ("a manager's page 1 from a moment on", some, 1, {"start_time_from": 5_000_000}),
        ("an athlete's page 1", athlete, 1, {}),
    ):
        for db in (small, large):
            assert page(db, actor, 1)["count"] == SEEN
        times: dict[Database, list[float]] = {small: [], large: []}
        for _ in range(ROUNDS + 1):
            for db, taken in times.items():
                taken.append(timed(partial(page, db, actor, number, **query)))
        few, many = (statistics.median(taken[1:]) for taken in times.values())
        met &= many / few <= GOAL
        verdict = "met" if many / few <= GOAL else "MISSED"
        print(
            f"  {what:<38} {many / few:5.2f}  goal ≤ {GOAL:g}: {verdict}"
            f"  {many:.1f} ms over {LARGE:,} against {few:.1f} ms over {SMALL:,}",
            flush=True,
        )
    return met


def of_all(large: Database) -> None:
    everything = Actor(MANAGER_OF_ALL, "MANAGER")
    for what, work in (
        ("page 1", lambda: page(large, everything, 1)),
        ("page 1,000", lambda: page(large, everything, 1000)),
        ("the count alone", lambda: count(large, everything)),
    ):
        taken = statistics.median(timed(work) for _ in range(ROUNDS))
        print(f"  owner of all others, {what:<17} {taken:8.1f} ms", flush=True)


def main() -> int:
    if postgres_binaries() is None:
        print("this needs the PostgreSQL server binaries", file=sys.stderr)
        return 1
    with (
        postgres_server() as server,
        database(server, "small", SMALL) as small,
        database(server, "large", LARGE) as large,
    ):
        met = compare(small, large)
        of_all(large)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
