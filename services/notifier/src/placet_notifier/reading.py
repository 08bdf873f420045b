"""Stored causes, as the events that they were."""

from collections.abc import Mapping
from typing import Any

from placet_shared.events import ApprovalRequested, RunFinished

Told = RunFinished | ApprovalRequested

KINDS: Mapping[str, type[RunFinished] | type[ApprovalRequested]] = {
    "run-finished": RunFinished,
    "approval-requested": ApprovalRequested,
}


def read_cause(kind: str, event: Mapping[str, Any]) -> Told:
    """The event that a row of `causes` keeps."""
    return KINDS[kind].model_validate(event)
