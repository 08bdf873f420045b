"""The errors that services share. A service's own errors derive from these; the docstring is the default message."""


class PlacetError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class TransientError(PlacetError):
    """It may work when tried again."""


class PermanentError(PlacetError):
    """Trying again will not help."""


class ForgedEventError(PermanentError):
    """A signature does not hold; nothing was done with the event."""


class ReplayedEventError(PermanentError):
    """A valid event came again for something that is over; nothing was done with it."""


class SecretMissingError(PermanentError):
    """A secret that is referred to is not there."""


class NotFoundError(PermanentError):
    """There is no such thing."""


class ConflictError(PermanentError):
    """It is not in a state that allows this."""


class PreconditionError(PermanentError):
    """It is not as the caller said that it must be."""


class ForbiddenError(PermanentError):
    """Your role does not allow this."""


class InvalidError(PermanentError):
    """The input is not valid."""

    def __init__(self, message: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
