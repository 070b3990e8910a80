"""Results are stamped with the versions of their metrics; the plan of a recomputation."""

import hashlib

import rfc8785
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recomputation",
        sa.Column("timeframe_id", ID, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("finished", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["timeframe_id"],
            ["timeframe.id"],
            name=op.f("fk_recomputation_timeframe_id_timeframe"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("timeframe_id", name=op.f("pk_recomputation")),
    )
    op.create_index("ix_recomputation_state", "recomputation", ["state", "timeframe_id"])
    op.add_column("compute_state", sa.Column("versions", sa.String(length=64), nullable=True))
    op.create_index("ix_compute_state_versions", "compute_state", ["versions"])
    _stamp()


def _stamp() -> None:
    """What is there already, by the versions that its documents name."""
    table = sa.table
    state = table("compute_state", *map(sa.column, ("timeframe_id", "edition", "versions")))
    stored = table(
        "computed_data",
        sa.column("timeframe_id"),
        sa.column("edition"),
        sa.column("document", DOCUMENT),
    )
    frame = table("timeframe", sa.column("id"), sa.column("json_schema_id"))
    schema = table("json_schema", sa.column("id"), sa.column("sport"))
    rows = op.get_bind().execute(
        sa.select(state.c.timeframe_id, schema.c.sport, stored.c.document["metrics"])
        .join(stored, stored.c.timeframe_id == state.c.timeframe_id)
        .join(frame, frame.c.id == state.c.timeframe_id)
        .join(schema, schema.c.id == frame.c.json_schema_id)
        .where(stored.c.edition == state.c.edition)
    )
    alike: dict[str, list[int]] = {}
    for frame_id, sport, metrics in rows:
        named = rfc8785.dumps({"sport": sport, "metrics": metrics})
        alike.setdefault(hashlib.sha256(named).hexdigest(), []).append(frame_id)
    for stamp, ids in alike.items():
        for start in range(0, len(ids), 10_000):
            some = state.c.timeframe_id.in_(ids[start : start + 10_000])
            op.execute(state.update().where(some).values(versions=stamp))


def downgrade() -> None:
    op.drop_index("ix_compute_state_versions", "compute_state")
    with op.batch_alter_table("compute_state") as table:
        table.drop_column("versions")
    op.drop_table("recomputation")
