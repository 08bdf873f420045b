"""Each object of the catalogue is signed.

What stood here before is signed as it is, once: this revision adds the column, so that it can run no second time, and
leaves no row without a signature. Whoever wrote to the table before it was signed cannot be found out any more. The
workflow `default` gets a row also where there is none, deleted: that it is missing is an alarm from now on.

Revision ID: 0002
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

from placet_scheduler.catalogue_store import content_of
from placet_shared.seals import Seals

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OBJECTS = sa.table(
    "objects",
    sa.column("kind", sa.Text),
    sa.column("name", sa.Text),
    sa.column("object_id", sa.Text),
    sa.column("version", sa.Integer),
    sa.column("document", postgresql.JSONB),
    sa.column("deleted_at", sa.DateTime(timezone=True)),
    sa.column("updated_by", sa.Text),
    sa.column("signature", sa.Text),
    schema="scheduler",
)


def upgrade() -> None:
    op.add_column(
        "objects",
        sa.Column("signature", sa.Text(), nullable=True, comment="over all that orders use"),
        schema="scheduler",
    )
    _add_default_workflow()
    _sign_all(context.config.attributes["seals"])
    op.alter_column("objects", "signature", nullable=False, schema="scheduler")


def _add_default_workflow() -> None:
    row = postgresql.insert(OBJECTS).values(
        kind="workflow", name="default", object_id=str(uuid4()), version=0, document={}, deleted_at=sa.func.now(),
        updated_by="scheduler",
    )  # fmt: skip
    op.get_bind().execute(row.on_conflict_do_nothing())


def _sign_all(seals: Seals) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(OBJECTS)).all():
        content = content_of(row.kind, row.name, row.object_id, row.version, row.document, row.deleted_at is not None)
        same = sa.and_(OBJECTS.c.kind == row.kind, OBJECTS.c.name == row.name)
        connection.execute(sa.update(OBJECTS).where(same).values(signature=seals.seal(content)))
