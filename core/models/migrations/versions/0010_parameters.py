"""Parameters of athletes, each valid from a moment on."""

import sqlalchemy as sa
from alembic import op

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "athlete_parameter",
        sa.Column("id", ID, nullable=False),
        sa.Column("athlete_id", ID, nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id"],
            ["user_account.id"],
            name=op.f("fk_athlete_parameter_athlete_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_athlete_parameter")),
        sa.UniqueConstraint(
            "athlete_id", "name", "valid_from", name=op.f("uq_athlete_parameter_athlete_id")
        ),
    )


def downgrade() -> None:
    op.drop_table("athlete_parameter")
