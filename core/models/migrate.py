"""Migrations: where the schema stands and bringing it up to date (alembic)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def _alembic(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run every pending migration. Safe to repeat."""
    command.upgrade(_alembic(engine), revision)


def current(engine: Engine) -> str | None:
    """The revision that the database stands at; None before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision that this code expects."""
    directory = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    revision = directory.get_current_head()
    assert revision is not None, "the project ships at least one migration"
    return revision
