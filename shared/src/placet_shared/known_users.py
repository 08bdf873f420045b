"""Users as the console last told of them, in the schema of a service that must know them."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import BigInteger, Column, MetaData, Row, Table, Text, delete, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from .alarms import raise_alarm
from .chain import Verifier
from .errors import ForgedEventError
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

    async def keep(self, work: Work, event: UserChanged, verifier: Verifier) -> bool:
        """Remembers a user; False if something as new is known. What somebody altered makes room."""
        users = self.table
        known = await work.connection.execute(select(users).where(users.c.name == event.name).with_for_update())
        if (row := known.one_or_none()) is not None and _as_signed(row, verifier) is None:
            await work.connection.execute(delete(users).where(users.c.name == event.name))
        kept = upsert(users).values(name=event.name, version=event.version, event=event.model_dump(mode="json"))
        newer = kept.on_conflict_do_update(
            index_elements=[users.c.name],
            set_={"version": kept.excluded.version, "event": kept.excluded.event},
            where=users.c.version < kept.excluded.version,
        )
        return (await work.connection.execute(newer.returning(users.c.name))).first() is not None

    async def everybody(self, work: Work, verifier: Verifier) -> list[UserChanged]:
        """Every user as the console signed it, deleted ones too; one that was altered is an alarm and nobody."""
        found = await work.connection.execute(select(self.table))
        return [user for row in found if (user := _as_signed(row, verifier)) is not None]


def _as_signed(row: Row[Any], verifier: Verifier) -> UserChanged | None:
    try:
        user = UserChanged.model_validate(row.event)
        verifier.event(user, "console")
        if (user.name, user.version) == (row.name, row.version):
            return user
    except (ForgedEventError, ValidationError):
        pass  # said below
    raise_alarm("altered", user=row.name, reason="this is not what the console said of them")
    return None
