"""The first tables, and what alembic cannot see: ownerships of one device never overlap."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


OVERLAP_TRIGGER = """
CREATE TRIGGER device_ownership_overlap_{event} BEFORE {event} ON device_ownership
WHEN EXISTS (
    SELECT 1 FROM device_ownership
    WHERE device_id = NEW.device_id AND id IS NOT NEW.id
      AND start_time < NEW.end_time AND end_time > NEW.start_time
)
BEGIN SELECT RAISE(ABORT, 'ownerships of one device overlap'); END
"""


def _forbid_overlaps() -> None:
    """Touching windows are allowed: intervals are half-open."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute(
            "ALTER TABLE device_ownership ADD CONSTRAINT ex_device_ownership_overlap "
            "EXCLUDE USING gist (device_id WITH =, int8range(start_time, end_time) WITH &&)"
        )
        # Packed and compressed already: PostgreSQL's own compression would only cost time.
        op.execute("ALTER TABLE sample_tail ALTER COLUMN data SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE sample_block ALTER COLUMN data SET STORAGE EXTERNAL")
    else:
        for event in ("INSERT", "UPDATE"):
            op.execute(OVERLAP_TRIGGER.format(event=event))


def upgrade() -> None:
    op.create_table(
        "device",
        sa.Column("id", ID, nullable=False),
        sa.Column("device_name", sa.String(length=255), nullable=False),
        sa.Column("serial_number", sa.String(length=255), nullable=False),
        sa.Column("device_type", sa.String(length=255), nullable=True),
        sa.Column("firmware_version", sa.String(length=255), nullable=True),
        sa.Column("custom_name", sa.String(length=60), nullable=True),
        sa.Column("activation_time", sa.BigInteger(), nullable=True),
        sa.Column("uplink_token_hash", sa.String(length=64), nullable=True),
        sa.Column("ingest_seq", sa.BigInteger(), nullable=False),
        sa.Column("clock_offsets", DOCUMENT, nullable=False),
        sa.Column("last_contact", sa.BigInteger(), nullable=True),
        sa.Column("newest_t", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("serial_number", "device_name", name=op.f("uq_device_serial_number")),
        sa.UniqueConstraint("uplink_token_hash", name=op.f("uq_device_uplink_token_hash")),
    )
    op.create_index("ix_device_device_name", "device", ["device_name"], unique=False)
    op.create_index("ix_device_serial_number", "device", ["serial_number"], unique=False)

    op.create_table(
        "json_schema",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("type", sa.String(length=9), nullable=False),
        sa.Column("sport", sa.String(length=50), nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("schema", DOCUMENT, nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.CheckConstraint("type IN ('ACTIVITY', 'TIMEFRAME')", name=op.f("ck_json_schema_type")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["json_schema.id"], name=op.f("fk_json_schema_parent_id_json_schema")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_json_schema")),
    )
    op.create_index("ix_json_schema_name", "json_schema", ["name", "id"], unique=False)

    op.create_table(
        "kept_answer",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_answer")),
        sa.UniqueConstraint("scope", name=op.f("uq_kept_answer_scope")),
    )
    op.create_index("ix_kept_answer_created", "kept_answer", ["created"], unique=False)

    op.create_table(
        "oauth_client",
        sa.Column("id", ID, nullable=False),
        sa.Column("client_id", sa.String(length=48), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("grants", DOCUMENT, nullable=False),
        sa.Column("redirect_uris", DOCUMENT, nullable=False),
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("cors_origins", DOCUMENT, nullable=False),
        sa.Column("throttle_class", sa.String(length=16), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_client")),
        sa.UniqueConstraint("client_id", name=op.f("uq_oauth_client_client_id")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("payload", DOCUMENT, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("topic", "key", name=op.f("uq_outbox_topic")),
    )
    op.create_index("ix_outbox_due", "outbox", ["due", "lease"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", ID, nullable=False),
        sa.Column("username", sa.String(length=254), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("extra_permissions", DOCUMENT, nullable=False),
        sa.Column("managed_by_id", ID, nullable=True),
        sa.Column("is_default_athlete", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "role IN ('MANAGER', 'ATHLETE', 'ADMINISTRATOR')", name=op.f("ck_user_account_role")
        ),
        sa.ForeignKeyConstraint(
            ["managed_by_id"],
            ["user_account.id"],
            name=op.f("fk_user_account_managed_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("username", name=op.f("uq_user_account_username")),
    )
    op.create_index("ix_user_account_external_id", "user_account", ["external_id"], unique=False)
    op.create_index(
        "ix_user_account_managed_by_id", "user_account", ["managed_by_id"], unique=False
    )

    op.create_table(
        "access_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("athlete_id", ID, nullable=False),
        sa.Column("reader_id", ID, nullable=True),
        sa.Column("reader", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id"],
            ["user_account.id"],
            name=op.f("fk_access_event_athlete_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["user_account.id"],
            name=op.f("fk_access_event_reader_id_user_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_event")),
        sa.UniqueConstraint(
            "athlete_id", "reader_id", "kind", "hour", name=op.f("uq_access_event_athlete_id")
        ),
    )
    op.create_index("ix_access_event_athlete", "access_event", ["athlete_id", "time"], unique=False)
    op.create_index("ix_access_event_reader_id", "access_event", ["reader_id"], unique=False)

    op.create_table(
        "activity",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("json", DOCUMENT, nullable=False),
        sa.Column("json_schema_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["json_schema_id"],
            ["json_schema.id"],
            name=op.f("fk_activity_json_schema_id_json_schema"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_activity_owner_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index("ix_activity_owner_id", "activity", ["owner_id"], unique=False)

    op.create_table(
        "athlete_permission",
        sa.Column("id", ID, nullable=False),
        sa.Column("athlete_id", ID, nullable=False),
        sa.Column("manager_id", ID, nullable=False),
        sa.Column("permission", sa.String(length=5), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("expiration_time", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "permission IN ('READ', 'WRITE', 'SHARE')",
            name=op.f("ck_athlete_permission_permission"),
        ),
        sa.CheckConstraint(
            "start_time < expiration_time", name=op.f("ck_athlete_permission_order")
        ),
        sa.ForeignKeyConstraint(
            ["athlete_id"],
            ["user_account.id"],
            name=op.f("fk_athlete_permission_athlete_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["manager_id"],
            ["user_account.id"],
            name=op.f("fk_athlete_permission_manager_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_athlete_permission")),
    )
    op.create_index(
        "ix_athlete_permission_manager",
        "athlete_permission",
        ["manager_id", "permission", "expiration_time"],
        unique=False,
    )
    op.create_index(
        "ix_athlete_permission_pair",
        "athlete_permission",
        ["athlete_id", "manager_id", "permission"],
        unique=False,
    )

    op.create_table(
        "athlete_profile",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("first_name", sa.String(length=150), nullable=True),
        sa.Column("last_name", sa.String(length=150), nullable=True),
        sa.Column("gender", sa.String(length=1), nullable=True),
        sa.Column("weight", sa.Double(), nullable=True),
        sa.Column("height", sa.Double(), nullable=True),
        sa.Column("birth_date", sa.String(length=10), nullable=True),
        sa.Column("nationality", sa.String(length=100), nullable=True),
        sa.Column("profile_picture", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_athlete_profile_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_athlete_profile")),
        sa.UniqueConstraint("user_id", name=op.f("uq_athlete_profile_user_id")),
    )
    op.create_index(
        "ix_athlete_profile_name", "athlete_profile", ["last_name", "first_name"], unique=False
    )

    op.create_table(
        "audit_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("before", DOCUMENT, nullable=True),
        sa.Column("after", DOCUMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["user_account.id"],
            name=op.f("fk_audit_event_actor_id_user_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_actor_id", "audit_event", ["actor_id"], unique=False)
    op.create_index("ix_audit_event_target", "audit_event", ["kind", "target_id"], unique=False)

    op.create_table(
        "bluetooth_config",
        sa.Column("device_id", ID, autoincrement=False, nullable=False),
        sa.Column("current", DOCUMENT, nullable=False),
        sa.Column("target", DOCUMENT, nullable=False),
        sa.Column("immediate", sa.Boolean(), nullable=False),
        sa.Column("targeted", sa.BigInteger(), nullable=True),
        sa.Column("reported", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_bluetooth_config_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_bluetooth_config")),
    )
    op.create_table(
        "client_usage",
        sa.Column("client_id", ID, autoincrement=False, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["oauth_client.id"],
            name=op.f("fk_client_usage_client_id_oauth_client"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "day", name=op.f("pk_client_usage")),
    )
    op.create_table(
        "device_ownership",
        sa.Column("id", ID, nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("manager_id", ID, nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("start_time < end_time", name=op.f("ck_device_ownership_order")),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_device_ownership_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["manager_id"],
            ["user_account.id"],
            name=op.f("fk_device_ownership_manager_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_ownership")),
    )
    op.create_index(
        "ix_device_ownership_device",
        "device_ownership",
        ["device_id", "start_time", "end_time"],
        unique=False,
    )
    op.create_index(
        "ix_device_ownership_manager", "device_ownership", ["manager_id", "device_id"], unique=False
    )

    op.create_table(
        "job",
        sa.Column("id", ID, nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.Column("arguments", DOCUMENT, nullable=False),
        sa.Column("submitter_id", ID, nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('PENDING', 'STARTED', 'SUCCESS', 'FAILURE')", name=op.f("ck_job_state")
        ),
        sa.ForeignKeyConstraint(
            ["submitter_id"], ["user_account.id"], name=op.f("fk_job_submitter_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("job_id", name=op.f("uq_job_job_id")),
    )
    op.create_index("ix_job_submitter_id", "job", ["submitter_id"], unique=False)

    op.create_table(
        "manager_profile",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("first_name", sa.String(length=150), nullable=True),
        sa.Column("last_name", sa.String(length=150), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_manager_profile_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manager_profile")),
        sa.UniqueConstraint("user_id", name=op.f("uq_manager_profile_user_id")),
    )
    op.create_table(
        "oauth_code",
        sa.Column("id", ID, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("client_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("family", sa.String(length=36), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("code_challenge", sa.String(length=128), nullable=True),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["oauth_client.id"],
            name=op.f("fk_oauth_code_client_id_oauth_client"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_oauth_code_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_oauth_code_code_hash")),
    )
    op.create_index("ix_oauth_code_client_id", "oauth_code", ["client_id"], unique=False)
    op.create_index("ix_oauth_code_user_id", "oauth_code", ["user_id"], unique=False)

    op.create_table(
        "oauth_consent",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("client_id", ID, nullable=False),
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["oauth_client.id"],
            name=op.f("fk_oauth_consent_client_id_oauth_client"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_oauth_consent_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_consent")),
        sa.UniqueConstraint("user_id", "client_id", name=op.f("uq_oauth_consent_user_id")),
    )
    op.create_index("ix_oauth_consent_client_id", "oauth_consent", ["client_id"], unique=False)

    op.create_table(
        "oauth_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("client_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("family", sa.String(length=36), nullable=False),
        sa.Column("scope", sa.String(length=255), nullable=False),
        sa.Column("access_hash", sa.String(length=64), nullable=False),
        sa.Column("refresh_hash", sa.String(length=64), nullable=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.Column("refresh_spent", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["oauth_client.id"],
            name=op.f("fk_oauth_token_client_id_oauth_client"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_oauth_token_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_token")),
        sa.UniqueConstraint("access_hash", name=op.f("uq_oauth_token_access_hash")),
        sa.UniqueConstraint("refresh_hash", name=op.f("uq_oauth_token_refresh_hash")),
    )
    op.create_index("ix_oauth_token_family", "oauth_token", ["family"], unique=False)
    op.create_index("ix_oauth_token_user_id", "oauth_token", ["user_id"], unique=False)

    op.create_table(
        "one_time_link",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_one_time_link_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_link_token_hash")),
    )
    op.create_index("ix_one_time_link_user_id", "one_time_link", ["user_id"], unique=False)

    op.create_table(
        "sample_block",
        sa.Column("id", ID, nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("stream", sa.String(length=16), nullable=False),
        sa.Column("t0", sa.BigInteger(), nullable=False),
        sa.Column("t1", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("seq_lo", sa.BigInteger(), nullable=False),
        sa.Column("seq_hi", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_sample_block_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_block")),
    )
    op.create_index(
        "ix_sample_block_time",
        "sample_block",
        ["device_id", "stream", "t0", "t1", "seq_lo", "seq_hi", "n"],
        unique=False,
    )

    op.create_table(
        "sample_tail",
        sa.Column("id", ID, nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("stream", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("t0", sa.BigInteger(), nullable=False),
        sa.Column("t1", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_sample_tail_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_tail")),
    )
    op.create_index(
        "ix_sample_tail_time",
        "sample_tail",
        ["device_id", "stream", "t0", "t1", "seq", "n"],
        unique=False,
    )

    op.create_table(
        "team",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("groups", DOCUMENT, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["user_account.id"],
            name=op.f("fk_team_owner_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    op.create_index("ix_team_owner_id", "team", ["owner_id"], unique=False)

    op.create_table(
        "uplink_batch",
        sa.Column("id", ID, nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("t0", sa.BigInteger(), nullable=False),
        sa.Column("t1", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("response", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name=op.f("fk_uplink_batch_device_id_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uplink_batch")),
        sa.UniqueConstraint("device_id", "batch", name=op.f("uq_uplink_batch_device_id")),
    )
    op.create_index(
        "ix_uplink_batch_seq", "uplink_batch", ["device_id", "seq", "t0", "t1"], unique=True
    )

    op.create_table(
        "uploaded_file",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("uploader_id", ID, nullable=False),
        sa.Column("device_id", ID, nullable=True),
        sa.Column("athlete_id", ID, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["athlete_id"],
            ["user_account.id"],
            name=op.f("fk_uploaded_file_athlete_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_uploaded_file_device_id_device")
        ),
        sa.ForeignKeyConstraint(
            ["uploader_id"],
            ["user_account.id"],
            name=op.f("fk_uploaded_file_uploader_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploaded_file")),
    )
    op.create_index("ix_uploaded_file_athlete_id", "uploaded_file", ["athlete_id"], unique=False)
    op.create_index("ix_uploaded_file_device_id", "uploaded_file", ["device_id"], unique=False)
    op.create_index("ix_uploaded_file_uploader_id", "uploaded_file", ["uploader_id"], unique=False)

    op.create_table(
        "web_session",
        sa.Column("id", ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["user_account.id"],
            name=op.f("fk_web_session_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_web_session_token_hash")),
    )
    op.create_index("ix_web_session_user_id", "web_session", ["user_id"], unique=False)

    op.create_table(
        "team_member",
        sa.Column("id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=False),
        sa.Column("athlete_id", ID, nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("groups", DOCUMENT, nullable=False),
        sa.CheckConstraint("start_time < end_time", name=op.f("ck_team_member_order")),
        sa.ForeignKeyConstraint(
            ["athlete_id"],
            ["user_account.id"],
            name=op.f("fk_team_member_athlete_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_team_member_team_id_team"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_member")),
    )
    op.create_index("ix_team_member_athlete_id", "team_member", ["athlete_id"], unique=False)
    op.create_index(
        "ix_team_member_team", "team_member", ["team_id", "athlete_id", "start_time"], unique=False
    )

    op.create_table(
        "timeframe",
        sa.Column("id", ID, nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("params", DOCUMENT, nullable=False),
        sa.Column("device_id", ID, nullable=False),
        sa.Column("activity_id", ID, nullable=False),
        sa.Column("athlete_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("json_schema_id", ID, nullable=False),
        sa.CheckConstraint("start_time < end_time", name=op.f("ck_timeframe_order")),
        sa.ForeignKeyConstraint(
            ["activity_id"],
            ["activity.id"],
            name=op.f("fk_timeframe_activity_id_activity"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["athlete_id"], ["user_account.id"], name=op.f("fk_timeframe_athlete_id_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_timeframe_device_id_device")
        ),
        sa.ForeignKeyConstraint(
            ["json_schema_id"],
            ["json_schema.id"],
            name=op.f("fk_timeframe_json_schema_id_json_schema"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_timeframe_owner_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeframe")),
    )
    op.create_index("ix_timeframe_activity_id", "timeframe", ["activity_id"], unique=False)
    op.create_index("ix_timeframe_athlete", "timeframe", ["athlete_id", "start_time"], unique=False)
    op.create_index(
        "ix_timeframe_device", "timeframe", ["device_id", "start_time", "end_time"], unique=False
    )
    op.create_index("ix_timeframe_owner", "timeframe", ["owner_id", "id"], unique=False)

    op.create_table(
        "webhook",
        sa.Column("id", ID, nullable=False),
        sa.Column("activity_id", ID, nullable=False),
        sa.Column("webhook_url", sa.String(length=200), nullable=False),
        sa.Column("secret_sealed", sa.String(), nullable=False),
        sa.Column("activity_events", sa.Boolean(), nullable=False),
        sa.Column("timeframes_events", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"],
            ["activity.id"],
            name=op.f("fk_webhook_activity_id_activity"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index("ix_webhook_activity_id", "webhook", ["activity_id"], unique=False)

    op.create_table(
        "compute_state",
        sa.Column("timeframe_id", ID, autoincrement=False, nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("last_t", sa.BigInteger(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=True),
        sa.Column("checkpoint_at", sa.BigInteger(), nullable=True),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("computed_at", sa.BigInteger(), nullable=True),
        sa.Column("refolded_at", sa.BigInteger(), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("arrival", DOCUMENT, nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["timeframe_id"],
            ["timeframe.id"],
            name=op.f("fk_compute_state_timeframe_id_timeframe"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("timeframe_id", name=op.f("pk_compute_state")),
    )
    op.create_table(
        "computed_data",
        sa.Column("id", ID, nullable=False),
        sa.Column("timeframe_id", ID, nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["timeframe_id"],
            ["timeframe.id"],
            name=op.f("fk_computed_data_timeframe_id_timeframe"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_computed_data")),
        sa.UniqueConstraint("timeframe_id", "edition", name=op.f("uq_computed_data_timeframe_id")),
    )
    _forbid_overlaps()


def downgrade() -> None:
    for table in (
        "computed_data",
        "compute_state",
        "webhook",
        "timeframe",
        "team_member",
        "web_session",
        "uploaded_file",
        "uplink_batch",
        "team",
        "sample_tail",
        "sample_block",
        "one_time_link",
        "oauth_token",
        "oauth_consent",
        "oauth_code",
        "manager_profile",
        "job",
        "device_ownership",
        "client_usage",
        "bluetooth_config",
        "audit_event",
        "athlete_profile",
        "athlete_permission",
        "activity",
        "access_event",
        "user_account",
        "outbox",
        "oauth_client",
        "kept_answer",
        "json_schema",
        "device",
    ):
        op.drop_table(table)
