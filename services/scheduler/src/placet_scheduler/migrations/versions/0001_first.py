"""The first tables.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asked",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False, comment="a hash: the same key may not ask for something else"),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("user", "key", name=op.f("pk_asked")),
        schema="scheduler",
        comment="idempotency keys of requests for runs",
    )
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "type", name=op.f("pk_inbox")),
        schema="scheduler",
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
        schema="scheduler",
    )
    op.create_index(
        "ix_letters_due",
        "letters",
        ["next_at"],
        unique=False,
        schema="scheduler",
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "objects",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False, comment="another one when a deleted object is made again"),
        sa.Column("version", sa.Integer(), nullable=False, comment="counts on over deletions"),
        sa.Column(
            "document",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="of a deleted object: as it was last",
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", "name", name=op.f("pk_objects")),
        schema="scheduler",
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
        schema="scheduler",
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["topic", "sent_at"],
        unique=False,
        schema="scheduler",
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_index("ix_outbox_sent", "outbox", ["sent_at"], unique=False, schema="scheduler")
    op.create_index(op.f("ix_outbox_subject_topic"), "outbox", ["subject", "topic"], unique=False, schema="scheduler")
    op.create_index(
        "ix_outbox_unsent",
        "outbox",
        ["seq"],
        unique=False,
        schema="scheduler",
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("preview", sa.Boolean(), nullable=False),
        sa.Column("order_token", sa.Text(), nullable=False),
        sa.Column("plan_token", sa.Text(), nullable=True),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="as the interface shows it"),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("results", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cancel_asked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
        schema="scheduler",
    )
    op.create_index(op.f("ix_runs_job_requested_at"), "runs", ["job", "requested_at"], unique=False, schema="scheduler")
    op.create_index(
        "ix_runs_open",
        "runs",
        ["state"],
        unique=False,
        schema="scheduler",
        postgresql_where=sa.text("state <> 'finished'"),
    )
    op.create_index(
        op.f("ix_runs_requested_at_run_id"), "runs", ["requested_at", "run_id"], unique=False, schema="scheduler"
    )
    op.create_index(
        "uq_runs_one_open",
        "runs",
        ["job"],
        unique=True,
        schema="scheduler",
        postgresql_where=sa.text("state <> 'finished' AND NOT preview"),
    )
    op.create_table(
        "slots",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_slots")),
        schema="scheduler",
        comment="when each job starts next by its schedule",
    )
    op.create_index(op.f("ix_slots_next_at"), "slots", ["next_at"], unique=False, schema="scheduler")
    op.create_table(
        "waiting",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_waiting")),
        schema="scheduler",
        comment="one start that is remembered while a run of the job is open",
    )
