"""How far each stream of a device and of a fold has come."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device", sa.Column("newest", JSON, nullable=True))
    op.add_column("compute_state", sa.Column("last", JSON, nullable=True))
    op.add_column("uplink_batch", sa.Column("samples_t0", sa.BigInteger(), nullable=True))
    op.add_column("uplink_batch", sa.Column("spans", JSON, nullable=True))
    # Of batches that are here already: no fold reads another stream of them but from its start.
    op.execute("UPDATE uplink_batch SET samples_t0 = t0")


def downgrade() -> None:
    op.drop_column("uplink_batch", "spans")
    op.drop_column("uplink_batch", "samples_t0")
    op.drop_column("compute_state", "last")
    op.drop_column("device", "newest")
