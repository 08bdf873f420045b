"""Of each store the event is kept, with its signature, instead of what it said about mail.

What stood here cannot be verified any more. Stores that had mail settings are remembered as such, so that mails wait
for the scheduler, which tells of everything at its start and hourly, and do not go out in another name.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM notifier.stores WHERE notifications IS NULL")
    op.execute("UPDATE notifier.stores SET version = -1")
    op.drop_column("stores", "notifications", schema="notifier")
    op.add_column(
        "stores",
        sa.Column(
            "event",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="the newest object-changed; null: not heard of it since it is kept",
        ),
        schema="notifier",
    )
