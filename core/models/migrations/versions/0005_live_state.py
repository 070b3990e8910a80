"""A tick stores what a document gained; saved states move to a table of their own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "compute_checkpoint",
        sa.Column("timeframe_id", ID, autoincrement=False, nullable=False),
        sa.Column("saved", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["timeframe_id"],
            ["timeframe.id"],
            name=op.f("fk_compute_checkpoint_timeframe_id_timeframe"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("timeframe_id", name=op.f("pk_compute_checkpoint")),
    )
    op.execute(
        "INSERT INTO compute_checkpoint (timeframe_id, saved) "
        "SELECT timeframe_id, checkpoint FROM compute_state WHERE checkpoint IS NOT NULL"
    )
    with op.batch_alter_table("compute_state") as table:
        table.drop_column("checkpoint")
        table.add_column(sa.Column("live", DOCUMENT, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("compute_state") as table:
        table.drop_column("live")
        table.add_column(sa.Column("checkpoint", sa.LargeBinary(), nullable=True))
    op.drop_table("compute_checkpoint")
