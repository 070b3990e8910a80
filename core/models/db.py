"""The engine and the unit of work.

``Database.write`` runs a function in one transaction and commits once; ``Database.read`` runs one
in a transaction that never writes. On SQLite a write begins IMMEDIATE, so that two writers queue at
the start instead of failing half-way, and runs through ``run_writes``, which the gevent server sets
to a one-thread pool: SQLite waits for a lock inside C, where a greenlet switch is impossible
(design/architecture.md section 10).
"""

import json
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from . import access, rights

T = TypeVar("T")
Work = Callable[[Session], T]

SQLITE_BUSY_SECONDS = 30
# In ``Session.info``: the reads of athletes' data that core.policy noted (core.models.access.Read).
READS = "reads"


class Around(Protocol):
    """What a surface wants done in the transaction of an effect: to look before it, to keep the
    answer with it. Whatever these raise undoes the effect.
    """

    def begin(self, session: Session) -> None: ...

    def end(self, session: Session, result: Any) -> None: ...


around: ContextVar[Around | None] = ContextVar("around", default=None)
# Where this is set, reads are part of that transaction: what looks before an effect sees what the
# effect will change, and needs no second connection.
joined: ContextVar[Session | None] = ContextVar("joined", default=None)


def make_engine(url: str, **options: Any) -> Engine:
    """An engine with the project's pragmas. The directory of a SQLite file is made, mode 0700."""
    parsed = make_url(url)
    options.setdefault("json_serializer", _json)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, **options)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"timeout": SQLITE_BUSY_SECONDS}, **options)
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin by itself; _sqlite_begin does
    # SQLite's own lower() knows ASCII only, and searches are to find Zoë by ZOË.
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _json(value: Any) -> str:
    """A column of JSON. What orjson does not write (an integer of more than 64 bits, half a
    surrogate pair) the standard library does.
    """
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _sqlite_begin(connection: Any) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # straight to the driver: it is in every request, and waits for no lock that could fail
        connection.connection.dbapi_connection.execute("BEGIN")


def _nobody_to_wake() -> None:
    """Without a doorbell the relay's poll finds the work."""


def _directly(work: Callable[[], T]) -> T:
    return work()


class Database:
    """One engine and the two ways of using it."""

    def __init__(self, url: str, **options: Any) -> None:
        self.engine = make_engine(url, **options)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self.run_writes: Callable[[Callable[[], Any]], Any] = _directly
        # Called after a commit that owes work (core.models.outbox): a doorbell, never a guarantee.
        self.wake: Callable[[], None] = _nobody_to_wake
        # Called after a commit that changed who may read what (core.models.rights).
        self.rights_changed: Callable[[], None] = _nobody_to_wake
        self._reads = access.ReadMemory()
        self._writer = self.engine.execution_options(writes=True)
        # One snapshot for a whole read: SQLite gives it, PostgreSQL has to be asked.
        self._reader = (
            self.engine
            if self.sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ")
        )

    def write(self, work: Work[T]) -> T:
        """Run ``work(session)`` and commit; any exception rolls everything back."""
        surface = around.get()  # here: what runs the transaction may be another thread

        def whole(session: Session) -> T:
            if surface is not None:
                surface.begin(session)
            result = work(session)
            if surface is not None:
                session.flush()
                surface.end(session, result)
            return result

        return self._transaction(whole)

    def aside(self, work: Work[T]) -> T:
        """``write`` for what is no part of the effect that was asked for: logs, counts, claims."""
        return self._transaction(work)

    def _transaction(self, work: Work[T]) -> T:
        def run() -> tuple[T, dict[Any, Any]]:
            with rights.Watched(self._writer, expire_on_commit=False) as session:
                with session.begin():
                    result = work(session)
                return result, session.info

        result, info = self.run_writes(run)
        if info.get("owed"):
            self.wake()
        if info.get(rights.CHANGED):
            self.rights_changed()
        self._log(info.get(READS))
        return result

    def read(self, work: Work[T]) -> T:
        """Run ``work(session)`` on one snapshot and roll back: it changes nothing. What it read of
        athletes is in the access log before anybody has the result.
        """
        within = joined.get()
        if within is not None:
            return work(within)
        with Session(self._reader, expire_on_commit=False) as session:
            result = work(session)
        self._log(session.info.get(READS))
        return result

    def look(self, work: Callable[[Connection], T]) -> T:
        """``read`` for statements that give plain columns and nothing of an athlete's to somebody
        else: without a session, which costs as much as the statement.
        """
        within = joined.get()
        if within is not None:
            return work(within.connection())
        with self._reader.connect() as connection:
            return work(connection)

    def _log(self, reads: Iterable[access.Read] | None) -> None:
        hour = access.this_hour()
        if reads and (new := self._reads.unknown(reads, hour)):
            self.aside(lambda session: access.store(session, new))
            self._reads.stored(new, hour)

    def close(self) -> None:
        self.engine.dispose()
