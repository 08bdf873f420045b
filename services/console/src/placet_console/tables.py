"""The schema of the console: users and their tokens."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from placet_shared.database import DeliveryTables, service_metadata

metadata = service_metadata("console")
delivery = DeliveryTables(metadata)

_TIME = DateTime(timezone=True)

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("email", Text),
    Column("roles", JSONB, nullable=False),
    Column("groups", JSONB, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("disabled_at", _TIME),
    Column("signature", Text, nullable=False),
    Index("uq_users_email", text("lower(email)"), unique=True),
    comment="an approver may be meant by e-mail, so no two users have the same",
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", Text, ForeignKey(users.c.name), nullable=False, index=True),
    Column("hash", Text, nullable=False, comment="argon2id of the secret"),
    Column("created_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME),
    Column("revoked_at", _TIME),
    Column("last_used_at", _TIME),
    Column("signature", Text, nullable=False),
)
