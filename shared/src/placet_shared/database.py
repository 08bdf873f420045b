"""PostgreSQL: one schema a service, and in each the three tables of delivery."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def open_engine(url: str, application: str, pool_size: int = 5) -> AsyncEngine:
    """An engine on psycopg. A connection that the server dropped is noticed before it is used, one that is cut off
    within half a minute; a process that was suspended in a transaction loses it, and its locks, after as long.
    Errors keep people's values to themselves."""
    options = "-c timezone=UTC -c idle_in_transaction_session_timeout=30s"
    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=5,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"application_name": application, "connect_timeout": 5, "options": options, **_CUT_OFF},
    )


_CUT_OFF = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4, "tcp_user_timeout": 30_000}


class DeliveryTables:
    """The tables of delivery in one service's schema.

    inbox: events that were handled; an id counts within its type, else anyone could burn the id of a signed event with
    an unsigned one. outbox: events to send, in order of `seq`, sent when `sent_at` is set, open until `answered_at`.
    letters: messages that wait for another try (`next_at`) or never will succeed (`dead_at`), with their bytes.
    """

    def __init__(self, metadata: MetaData) -> None:
        self.inbox = _inbox(metadata)
        self.outbox = _outbox(metadata)
        self.letters = _letters(metadata)


def service_metadata(schema: str) -> MetaData:
    """The metadata that a service's tables belong to."""
    return MetaData(schema=schema, naming_convention=NAMING)


_TIME = DateTime(timezone=True)


def _inbox(metadata: MetaData) -> Table:
    return Table(
        "inbox",
        metadata,
        Column("event_id", Text, primary_key=True),
        Column("type", Text, primary_key=True),
        Column("subject", Text, nullable=False),
        Column("received_at", _TIME, nullable=False, server_default=func.now()),
    )


def _outbox(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Text, nullable=False, unique=True),
        Column("topic", Text, nullable=False),
        Column("key", LargeBinary),
        Column("subject", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", _TIME, nullable=False, server_default=func.now()),
        Column("sent_at", _TIME),
        Column("resends", Integer, nullable=False, server_default=text("0")),
        Column("answered_at", _TIME),
        Index(None, "subject", "topic"),
        Index("ix_outbox_unsent", "seq", postgresql_where=text("sent_at IS NULL")),
        Index("ix_outbox_sent", "sent_at"),
        Index("ix_outbox_open", "topic", "sent_at", postgresql_where=text("answered_at IS NULL")),
    )


def _letters(metadata: MetaData) -> Table:
    return Table(
        "letters",
        metadata,
        Column("id", Text, primary_key=True),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("key", LargeBinary),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary),
        Column("reason", Text, nullable=False),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("received_at", _TIME, nullable=False, server_default=func.now()),
        Column("next_at", _TIME),
        Column("dead_at", _TIME),
        Index("ix_letters_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )
