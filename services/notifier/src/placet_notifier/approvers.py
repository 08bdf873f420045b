"""Who is asked to decide about a plan: pure."""

from collections.abc import Collection

from placet_shared.approvers import who_can_approve
from placet_shared.events import ApprovalRequested, UserChanged

from .deliveries import distinct


def asked(request: ApprovalRequested, users: Collection[UserChanged]) -> tuple[str, ...]:
    """The addresses of those who may decide. An e-mail that no user has is taken as it is."""
    known = {user.email.lower() for user in users if user.email}
    strangers = [each for each in request.approvers if "@" in each and each.lower() not in known]
    members = [user.email for user in who_can_approve(users, request.approvers, request.kept_out) if user.email]
    return distinct((*strangers, *members))
