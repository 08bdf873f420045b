"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the schema's tables."""
    op.create_table(
        "causes",
        sa.Column("id", sa.Text(), nullable=False, comment="the kind and the id of the run or the request"),
        sa.Column("kind", sa.Text(), nullable=False, comment="run-finished, approval-requested"),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column(
            "event",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="what mails are made of, at the time of sending",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_causes")),
        schema="notifier",
        comment="everything that people may be told about, also when nobody was: a run that is over asks nobody",
    )
    op.create_index(op.f("ix_causes_created_at"), "causes", ["created_at"], unique=False, schema="notifier")
    op.create_index(op.f("ix_causes_run_id"), "causes", ["run_id"], unique=False, schema="notifier")
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "type", name=op.f("pk_inbox")),
        schema="notifier",
    )
    op.create_table(
        "letters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        schema="notifier",
    )
    op.create_index(
        "ix_letters_due",
        "letters",
        ["next_at"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resends", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
        schema="notifier",
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["topic", "sent_at"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_index("ix_outbox_sent", "outbox", ["sent_at"], unique=False, schema="notifier")
    op.create_index(op.f("ix_outbox_subject_topic"), "outbox", ["subject", "topic"], unique=False, schema="notifier")
    op.create_index(
        "ix_outbox_unsent",
        "outbox",
        ["seq"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "stores",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "notifications",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="null: none, or the provider is gone",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stores")),
        schema="notifier",
    )
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="the newest user-changed"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
        schema="notifier",
    )
    op.create_table(
        "deliveries",
        sa.Column(
            "id", sa.Text(), nullable=False, comment="follows from cause, channel and recipient, whose case is folded"
        ),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True, comment="fixed by the first attempt"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "queued_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="last time that somebody asked",
        ),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="raised by each claim"),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True, comment="set while sending"),
        sa.Column(
            "data_begun_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="from here on it may have reached the other side",
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["cause_id"], ["notifier.causes.id"], name=op.f("fk_deliveries_cause_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("cause_id", "recipient", "channel", name=op.f("uq_deliveries_cause_id_recipient_channel")),
        sa.UniqueConstraint("seq", name=op.f("uq_deliveries_seq")),
        schema="notifier",
    )
    op.create_index(op.f("ix_deliveries_created_at"), "deliveries", ["created_at"], unique=False, schema="notifier")
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["next_at"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("state IN ('queued', 'held')"),
    )
    op.create_index(
        "ix_deliveries_leased",
        "deliveries",
        ["lease_until"],
        unique=False,
        schema="notifier",
        postgresql_where=sa.text("state = 'sending'"),
    )
