"""Values of people are erased some time after the end of their run."""

import sqlalchemy as sa
from alembic import op

revision = "forgetting"
down_revision = "references"


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column(
            "values_erased_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when what the run says of people was erased",
        ),
        schema="sync",
    )
    op.create_index(
        "ix_runs_to_forget",
        "runs",
        ["finished_at"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("values_erased_at IS NULL"),
    )
