"""What can go wrong in the notifier."""

from placet_shared.errors import ConflictError, NotFoundError, PermanentError


class NotifierError(PermanentError):
    """The notifier cannot do this."""


class AlteredError(NotifierError):
    """What is stored about this mail was altered in the database."""


class NoRouteError(NotifierError):
    """There are no usable settings for this channel; the delivery waits for them."""


class LeaseLostError(NotifierError):
    """The time for this attempt was over before the mail was handed over; it goes out with the next one."""


class NoSuchDeliveryError(NotFoundError):
    """There is no such notification; see `placet notification list`."""


class NotResendableError(ConflictError):
    """The notification is not in a state in which it can be sent again."""
