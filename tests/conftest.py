"""Shared fixtures: both databases, the recordings, and the promise that CI skips nothing."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Engine, make_url

from core.models import migrate
from core.models.db import Database
from core.process import set_numba_environment
from tests.engines import share
from tests.postgres import postgres_binaries, postgres_server

IN_CI = bool(os.environ.get("CI"))

# A traceback with all locals, structlog's own choice, takes seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

# One cache of compiled kernels for these processes and for the platforms that they start.
set_numba_environment(Path(tempfile.gettempdir()))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--both", action="store_true", help="run every contract test on SQLite and on PostgreSQL"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """``--dist loadfile`` is ours (tests/schedule.py)."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.schedule import Queue

    return Queue(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """One of several processes takes its tests in the order of tests/schedule.py."""
    if hasattr(config, "workerinput"):
        from tests.schedule import order

        key = order([item.nodeid for item in items])
        items.sort(key=lambda item: key(item.nodeid))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings, beside the project."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the recordings are not beside the project (shared/data)")
    return folder


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """One server for the run, with a migrated template database."""
    given = os.environ.get("TOUCHLINE_TEST_POSTGRES_URL")
    if not given and postgres_binaries() is None:
        if IN_CI:
            pytest.fail("CI needs the PostgreSQL server binaries")
        pytest.skip("no PostgreSQL server binaries here (Debian: postgresql)")
    if given:
        yield from _with_template(given)
    else:
        with postgres_server() as url:
            yield from _with_template(url)


def _with_template(url: str) -> Iterator[str]:
    name = f"touchline_template_{uuid4().hex[:8]}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    template = create_engine(make_url(url).set(database=name))
    migrate.upgrade(template)
    share(template)
    template.dispose()
    yield make_url(url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@contextmanager
def database_copy(template_url: str) -> Iterator[str]:
    """The URL of a fresh database, copied from the migrated template."""
    template = make_url(template_url)
    name = f"touchline_{uuid4().hex[:12]}"
    admin = _admin(template.set(database="postgres"))
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template.database}"))
    yield template.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@cache
def _admin(url: URL) -> Engine:
    """One for the run: to make an engine and have it ask the server about itself takes longer than
    to copy a database.
    """
    return create_engine(url, isolation_level="AUTOCOMMIT")


@pytest.fixture
def db_postgres(postgres_url: str) -> Iterator[Database]:
    """A fresh, migrated PostgreSQL database."""
    with database_copy(postgres_url) as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture(scope="session")
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database that lasts for the run."""
    with database_copy(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "touchline.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database.engine)
    share(database.engine)
    database.close()
    return path


@pytest.fixture
def db_sqlite(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A fresh, migrated SQLite database (WAL, on disk)."""
    path = tmp_path / "touchline.db"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest) -> Database:
    """Storage suites run on both engines."""
    return request.getfixturevalue(f"db_{request.param}")
