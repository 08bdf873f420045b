"""A run keeps why it was asked for.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column("trigger_reason", sa.Text(), nullable=True, comment="why it was asked for, if that was said"),
        schema="scheduler",
    )
