"""Who is meant by the approvers of a request: pure. Who may decide is judged by the identity that was signed."""

from collections.abc import Collection

from .events import UserChanged

GROUP = "group:"
EVERY_APPROVER = "role:approver"
"""Stands among approvers for everybody who has that role."""


def is_meant(approvers: Collection[str], user: str, email: str | None, groups: Collection[str]) -> bool:
    """Whether a user with the role is meant by a name, an e-mail or a group."""
    names = {user, EVERY_APPROVER, *(GROUP + group for group in groups)}
    return any(approver in names or _same_email(approver, email) for approver in approvers)


def who_can_approve(
    users: Collection[UserChanged], approvers: Collection[str], kept_out: str | None
) -> list[UserChanged]:
    """The users who are meant, have the role, are not disabled and not kept out."""
    return [
        user
        for user in users
        if not (user.disabled or user.deleted or user.name == kept_out)
        and {"approver", "admin"} & set(user.roles)
        and is_meant(approvers, user.name, user.email, user.groups)
    ]


def _same_email(approver: str, email: str | None) -> bool:
    return email is not None and "@" in approver and approver.lower() == email.lower()
