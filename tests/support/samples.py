"""One event of each kind, with something in every field."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from placet_shared.events import (
    ApprovalRequested,
    BatchApplied,
    BatchReady,
    Counts,
    Event,
    NotificationSent,
    ObjectChanged,
    Results,
    RunApproved,
    RunCancelled,
    RunDenied,
    RunFinished,
    RunPlanned,
    RunRequested,
    RunTriggered,
    UserChanged,
)

NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)

_DECIDED = {"run_id": "r1", "request_id": "q1", "decided_by": "ada", "comment": "fine", "decision": "a.b.c"}
_JOB = {"run_id": "r1", "job": "people"}
_BATCH = {"run_id": "r1", "batch_id": "b1", "phase": "create", "index": 7}
_COUNTS = Counts(create=1, update=2, move=3, disable=4, delete=5, unchanged=6, rejected=7, unlinked=8)
_RESULTS = Results(applied=1, already_applied=2, conflict=3, failed=4, uncertain=5, skipped=6, expired=7)

SAMPLES: Mapping[type[Event], Mapping[str, Any]] = {
    RunTriggered: {"job": "people", "reason": "new hires loaded", "preview": True},
    RunRequested: {**_JOB, "trigger": "manual", "requested_by": "ada", "preview": True, "order": "a.b.c"},
    RunPlanned: {
        **_JOB,
        "preview": True,
        "digest": "sha256:00",
        "counts": _COUNTS,
        "order": "a.b.c",
        "plan": "d.e.f",
    },
    ApprovalRequested: {
        **_JOB,
        "request_id": "q1",
        "requested_by": "ada",
        "approvers": ("eve", "group:identity"),
        "kept_out": "ada",
        "need": 2,
        "reasons": ("delete above 5%",),
        "counts": _COUNTS,
        "digest": "sha256:00",
        "expires_at": NOON,
        "stores": ("corp", "hr"),
        "signature": "a.b.c",
    },
    RunApproved: _DECIDED,
    RunDenied: _DECIDED,
    RunCancelled: {"run_id": "r1", "cancelled_by": "ada", "reason": "wrong file", "signature": "a.b.c"},
    BatchReady: _BATCH,
    BatchApplied: {**_BATCH, "results": _RESULTS},
    RunFinished: {
        **_JOB,
        "outcome": "failed",
        "reason": "gave up",
        "trigger": "manual",
        "requested_by": "ada",
        "requested_at": NOON,
        "finished_at": NOON + timedelta(minutes=5),
        "preview": False,
        "plan": "d.e.f",
        "counts": _COUNTS,
        "results": _RESULTS,
        "applied": {"create": 1},
        "problems": ("e17: conflict",),
        "notify": {"enabled": True, "to": ["ops@corp.example"], "when": "always"},
        "stores": ("corp", "hr"),
        "signature": "a.b.c",
    },
    NotificationSent: {
        "run_id": "r1",
        "delivery_id": "d1",
        "recipient": "ops@corp.example",
        "channel": "email",
        "state": "sent",
    },
    ObjectChanged: {
        "kind": "job",
        "name": "people",
        "deleted": True,
        "version": 3,
        "object": {"kind": "job", "fields": [{"to": "sn"}]},
        "signature": "a.b.c",
    },
    UserChanged: {
        "name": "ada",
        "deleted": True,
        "version": 3,
        "email": "ada@corp.example",
        "groups": ("identity",),
        "roles": ("approver",),
        "disabled": True,
        "signature": "a.b.c",
    },
}
"""The fields of each event, by its class."""


def sample(kind: type[Event]) -> Event:
    return kind.model_validate(SAMPLES[kind])
