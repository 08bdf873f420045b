"""Whom e-mail reaches: those whom a rule names, and those who may decide."""

from pathlib import Path

from placet_notifier.channels.email import EmailChannel
from placet_shared.objects import Notify
from tests.support.notifier import a_request, a_user

EMAIL = EmailChannel(None, Path("unused"), {})
USERS = [
    a_user("ada"),
    a_user("bob"),
    a_user("eve", groups=("identity",)),
    a_user("kim", groups=("identity", "sales")),
    a_user("root", roles=("admin",), groups=("sales",)),
    a_user("vera", roles=("viewer",), groups=("identity",)),
    a_user("zoe", disabled=True, groups=("identity",)),
    a_user("mute", email=None, groups=("identity",)),
]


def names(*approvers: str, kept_out: str | None = "ada") -> list[str]:
    found = EMAIL.asked(a_request(approvers=approvers, kept_out=kept_out), USERS)
    return sorted(address.removesuffix("@corp.example") for address in found)


def test_approvers_are_found_by_name_email_and_group() -> None:
    assert names("bob") == ["bob"]
    assert names("Bob@Corp.Example") == ["bob"]
    assert names("group:identity") == ["eve", "kim"]
    assert names("group:sales", "eve", "kim") == ["eve", "kim", "root"]


def test_every_approver_is_asked_where_nobody_is_named() -> None:
    assert names("role:approver") == ["bob", "eve", "kim", "root"]


def test_who_may_not_decide_about_their_own_run_is_not_asked() -> None:
    assert names("ada", "bob") == ["bob"]
    assert names("ada@corp.example") == []
    assert names("group:identity", kept_out="eve") == ["kim"]


def test_who_may_decide_about_their_own_run_is_asked() -> None:
    assert names("ada", kept_out=None) == ["ada"]


def test_who_cannot_decide_is_not_asked() -> None:
    assert names("vera", "zoe", "vera@corp.example", "nobody") == []


def test_an_address_that_no_user_has_is_asked_as_it_is() -> None:
    assert EMAIL.asked(a_request(approvers=("Board@corp.example", "bob")), USERS) == (
        "Board@corp.example",
        "bob@corp.example",
    )


def test_users_that_share_an_address_get_one_mail() -> None:
    users = [a_user("bob", email="desk@corp.example"), a_user("eve", email="Desk@corp.example")]
    assert EMAIL.asked(a_request(approvers=("bob", "eve")), users) == ("desk@corp.example",)


def test_an_address_that_is_named_twice_is_told_once() -> None:
    rule = Notify(to=("Ops@corp.example", "eve@corp.example", "ops@corp.example"))
    assert EMAIL.told(rule) == ("Ops@corp.example", "eve@corp.example")
