"""A step's result finds room beside its intent, and an intent locks no change."""

from alembic import op

revision = "room"
down_revision = "forgetting"


def upgrade() -> None:
    op.execute("ALTER TABLE sync.steps SET (fillfactor = 30)")
    op.drop_constraint("fk_steps_run_id_number", "steps", schema="sync", type_="foreignkey")
