"""The notifier's schema: what happened, whom it was told, and the newest settings and users."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from placet_shared.database import DeliveryTables, service_metadata
from placet_shared.known_users import KnownUsers

metadata = service_metadata("notifier")
delivery = DeliveryTables(metadata)

_TIME = DateTime(timezone=True)

causes = Table(
    "causes",
    metadata,
    Column("id", Text, primary_key=True, comment="the kind and the id of the run or the request"),
    Column("kind", Text, nullable=False, comment="run-finished, approval-requested"),
    Column("run_id", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("event", JSONB, nullable=False, comment="what mails are made of, at the time of sending"),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Index(None, "run_id"),
    Index(None, "created_at"),
    comment="everything that people may be told about, also when nobody was: a run that is over asks nobody",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True, comment="follows from cause, channel and recipient, whose case is folded"),
    Column("seq", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("cause_id", Text, ForeignKey(causes.c.id), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("message_id", Text, comment="fixed by the first attempt"),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("queued_at", _TIME, nullable=False, server_default=func.now(), comment="last time that somebody asked"),
    Column("next_at", _TIME, nullable=False, server_default=func.now()),
    Column("epoch", Integer, nullable=False, server_default=text("0"), comment="raised by each claim"),
    Column("lease_until", _TIME, comment="set while sending"),
    Column("data_begun_at", _TIME, comment="from here on it may have reached the other side"),
    Column("sent_at", _TIME),
    UniqueConstraint("cause_id", "recipient", "channel"),
    Index("ix_deliveries_due", "next_at", postgresql_where=text("state IN ('queued', 'held')")),
    Index("ix_deliveries_leased", "lease_until", postgresql_where=text("state = 'sending'")),
    Index(None, "created_at"),
)

stores = Table(
    "stores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column(
        "event", JSONB(none_as_null=True), comment="the newest object-changed; null: not heard of it since it is kept"
    ),
)

users = KnownUsers(metadata)
