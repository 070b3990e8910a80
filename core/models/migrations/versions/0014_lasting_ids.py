"""A number that was given is not given again, on SQLite either.

AUTOINCREMENT is a word in a table's declaration and nothing in the file's pages. So declarations
are changed where they stand, as SQLite's page on ALTER TABLE describes for such changes: rows,
indexes and triggers stay as they are.
"""

import re
from collections.abc import Callable

from alembic import op
from sqlalchemy import Connection

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = (
    "activity",
    "timeframe",
    "athlete_permission",
    "device",
    "device_ownership",
    "webhook",
    "athlete_parameter",
    "uploaded_file",
    "team",
    "team_member",
    "job",
)


def upgrade() -> None:
    _redeclare(
        lambda sql: re.sub(
            r"(\bid INTEGER NOT NULL)(.*?), *\s*CONSTRAINT pk_\w+ PRIMARY KEY \(id\)",
            r"\1 PRIMARY KEY AUTOINCREMENT\2",
            sql,
            count=1,
            flags=re.DOTALL,
        )
    )


def downgrade() -> None:
    _redeclare(lambda sql: sql.replace(" PRIMARY KEY AUTOINCREMENT", " PRIMARY KEY", 1))


def _redeclare(change: Callable[[str], str]) -> None:
    connection: Connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    run = connection.exec_driver_sql
    run("PRAGMA writable_schema = ON")
    for table in TABLES:
        sql = run(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)
        ).scalar_one()
        changed = change(sql)
        assert changed != sql, f"the declaration of {table} is not as it was made"
        run("UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?", (changed, table))
    version = run("PRAGMA schema_version").scalar_one()
    run(f"PRAGMA schema_version = {version + 1}")
    run("PRAGMA writable_schema = RESET")
