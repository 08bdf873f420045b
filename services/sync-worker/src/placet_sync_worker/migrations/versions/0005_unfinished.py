"""A link knows whether its entry was only half made."""

import sqlalchemy as sa
from alembic import op

revision = "unfinished"
down_revision = "marks"


def upgrade() -> None:
    op.add_column(
        "links",
        sa.Column(
            "unfinished",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="the entry was added and has not gone through all steps of its creation: the next plan takes it up",
        ),
        schema="sync",
    )
