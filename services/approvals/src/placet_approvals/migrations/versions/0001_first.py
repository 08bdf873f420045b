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
        "inbox",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "type", name=op.f("pk_inbox")),
        schema="approvals",
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
        schema="approvals",
    )
    op.create_index(
        "ix_letters_due",
        "letters",
        ["next_at"],
        unique=False,
        schema="approvals",
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
        schema="approvals",
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["topic", "sent_at"],
        unique=False,
        schema="approvals",
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_index("ix_outbox_sent", "outbox", ["sent_at"], unique=False, schema="approvals")
    op.create_index(op.f("ix_outbox_subject_topic"), "outbox", ["subject", "topic"], unique=False, schema="approvals")
    op.create_index(
        "ix_outbox_unsent",
        "outbox",
        ["seq"],
        unique=False,
        schema="approvals",
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_token", sa.Text(), nullable=True, comment="null: the run was over before its plan came"),
        sa.Column("plan_token", sa.Text(), nullable=True),
        sa.Column("decision_token", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False, comment="open, approved, denied, withdrawn"),
        sa.Column("request_id", sa.Text(), nullable=True, comment="null: no person was asked"),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
        sa.UniqueConstraint("request_id", name=op.f("uq_runs_request_id")),
        sa.UniqueConstraint("seq", name=op.f("uq_runs_seq")),
        schema="approvals",
        comment="tokens are the signed order, plan and decision: everything that is judged or shown is read from them",
    )
    op.create_index(
        "ix_runs_open",
        "runs",
        ["expires_at"],
        unique=False,
        schema="approvals",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="the newest user-changed"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
        schema="approvals",
    )
    op.create_table(
        "votes",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("voter", sa.Text(), nullable=False),
        sa.Column("approve", sa.Boolean(), nullable=False),
        sa.Column("voted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False, comment="what the console signed for this very call"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="the call's body, which the identity covers"),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["approvals.runs.request_id"], name=op.f("fk_votes_request_id")),
        sa.PrimaryKeyConstraint("request_id", "voter", "approve", name=op.f("pk_votes")),
        schema="approvals",
    )
