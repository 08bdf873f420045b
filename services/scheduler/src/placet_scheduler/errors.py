"""What the scheduler refuses."""

from placet_shared.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    TransientError,
)


class UnknownObjectError(NotFoundError):
    """There is no object of this kind and name."""


class UnknownRunError(NotFoundError):
    """There is no such run."""


class DanglingReferenceError(InvalidError):
    """An object refers to one that does not exist, or does not fit."""


class StillNeededError(ConflictError):
    """Another object refers to this one."""


class AlteredObjectError(ConflictError):
    """An object was altered in the database; an admin must apply it again."""


class StaleError(PreconditionError):
    """The object is not as the caller saw it last."""


class OrderTooLargeError(InvalidError):
    """The order leaves no room for its plan."""


class PlanNotYetError(TransientError):
    """A decision came before the plan that it is about."""
