"""What the scheduler refuses."""

from placet_shared.errors import ConflictError, InvalidError, NotFoundError, PermanentError


class UnknownObjectError(NotFoundError):
    """There is no object of this kind and name."""


class UnknownRunError(NotFoundError):
    """There is no such run."""


class DanglingReferenceError(InvalidError):
    """An object refers to one that does not exist."""


class StillNeededError(ConflictError):
    """Another object refers to this one."""


class StaleError(ConflictError):
    """The object was changed by somebody else meanwhile."""


class UnknownJobError(PermanentError):
    """A trigger names a job that does not exist."""
