"""How far jobs that read only what changed have read, and links by their keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "marks"
down_revision = "explanations"


def upgrade() -> None:
    op.create_table(
        "marks",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False, comment="a hash of what decides which records mean what"),
        sa.Column("stamp", sa.Text(), nullable=True, comment="from where the next run reads on; null: everything"),
        sa.Column("waiting", ARRAY(sa.Text()), nullable=False, comment="keys that are read again in any case"),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_marks")),
        schema="sync",
        comment="how far jobs of mode changed have read",
    )
    op.create_index("ix_marks_job", "marks", ["job"], schema="sync")
    op.add_column(
        "runs",
        sa.Column("mark", JSONB(), nullable=True, comment="basis and stamp of the job's mark, if the run succeeds"),
        schema="sync",
    )
    op.create_index("ix_links_by_key", "links", ["source_key"], schema="sync", postgresql_using="hash")
