"""The worker's schema: runs, their plans, and the links between entries and the records that manage them."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from placet_shared.database import DeliveryTables, service_metadata

metadata = service_metadata("sync")
delivery = DeliveryTables(metadata)

_TIME = DateTime(timezone=True)

LARGEST_NUMBER = 2**31 - 1
"""No change or step has a larger one: PostgreSQL's integers end here."""

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("job", Text, nullable=False),
    Column("preview", Boolean, nullable=False),
    Column("order_token", Text, nullable=False),
    Column("plan_token", Text),
    Column("decision_token", Text),
    Column("state", Text, nullable=False, comment="ordered, planned, applying, looking, waiting, finished"),
    Column("phase", SmallInteger, comment="the phase that is applied now"),
    Column("ending", Text, comment="cancelled, expired or gave_up: no further step is written"),
    Column("outcome", Text),
    Column("reason", Text),
    Column("counts", JSONB),
    Column("valid_until", _TIME),
    Column("mark", JSONB, comment="basis and stamp of the job's mark, if the run succeeds"),
    Column("give_up_after", Integer, comment="seconds that applying may stand still"),
    Column("stalled_since", _TIME, comment="since when no step was settled although one was tried"),
    Column("stalls", Integer, nullable=False, server_default=text("0")),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", _TIME),
    Column("next_at", _TIME, nullable=False, server_default=func.now()),
    Column("first_attempt_at", _TIME),
    Column("ordered_at", _TIME, nullable=False, server_default=func.now()),
    Column("planned_at", _TIME),
    Column("record_key", LargeBinary, comment="of the digests of the records that the plan was made from"),
    Column("removes_from", Text, comment="the store whose removals are this run's alone until its end"),
    Column("looked_at", _TIME, comment="when the source was last read again"),
    Column("finished_at", _TIME),
    Column("values_erased_at", _TIME, comment="when what the run says of people was erased"),
    Index("ix_runs_to_plan", "next_at", postgresql_where=text("state = 'ordered'")),
    Index("ix_runs_removes_from", "removes_from", unique=True, postgresql_where=text("state <> 'finished'")),
    Index("ix_runs_to_forget", "finished_at", postgresql_where=text("values_erased_at IS NULL")),
    Index("ix_runs_to_look", "next_at", postgresql_where=text("state = 'looking'")),
)

batches = Table(
    "batches",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("run_id", Text, ForeignKey(runs.c.run_id), nullable=False),
    Column("phase", SmallInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("items", JSONB, nullable=False, comment="[[change number, [step numbers]], …] in the order of the digest"),
    Column("state", Text, nullable=False, comment="waiting, ready, done"),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("lease_until", _TIME),
    Column("next_at", _TIME, nullable=False, server_default=func.now()),
    Index(None, "run_id", "phase", "ordinal", unique=True),
    Index("ix_batches_ready", "next_at", postgresql_where=text("state = 'ready'")),
)

changes = Table(
    "changes",
    metadata,
    Column("run_id", Text, ForeignKey(runs.c.run_id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("op", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("salt", LargeBinary, comment="erased together with the document"),
    Column("document", JSONB, comment="the change: what the hash is over"),
    Column("steps", SmallInteger, nullable=False, comment="how many it has"),
    Index("ix_changes_created", "key", postgresql_using="hash", postgresql_where=text("op = 'create'")),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("result", Text, nullable=False),
    Column("reason", Text),
    comment="what became of the changes whose steps all have results: changes themselves are never written again",
)

steps = Table(
    "steps",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", SmallInteger, primary_key=True),
    Column("result", Text),
    Column("reason", Text),
    Column("version", Text, comment="the entry's version after the step was proven"),
    Column("entry_id", Text, comment="of an add that was proven: the new entry's id, which references wait for"),
    comment="a row is the intent: from its commit on, the step may have been sent",
    postgresql_with={"fillfactor": 30},
)

rejected = Table(
    "rejected",
    metadata,
    Column("run_id", Text, ForeignKey(runs.c.run_id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record", Text, nullable=False),
    Column("key", Text),
    Column("attribute", Text),
    Column("reason", Text, nullable=False),
)

explanations = Table(
    "explanations",
    metadata,
    Column("run_id", Text, ForeignKey(runs.c.run_id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("document", JSONB, comment="Explanation.document(): values of people, erased as those of changes are"),
    comment="why records of a preview become what they do; nothing is approved or applied by it",
)

matches = Table(
    "matches",
    metadata,
    Column("run_id", Text, ForeignKey(runs.c.run_id), primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("source_key", Text, nullable=False),
    comment="entries that a run found to belong to records, until its end makes links of them",
)

links = Table(
    "links",
    metadata,
    Column("store", Text, primary_key=True),
    Column("entry_id", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),
    Column("source_key", Text, nullable=False),
    Column("linked_at", _TIME, nullable=False, server_default=func.now()),
    Column(
        "unfinished", Boolean, nullable=False, server_default=text("false"),
        comment="the entry was added and has not gone through all steps of its creation: the next plan takes it up",
    ),
    Index("ix_links_by_key", "source_key", postgresql_using="hash"),
)  # fmt: skip

marks = Table(
    "marks",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("job", Text, nullable=False, index=True),
    Column("basis", Text, nullable=False, comment="a hash of what decides which records mean what"),
    Column("stamp", Text, comment="from where the next run reads on; null: everything"),
    Column("waiting", ARRAY(Text), nullable=False, comment="keys that are read again in any case"),
    Column("run_id", Text, nullable=False),
    Column("moved_at", _TIME, nullable=False, server_default=func.now()),
    comment="how far jobs of mode changed have read",
)

passwords = Table(
    "passwords",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", SmallInteger, nullable=False, comment="the step that sets it"),
    Column("sealed", Text, comment="JWE by the password key; erased when it was received, not proven, or expired"),
    Column("made_at", _TIME, nullable=False, server_default=func.now()),
    Column("expires_at", _TIME, nullable=False),
    Column("taken_by", Text, comment="the one user who may take it"),
    Column("taken_at", _TIME),
    Column("erased", Text, comment="received, not proven, expired"),
    Column("erased_at", _TIME),
    ForeignKeyConstraint(["run_id", "number"], [changes.c.run_id, changes.c.number]),
    Index("ix_passwords_kept", "expires_at", postgresql_where=text("sealed IS NOT NULL")),
    comment="made passwords until somebody took them, and who that was",
)
