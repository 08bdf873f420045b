"""Topics, who may publish on them, and which event answers which."""

from collections.abc import Mapping

RUN_TRIGGERS = "placet.run-triggers"
RUN_REQUESTED = "placet.run-requested"
RUN_PLANNED = "placet.run-planned"
APPROVAL_REQUESTED = "placet.approval-requested"
RUN_APPROVED = "placet.run-approved"
RUN_DENIED = "placet.run-denied"
RUN_CANCELLED = "placet.run-cancelled"
BATCH_READY = "placet.batch-ready"
BATCH_APPLIED = "placet.batch-applied"
RUN_FINISHED = "placet.run-finished"
NOTIFICATION_SENT = "placet.notification-sent"
OBJECT_CHANGED = "placet.object-changed"
USER_CHANGED = "placet.user-changed"
DEAD_LETTERS = "placet.dead-letters"

COMPACTED = frozenset({OBJECT_CHANGED, USER_CHANGED})
"""Topics that keep the newest message of each key: a new reader learns the state of the world from them."""

ALL_TOPICS = (
    RUN_TRIGGERS,
    RUN_REQUESTED,
    RUN_PLANNED,
    APPROVAL_REQUESTED,
    RUN_APPROVED,
    RUN_DENIED,
    RUN_CANCELLED,
    BATCH_READY,
    BATCH_APPLIED,
    RUN_FINISHED,
    NOTIFICATION_SENT,
    OBJECT_CHANGED,
    USER_CHANGED,
    DEAD_LETTERS,
)

ANSWERS: Mapping[str, frozenset[str]] = {
    RUN_REQUESTED: frozenset({RUN_FINISHED}),
    RUN_PLANNED: frozenset({APPROVAL_REQUESTED, RUN_APPROVED, RUN_DENIED, RUN_FINISHED}),
    RUN_APPROVED: frozenset({RUN_FINISHED}),
    RUN_DENIED: frozenset({RUN_FINISHED}),
    RUN_CANCELLED: frozenset({RUN_FINISHED}),
}
"""What a publisher waits for: until one of these came for the run, the event is sent again under its id."""


def event_type(topic: str, version: int = 1) -> str:
    """The CloudEvents type of a topic's events."""
    return f"{topic}.v{version}"
