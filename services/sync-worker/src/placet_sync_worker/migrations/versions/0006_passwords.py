"""Made passwords are kept, sealed, until somebody took them."""

import sqlalchemy as sa
from alembic import op

revision = "passwords"
down_revision = "unfinished"


def upgrade() -> None:
    op.create_table(
        "passwords",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False, comment="the step that sets it"),
        sa.Column(
            "sealed",
            sa.Text(),
            nullable=True,
            comment="JWE by the password key; erased when it was received, not proven, or expired",
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True, comment="the one user who may take it"),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased", sa.Text(), nullable=True, comment="received, not proven, expired"),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "number"],
            ["sync.changes.run_id", "sync.changes.number"],
            name=op.f("fk_passwords_run_id"),
        ),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_passwords")),
        schema="sync",
        comment="made passwords until somebody took them, and who that was",
    )
    op.create_index(
        "ix_passwords_kept",
        "passwords",
        ["expires_at"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("sealed IS NOT NULL"),
    )
