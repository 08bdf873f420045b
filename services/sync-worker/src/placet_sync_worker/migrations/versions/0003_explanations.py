"""Why the records that a preview was asked for become what they do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "explanations"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "explanations",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "document",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Explanation.document(): values of people, erased as those of changes are",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["sync.runs.run_id"], name=op.f("fk_explanations_run_id_runs")),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_explanations")),
        schema="sync",
        comment="why records of a preview become what they do; nothing is approved or applied by it",
    )
