"""Why a decision is not taken. Each is one sentence for the person who tried."""

from placet_shared.errors import ConflictError, ForbiddenError, NotFoundError, TransientError


class NoSuchRequestError(NotFoundError):
    """There is no such request; see `placet request list`."""


class MayNotDecideError(ForbiddenError):
    """Somebody else must decide about this request."""


class NotOpenError(ConflictError):
    """The request is no longer open."""


class AlreadyVotedError(ConflictError):
    """One person has one vote."""


class AlteredError(ConflictError):
    """What is stored about this run was altered; nothing can be decided about it, see `placet audit verify`."""


class UsersBehindError(TransientError):
    """All approvers must approve, and approvals does not know them all yet; try again in a moment."""
