"""Who is asked to decide about a plan: pure. Who may decide is judged elsewhere, by a signed identity."""

from collections.abc import Collection

from placet_shared.events import ApprovalRequested, UserChanged

from .deliveries import distinct

GROUP = "group:"
EVERY_APPROVER = "role:approver"
"""Stands among a request's approvers for everybody with that role."""


def asked(request: ApprovalRequested, users: Collection[UserChanged]) -> tuple[str, ...]:
    """The addresses of those who may decide. An e-mail that no user has is taken as it is."""
    known = {user.email.casefold() for user in users if user.email}
    strangers = [each for each in request.approvers if "@" in each and each.casefold() not in known]
    members = [user.email for user in users if user.email and _may_decide(user, request)]
    return distinct((*strangers, *members))


def _may_decide(user: UserChanged, request: ApprovalRequested) -> bool:
    able = not (user.disabled or user.deleted) and bool({"approver", "admin"} & set(user.roles))
    return able and user.name != request.kept_out and _is_meant(user, request.approvers)


def _is_meant(user: UserChanged, approvers: Collection[str]) -> bool:
    names = {user.name, EVERY_APPROVER, *(GROUP + group for group in user.groups)}
    email = (user.email or "").casefold()
    return any(approver in names or approver.casefold() == email for approver in approvers)
