"""Users and tokens are signed.

What stood here before is signed as it is, once: this revision adds the columns, so that it can run no second time, and
leaves no row without a signature. Whoever wrote to the tables before they were signed cannot be found out any more.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

from placet_console.sealing import RowSeals, token_content, user_content

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

USERS = sa.table(
    "users",
    sa.column("name", sa.Text),
    sa.column("email", sa.Text),
    sa.column("roles", postgresql.JSONB),
    sa.column("groups", postgresql.JSONB),
    sa.column("version", sa.BigInteger),
    sa.column("disabled_at", sa.DateTime(timezone=True)),
    sa.column("signature", sa.Text),
    schema="console",
)
TOKENS = sa.table(
    "tokens",
    sa.column("id", sa.Text),
    sa.column("user", sa.Text),
    sa.column("hash", sa.Text),
    sa.column("expires_at", sa.DateTime(timezone=True)),
    sa.column("revoked_at", sa.DateTime(timezone=True)),
    sa.column("signature", sa.Text),
    schema="console",
)


def upgrade() -> None:
    for table in ("users", "tokens"):
        op.add_column(table, sa.Column("signature", sa.Text(), nullable=True), schema="console")
    _sign_all(context.config.attributes["seals"])
    for table in ("users", "tokens"):
        op.alter_column(table, "signature", nullable=False, schema="console")


def _sign_all(seals: RowSeals) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(USERS)).all():
        content = user_content(row.name, row.email, row.roles, row.groups, row.version, row.disabled_at is not None)
        signature = seals.users.seal(content)
        connection.execute(sa.update(USERS).where(USERS.c.name == row.name).values(signature=signature))
    for row in connection.execute(sa.select(TOKENS)).all():
        content = token_content(row.id, row.user, row.hash, row.expires_at, row.revoked_at is not None)
        signature = seals.tokens.seal(content)
        connection.execute(sa.update(TOKENS).where(TOKENS.c.id == row.id).values(signature=signature))
