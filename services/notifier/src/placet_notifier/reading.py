"""Stored events, as the ones that their publishers signed. Who can write to the tables makes no mail and moves none."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from placet_shared.chain import Verifier
from placet_shared.errors import ForgedEventError
from placet_shared.events import ApprovalRequested, ObjectChanged, RunFinished

from .errors import AlteredError

Told = RunFinished | ApprovalRequested

KINDS: Mapping[str, tuple[type[RunFinished] | type[ApprovalRequested], str]] = {
    "run-finished": (RunFinished, "sync-worker"),
    "approval-requested": (ApprovalRequested, "approvals"),
}
"""What each kind of cause keeps, and who signed it."""


def cause_id(kind: str, event: Told) -> str:
    """One id for what happened, however often it is told."""
    return f"{kind}/{event.run_id if isinstance(event, RunFinished) else event.request_id}"


def read_cause(verifier: Verifier, row: Row[Any]) -> Told:
    """The event of a delivery's cause. Raises AlteredError."""
    try:
        event_class, issuer = KINDS[row.kind]
        event = event_class.model_validate(row.event)
        verifier.event(event, issuer)
    except (KeyError, ValidationError, ForgedEventError) as error:
        raise AlteredError(f"what {row.cause_id} tells was altered in the database ({error})") from error
    if (cause_id(row.kind, event), event.run_id) != (row.cause_id, row.run_id):
        raise AlteredError(f"{row.cause_id} tells of something else in the database")
    return event


def read_notifications(verifier: Verifier, row: Row[Any]) -> Any:
    """What a store says about mail, None for nothing. Raises AlteredError."""
    try:
        event = ObjectChanged.model_validate(row.event)
        verifier.event(event, "scheduler")
    except (ValidationError, ForgedEventError) as error:
        raise AlteredError(f"mail settings of {row.name} were altered in the database ({error})") from error
    if (event.kind, event.name, event.version) != ("provider", row.name, row.version):
        raise AlteredError(f"mail settings of {row.name} are of something else in the database")
    return notifications_of(event)


def notifications_of(event: ObjectChanged) -> Any:
    """What the provider says about mail; None for nothing."""
    return None if event.deleted else (event.object or {}).get("notifications")
