"""The scheduler's schema: the catalogue, runs, and what waits for its time."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

from placet_shared.database import DeliveryTables, service_metadata

metadata = service_metadata("scheduler")
delivery = DeliveryTables(metadata)

_TIME = DateTime(timezone=True)

objects = Table(
    "objects",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("object_id", Text, nullable=False, comment="another one when a deleted object is made again"),
    Column("version", Integer, nullable=False, comment="counts on over deletions"),
    Column("document", JSONB, nullable=False, comment="of a deleted object: as it was last"),
    Column("updated_at", _TIME, nullable=False, server_default=func.now()),
    Column("updated_by", Text, nullable=False),
    Column("deleted_at", _TIME),
    Column("signature", Text, nullable=False, comment="over all that orders use"),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("job", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text),
    Column("trigger", Text, nullable=False),
    Column("trigger_reason", Text, comment="why it was asked for, if that was said"),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", _TIME, nullable=False),
    Column("finished_at", _TIME),
    Column("preview", Boolean, nullable=False),
    Column("order_token", Text, nullable=False),
    Column("plan_token", Text),
    Column("plan", JSONB, comment="as the interface shows it"),
    Column("request_id", Text),
    Column("results", JSONB, nullable=False),
    Column("reason", Text),
    Column("cancel_asked", Boolean, nullable=False, server_default=text("false")),
    Column(
        "cancel_unless_approved",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="so far an edit alone asked; a person may still do so",
    ),
    Index(
        "uq_runs_one_open",
        "job",
        unique=True,
        postgresql_where=text("state <> 'finished' AND NOT preview"),
    ),
    Index("ix_runs_open", "state", postgresql_where=text("state <> 'finished'")),
    Index(None, "requested_at", "run_id"),
    Index(None, "job", "requested_at"),
)

waiting = Table(
    "waiting",
    metadata,
    Column("job", Text, primary_key=True),
    Column("trigger", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    comment="one start that is remembered while a run of the job is open",
)

slots = Table(
    "slots",
    metadata,
    Column("job", Text, primary_key=True),
    Column("next_at", _TIME, nullable=False, index=True),
    comment="when each job starts next by its schedule",
)

asked = Table(
    "asked",
    metadata,
    Column("user", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False, comment="a hash: the same key may not ask for something else"),
    Column("run_id", Text, nullable=False),
    Column("asked_at", _TIME, nullable=False, server_default=func.now()),
    comment="idempotency keys of requests for runs",
)
