"""A step's row is its intent; a change knows the number of its steps."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "changes", sa.Column("steps", sa.SmallInteger(), nullable=True, comment="how many it has"), schema="sync"
    )
    op.execute(
        "UPDATE sync.changes c SET steps ="
        " (SELECT count(*) FROM sync.steps s WHERE s.run_id = c.run_id AND s.number = c.number)"
    )
    op.alter_column("changes", "steps", nullable=False, schema="sync")
    op.drop_index("ix_changes_run_id_result", "changes", schema="sync")
    op.execute("ALTER TABLE sync.changes SET (fillfactor = 85)")
    op.execute("DELETE FROM sync.steps WHERE intents = 0 AND result IS NULL")
    op.drop_column("steps", "intents", schema="sync")
    op.create_table_comment(
        "steps",
        "a row is the intent: from its commit on, the step may have been sent",
        schema="sync",
        existing_comment=None,
    )
