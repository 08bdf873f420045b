"""The schema of approvals: one row a run, the votes about it, and the users as they last were."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)

from placet_shared.database import DeliveryTables, service_metadata
from placet_shared.known_users import KnownUsers

metadata = service_metadata("approvals")
delivery = DeliveryTables(metadata)

_TIME = DateTime(timezone=True)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("seq", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("order_token", Text, comment="null: the run was over before its plan came"),
    Column("plan_token", Text),
    Column("decision_token", Text),
    Column("state", Text, nullable=False, comment="open, approved, denied, withdrawn"),
    Column("request_id", Text, unique=True, comment="null: no person was asked"),
    Column("opened_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME),  # when to look again: until when people may decide follows from the tokens
    Column("closed_at", _TIME),
    Column("closed_by", Text),
    Column("closed_because", Text),
    Index("ix_runs_open", "expires_at", postgresql_where=text("state = 'open'")),
    comment="tokens are the signed order, plan and decision: everything that is judged or shown is read from them",
)

votes = Table(
    "votes",
    metadata,
    Column("request_id", Text, ForeignKey(runs.c.request_id), primary_key=True),
    Column("voter", Text, primary_key=True),
    Column("approve", Boolean, primary_key=True),
    Column("voted_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
    Column("identity", Text, nullable=False, comment="what the console signed for this very call"),
    Column("body", LargeBinary, nullable=False, comment="the call's body, which the identity covers"),
    Column("idempotency_key", Text),
)

users = KnownUsers(metadata)
