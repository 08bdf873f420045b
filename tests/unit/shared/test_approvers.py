"""Who is meant by the approvers of a request."""

import pytest

from placet_shared.approvers import EVERY_APPROVER, is_meant, who_can_approve
from placet_shared.events import UserChanged

APPROVERS = ("bob", "Eve@Corp.example", "group:identity")


@pytest.mark.parametrize(
    ("name", "email", "groups"),
    [("bob", None, ()), ("x", "eve@corp.EXAMPLE", ()), ("x", None, ("sales", "identity"))],
)
def test_approvers_are_meant_by_name_email_or_group(name: str, email: str | None, groups: tuple[str, ...]) -> None:
    assert is_meant(APPROVERS, name, email, groups)


@pytest.mark.parametrize(
    ("name", "email", "groups"),
    [
        ("identity", None, ()),
        ("group:identit", None, ()),
        ("x", "bob", ("bob",)),
        ("x", "eve@corp.example.evil", ("group:identity",)),
        ("x", None, ("Identity",)),
    ],
)
def test_nobody_else_is_meant(name: str, email: str | None, groups: tuple[str, ...]) -> None:
    assert not is_meant(APPROVERS, name, email, groups)


def test_letters_that_only_fold_to_the_same_are_another_address() -> None:
    assert not is_meant(("ada@straße.example",), "x", "ada@strasse.example", ())


def test_who_can_approve() -> None:
    roles = {
        "bob": "approver",
        "eve": "admin",
        "lee": "viewer",
        "kim": "approver",
        "ada": "approver",
        "gone": "approver",
    }
    users = [
        UserChanged(
            name=name, version=1, roles=(role,), disabled=name == "kim", deleted=name == "gone", signature=""
        )
        for name, role in roles.items()
    ]  # fmt: skip

    def names(*approvers: str, kept_out: str | None) -> list[str]:
        return [user.name for user in who_can_approve(users, approvers, kept_out)]

    assert names(EVERY_APPROVER, kept_out="ada") == ["bob", "eve"]
    assert names(EVERY_APPROVER, kept_out=None) == ["bob", "eve", "ada"]
    assert names("lee", "kim", "gone", "eve", kept_out="bob") == ["eve"]
