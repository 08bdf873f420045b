"""Users as the console last told of them, in the schema of a service that must know them."""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from .events import UserChanged
from .work import Work


class KnownUsers:
    """The newest user-changed about each user."""

    def __init__(self, metadata: MetaData) -> None:
        self.table = Table(
            "users",
            metadata,
            Column("name", Text, primary_key=True),
            Column("version", BigInteger, nullable=False),
            Column("event", JSONB, nullable=False, comment="the newest user-changed"),
        )

    async def keep(self, work: Work, event: UserChanged) -> bool:
        """Remembers a user; False if something as new is known."""
        users = self.table
        row = upsert(users).values(name=event.name, version=event.version, event=event.model_dump(mode="json"))
        newer = row.on_conflict_do_update(
            index_elements=[users.c.name],
            set_={"version": row.excluded.version, "event": row.excluded.event},
            where=users.c.version < row.excluded.version,
        )
        return (await work.connection.execute(newer.returning(users.c.name))).first() is not None

    async def everybody(self, work: Work) -> list[UserChanged]:
        """Every user, deleted ones too."""
        found = await work.connection.execute(select(self.table.c.event))
        return [UserChanged.model_validate(event) for event in found.scalars()]
