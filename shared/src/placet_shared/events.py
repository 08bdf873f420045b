"""The events, as frozen models. Unknown fields are ignored; missing ones are an error unless they have a default.

An event's plain fields are for readers; what a service acts on stands in the signatures (`chain`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from . import topics

Outcome = Literal["succeeded", "succeeded_with_errors", "failed", "denied", "cancelled", "previewed"]
TriggerKind = Literal["manual", "event", "schedule", "preview"]


class Event(BaseModel):
    """What happened. `topic` is where it is published; `key` is the Kafka key."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    topic: ClassVar[str]

    @property
    def key(self) -> str:
        return self.subject

    @property
    def subject(self) -> str:
        """What the event is about: a run's id, mostly. Answers are matched by it."""
        raise NotImplementedError


class RunEvent(Event):
    """An event in the life of one run."""

    run_id: str

    @property
    def subject(self) -> str:
        return self.run_id


class RunTriggered(Event):
    """Somebody outside asks for a run. The only event that others publish; nothing in it is signed."""

    topic = topics.RUN_TRIGGERS
    job: str
    reason: str = ""
    preview: bool = False

    @property
    def subject(self) -> str:
        return self.job


class RunRequested(RunEvent):
    """A run was ordered. `order` is a JWS over `chain.Order`."""

    topic = topics.RUN_REQUESTED
    job: str
    trigger: TriggerKind
    requested_by: str
    preview: bool
    order: str


class Counts(BaseModel):
    """What a plan holds, by operation; `rejected` records could not be planned, `unlinked` entries are left alone."""

    model_config = ConfigDict(frozen=True)
    create: int = 0
    update: int = 0
    move: int = 0
    disable: int = 0
    delete: int = 0
    unchanged: int = 0
    rejected: int = 0
    unlinked: int = 0

    @property
    def changes(self) -> int:
        return self.create + self.update + self.move + self.disable + self.delete


class Results(BaseModel):
    """How the changes of a run ended."""

    model_config = ConfigDict(frozen=True)
    applied: int = 0
    already_applied: int = 0
    conflict: int = 0
    failed: int = 0
    uncertain: int = 0
    skipped: int = 0
    expired: int = 0

    @property
    def written(self) -> int:
        return self.applied + self.already_applied


class RunPlanned(RunEvent):
    """A plan was stored. `order` and `plan` are JWS over `chain.Order` and `chain.PlanHeader`."""

    topic = topics.RUN_PLANNED
    job: str
    preview: bool
    digest: str
    counts: Counts
    order: str
    plan: str


class ApprovalRequested(RunEvent):
    """A plan waits for people. `kept_out` is the user who asked for the run, where they may not decide about it
    themselves; `stores` are the destination's and the source's provider names, as in RunFinished."""

    topic = topics.APPROVAL_REQUESTED
    job: str
    request_id: str
    requested_by: str
    approvers: tuple[str, ...]
    kept_out: str | None = None
    need: int | Literal["all"]
    reasons: tuple[str, ...]
    counts: Counts
    digest: str
    expires_at: datetime
    stores: tuple[str, ...] = ()
    signature: str


class RunDecided(RunEvent):
    """A decision about a plan. `decision` is a JWS over `chain.Decision`."""

    request_id: str | None
    decided_by: str
    comment: str = ""
    decision: str


class RunApproved(RunDecided):
    """The plan may be applied."""

    topic = topics.RUN_APPROVED


class RunDenied(RunDecided):
    """The plan may not be applied."""

    topic = topics.RUN_DENIED


class RunCancelled(RunEvent):
    """Somebody wants the run to end: a person, an edited job, a time limit. `unless_approved`: only where its plan was
    not approved meanwhile."""

    topic = topics.RUN_CANCELLED
    cancelled_by: str
    reason: str
    unless_approved: bool = False
    signature: str


class BatchReady(RunEvent):
    """A batch may be taken by any worker."""

    topic = topics.BATCH_READY
    batch_id: str
    phase: str
    index: int

    @property
    def key(self) -> str:
        return self.batch_id


class BatchApplied(RunEvent):
    """A batch is over."""

    topic = topics.BATCH_APPLIED
    batch_id: str
    phase: str
    index: int
    results: Results


class RunFinished(RunEvent):
    """The one end of every run. `notify` is the job's rule as it was when the run was ordered; `stores` are the
    destination's and the source's provider names, whose mail settings are used in this order; `applied` counts what
    was written by operation; `problems` names the first records that went wrong, without values; `plan` is that of
    run-planned, which may be heard of later than the end."""

    topic = topics.RUN_FINISHED
    job: str
    outcome: Outcome
    reason: str | None
    trigger: TriggerKind
    requested_by: str
    requested_at: datetime
    finished_at: datetime
    preview: bool
    plan: str | None = None
    counts: Counts | None
    results: Results
    applied: Mapping[str, int] = {}
    problems: tuple[str, ...] = ()
    notify: Mapping[str, Any] | None
    stores: tuple[str, ...]
    signature: str


class NotificationSent(RunEvent):
    """A delivery was handed to the outside."""

    topic = topics.NOTIFICATION_SENT
    delivery_id: str
    recipient: str
    channel: str
    state: str


class ObjectChanged(Event):
    """An object of the catalogue as it is now; `deleted` when it is gone."""

    topic = topics.OBJECT_CHANGED
    kind: str
    name: str
    deleted: bool = False
    version: int
    object: Mapping[str, Any] | None
    signature: str

    @property
    def subject(self) -> str:
        return f"{self.kind}/{self.name}"


class UserChanged(Event):
    """A user as they are now: where mail for a name or a group goes."""

    topic = topics.USER_CHANGED
    name: str
    deleted: bool = False
    version: int
    email: str | None = None
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    disabled: bool = False
    signature: str

    @property
    def subject(self) -> str:
        return self.name


EVENTS: Mapping[str, type[Event]] = {
    topics.event_type(event.topic): event
    for event in (
        RunTriggered,
        RunRequested,
        RunPlanned,
        ApprovalRequested,
        RunApproved,
        RunDenied,
        RunCancelled,
        BatchReady,
        BatchApplied,
        RunFinished,
        NotificationSent,
        ObjectChanged,
        UserChanged,
    )
}
"""Every event by its CloudEvents type."""
