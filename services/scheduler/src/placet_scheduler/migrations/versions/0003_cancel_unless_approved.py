"""A person may still cancel a run that an edit wanted to end unless it was approved.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "runs",
        sa.Column(
            "cancel_unless_approved",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="so far an edit alone asked; a person may still do so",
        ),
        schema="scheduler",
    )
