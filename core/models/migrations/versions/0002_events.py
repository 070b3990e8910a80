"""The event log and change feed."""

import time

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("number", ID, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("resource_id", sa.BigInteger(), nullable=False),
        sa.Column("activity_id", sa.BigInteger(), nullable=True),
        sa.Column("timeframe_id", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("data", DOCUMENT, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("athlete_id", sa.BigInteger(), nullable=True),
        sa.Column("manager_id", sa.BigInteger(), nullable=True),
        sa.Column("device_id", sa.BigInteger(), nullable=True),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("told", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_event")),
        sa.UniqueConstraint("id", name=op.f("uq_event_id")),
        sa.UniqueConstraint("sequence", name=op.f("uq_event_sequence")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_activity_id", "event", ["activity_id"], unique=False)
    op.create_index("ix_event_athlete_id", "event", ["athlete_id"], unique=False)
    op.create_index(
        "ix_event_unnumbered",
        "event",
        ["number"],
        unique=False,
        sqlite_where=sa.text("sequence IS NULL"),
        postgresql_where=sa.text("sequence IS NULL"),
    )
    op.create_table(
        "event_audience",
        sa.Column("user_id", ID, autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_event_audience_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sequence"],
            ["event.sequence"],
            name=op.f("fk_event_audience_sequence_event"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "sequence", name=op.f("pk_event_audience")),
    )
    op.create_index("ix_event_audience_sequence", "event_audience", ["sequence"], unique=False)
    op.create_table(
        "resource_revision",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("resource_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "resource_id", name=op.f("pk_resource_revision")),
    )
    log = op.create_table(
        "event_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("kept_from", sa.BigInteger(), nullable=False),
        sa.Column("expired_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_log")),
    )
    moment = time.time_ns() // 1_000_000
    op.bulk_insert(log, [{"id": 1, "last": 0, "kept_from": 1, "expired_until": moment}])
    # Whose permission ends by the clock is told when it does.
    op.create_index(
        "ix_athlete_permission_expiration_time",
        "athlete_permission",
        ["expiration_time"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_athlete_permission_expiration_time", "athlete_permission")
    for table in ("event_audience", "event_log", "resource_revision", "event"):
        op.drop_table(table)
