"""The access log says through which program; devices keep the battery's level that they told."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UNIQUE = "uq_access_event_athlete_id"


def upgrade() -> None:
    op.add_column("device", sa.Column("battery", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("access_event") as table:
        table.add_column(
            sa.Column("program", sa.String(length=255), nullable=False, server_default="")
        )
        table.drop_constraint(UNIQUE, type_="unique")
        table.create_unique_constraint(
            UNIQUE, ["athlete_id", "reader_id", "kind", "program", "hour"]
        )
    with op.batch_alter_table("access_event") as table:
        table.alter_column("program", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("device") as table:
        table.drop_column("battery")
    op.execute("DELETE FROM access_event WHERE program <> ''")
    with op.batch_alter_table("access_event") as table:
        table.drop_constraint(UNIQUE, type_="unique")
        table.drop_column("program")
        table.create_unique_constraint(UNIQUE, ["athlete_id", "reader_id", "kind", "hour"])
