"""What became of changes stands beside them: a result that was written into a change copied its whole document."""

import sqlalchemy as sa
from alembic import op

revision = "outcomes"
down_revision = "room"


def upgrade() -> None:
    op.create_table(
        "outcomes",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_outcomes")),
        schema="sync",
        comment="what became of the changes whose steps all have results: changes themselves are never written again",
    )
    op.execute(
        "INSERT INTO sync.outcomes SELECT run_id, number, result, reason FROM sync.changes WHERE result IS NOT NULL"
    )
    op.drop_column("changes", "result", schema="sync")
    op.drop_column("changes", "reason", schema="sync")
    op.execute("ALTER TABLE sync.changes RESET (fillfactor)")
    op.execute("COMMENT ON COLUMN sync.changes.document IS 'the change: what the hash is over'")
