"""The numbers that devices give their batches."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    last = sa.Column("last_number", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    op.add_column("device", last)
    op.add_column("uplink_batch", sa.Column("number", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("uplink_batch", "number")
    op.drop_column("device", "last_number")
