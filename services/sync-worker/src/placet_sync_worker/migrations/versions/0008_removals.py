"""Removals of one run at a time at each store.

Revision ID: removals_in_turn
"""

import sqlalchemy as sa
from alembic import op

revision = "removals_in_turn"
down_revision = "looks_at_the_source"


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column(
            "removes_from",
            sa.Text(),
            nullable=True,
            comment="the store whose removals are this run's alone until its end",
        ),
        schema="sync",
    )
    op.alter_column(
        "runs",
        "state",
        comment="ordered, planned, applying, looking, waiting, finished",
        existing_comment="ordered, planned, applying, looking, finished",
        schema="sync",
    )
    op.create_index(
        "ix_runs_removes_from",
        "runs",
        ["removes_from"],
        unique=True,
        schema="sync",
        postgresql_where=sa.text("state <> 'finished'"),
    )
