"""Webhooks that outlive their activity, their deliveries and every attempt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("webhook") as table:
        table.drop_constraint("fk_webhook_activity_id_activity", type_="foreignkey")
        table.add_column(sa.Column("owner_id", ID, nullable=True))
        table.add_column(sa.Column("previous_sealed", sa.String(), nullable=True))
        table.add_column(sa.Column("previous_until", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("events", DOCUMENT, nullable=True))
        table.add_column(
            sa.Column(
                "secret_header",
                sa.String(length=64),
                nullable=False,
                server_default="X-Secret-Token",
            )
        )
        for name, kind, default in (
            ("verify", sa.Boolean(), sa.false()),
            ("state", sa.String(length=8), "active"),
            ("since", sa.BigInteger(), "0"),
            ("held_until", sa.BigInteger(), "0"),
        ):
            table.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        table.add_column(sa.Column("reason", sa.String(length=300), nullable=True))
        table.add_column(sa.Column("last", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE webhook SET owner_id = "
        "(SELECT owner_id FROM activity WHERE activity.id = webhook.activity_id)"
    )
    with op.batch_alter_table("webhook") as table:
        table.alter_column("owner_id", existing_type=ID, nullable=False)
        for name, kind in (
            ("secret_header", sa.String(length=64)),
            ("verify", sa.Boolean()),
            ("state", sa.String(length=8)),
            ("since", sa.BigInteger()),
            ("held_until", sa.BigInteger()),
        ):
            table.alter_column(name, existing_type=kind, server_default=None)
        table.create_foreign_key(
            op.f("fk_webhook_owner_id_user_account"),
            "user_account",
            ["owner_id"],
            ["id"],
            ondelete="CASCADE",
        )
        table.create_check_constraint(
            op.f("ck_webhook_state"), "state IN ('active', 'pending', 'disabled')"
        )
        table.create_index("ix_webhook_owner_id", ["owner_id"])
    op.create_table(
        "delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("message", sa.String(length=64), nullable=False),
        sa.Column("event_number", ID, nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("replay", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'failed')", name=op.f("ck_delivery_state")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhook.id"],
            name=op.f("fk_delivery_webhook_id_webhook"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_number"],
            ["event.number"],
            name=op.f("fk_delivery_event_number_event"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("webhook_id", "message", name=op.f("uq_delivery_webhook_id")),
    )
    op.create_index("ix_delivery_event_number", "delivery", ["event_number"])
    op.create_index("ix_delivery_next", "delivery", ["webhook_id", "state", "resource", "sequence"])
    op.create_table(
        "delivery_attempt",
        sa.Column("id", ID, nullable=False),
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name=op.f("fk_delivery_attempt_delivery_id_delivery"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhook.id"],
            name=op.f("fk_delivery_attempt_webhook_id_webhook"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )
    op.create_index("ix_delivery_attempt_delivery_id", "delivery_attempt", ["delivery_id"])
    op.create_index("ix_delivery_attempt_webhook", "delivery_attempt", ["webhook_id", "time"])


def downgrade() -> None:
    for name in ("delivery_attempt", "delivery"):
        op.drop_table(name)
    op.execute("DELETE FROM webhook WHERE activity_id NOT IN (SELECT id FROM activity)")
    with op.batch_alter_table("webhook") as webhook:
        webhook.drop_index("ix_webhook_owner_id")
        webhook.drop_constraint("ck_webhook_state", type_="check")
        webhook.drop_constraint("fk_webhook_owner_id_user_account", type_="foreignkey")
        for column in (
            "owner_id", "previous_sealed", "previous_until", "events", "secret_header", "verify",
            "state", "reason", "since", "last", "held_until",
        ):  # fmt: skip
            webhook.drop_column(column)
        webhook.create_foreign_key(
            op.f("fk_webhook_activity_id_activity"),
            "activity",
            ["activity_id"],
            ["id"],
            ondelete="CASCADE",
        )
