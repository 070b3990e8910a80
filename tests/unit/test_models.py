"""The tables as the migrations make them, on both engines."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from core.models import Base, Device, DeviceOwnership, User, migrate
from core.models.db import Database
from tests import engines


def test_migrations_make_what_the_models_say(db: Database) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert migrate.current(db.engine) == migrate.head()


def test_sqlite_commits_reach_the_disk(tmp_path: Path) -> None:
    engine = engines.make_engine(f"sqlite:///{tmp_path / 'touchline.db'}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


def test_upgrading_twice_changes_nothing(db: Database) -> None:
    migrate.upgrade(db.engine)
    assert migrate.current(db.engine) == migrate.head()


def _own(db: Database, device: int, start: int, stop: int, manager: int = 1) -> None:
    db.write(
        lambda s: s.add(
            DeviceOwnership(device_id=device, manager_id=manager, start_time=start, end_time=stop)
        )
    )


@pytest.fixture
def owned(db: Database) -> Database:
    """Two devices and a manager who owns the first from 100 to 200."""

    def fill(session) -> None:
        session.add(User(id=1, username="a", role="MANAGER", created=0))
        session.add(Device(id=1, device_name="one", serial_number="1"))
        session.add(Device(id=2, device_name="two", serial_number="2"))

    db.write(fill)
    _own(db, 1, 100, 200)
    return db


@pytest.mark.parametrize(
    ("start", "stop"), [(100, 200), (150, 160), (50, 101), (199, 300), (0, 999)]
)
def test_the_database_refuses_overlapping_ownerships(owned: Database, start, stop) -> None:
    with pytest.raises(DBAPIError):
        _own(owned, 1, start, stop)


@pytest.mark.parametrize(("device", "start", "stop"), [(1, 0, 100), (1, 200, 300), (2, 100, 200)])
def test_touching_windows_and_other_devices_are_fine(owned: Database, device, start, stop) -> None:
    _own(owned, device, start, stop)


def test_an_update_cannot_make_an_overlap_either(owned: Database) -> None:
    _own(owned, 1, 300, 400)

    def stretch(session) -> None:
        row = session.query(DeviceOwnership).filter_by(start_time=300).one()
        row.start_time = 150

    with pytest.raises(DBAPIError):
        owned.write(stretch)


def test_an_update_of_the_row_itself_is_no_overlap(owned: Database) -> None:
    def release(session) -> None:
        session.query(DeviceOwnership).one().end_time = 150

    owned.write(release)


def test_a_write_that_raises_leaves_nothing(db: Database) -> None:
    def fail(session) -> None:
        session.add(User(username="gone", role="MANAGER", created=0))
        session.flush()
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError):
        db.write(fail)
    assert db.read(lambda s: s.query(User).count()) == 0


def test_a_number_is_given_once(db: Database) -> None:
    """Or a deleted device's number, as somebody remembers it, would come to mean another device."""

    def add(serial: str) -> int:
        made = Device(device_name="x", serial_number=serial)
        db.write(lambda session: session.add(made))
        return db.read(
            lambda session: session.scalar(select(Device.id).where(Device.serial_number == serial))
        )

    first = add("first")
    db.write(lambda session: session.execute(delete(Device).where(Device.id == first)))
    assert add("second") > first


def test_sqlite_is_told_which_numbers_last(db_sqlite: Database) -> None:
    """A later migration that makes a table anew must say so again."""
    lasting = {
        table.name
        for table in Base.metadata.sorted_tables
        if table.dialect_options["sqlite"]["autoincrement"]
    }
    assert "webhook" in lasting
    with db_sqlite.engine.connect() as connection:
        for name in sorted(lasting):
            declared = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_schema WHERE name = ?", (name,)
            ).scalar_one()
            assert "AUTOINCREMENT" in declared, name
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
