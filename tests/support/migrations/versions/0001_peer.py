"""The tables of a test's own service, as its metadata has them."""

from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    context.get_context().opts["target_metadata"].create_all(op.get_bind())
