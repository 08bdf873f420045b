"""The source is read again between plan and apply.

Revision ID: looks_at_the_source
"""

import sqlalchemy as sa
from alembic import op

revision = "looks_at_the_source"
down_revision = "passwords"


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column(
            "record_key",
            sa.LargeBinary(),
            nullable=True,
            comment="of the digests of the records that the plan was made from",
        ),
        schema="sync",
    )
    op.add_column(
        "runs",
        sa.Column(
            "looked_at", sa.DateTime(timezone=True), nullable=True, comment="when the source was last read again"
        ),
        schema="sync",
    )
    op.alter_column(
        "runs",
        "state",
        comment="ordered, planned, applying, looking, finished",
        existing_comment="ordered, planned, applying, finished",
        schema="sync",
    )
    op.create_index(
        "ix_runs_to_look",
        "runs",
        ["next_at"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("state = 'looking'"),
    )
