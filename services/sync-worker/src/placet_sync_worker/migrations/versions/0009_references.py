"""References are resolved by what the creates of a run made; they have two phases of their own."""

import sqlalchemy as sa
from alembic import op

revision = "references"
down_revision = "removals_in_turn"


def upgrade() -> None:
    comment = "of an add that was proven: the new entry's id, which references wait for"
    op.add_column("steps", sa.Column("entry_id", sa.Text(), nullable=True, comment=comment), schema="sync")
    op.create_index(
        "ix_changes_created",
        "changes",
        ["key"],
        schema="sync",
        postgresql_using="hash",
        postgresql_where=sa.text("op = 'create'"),
    )
    for table in ("batches", "runs"):  # removals, the last first: no two batches of a run have one number at any time
        phase = sa.table(table, sa.column("phase"), schema="sync")
        for before in (4, 3):
            op.execute(sa.update(phase).where(phase.c.phase == before).values(phase=before + 1))
