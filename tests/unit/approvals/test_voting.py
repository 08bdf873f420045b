"""Who may vote, and what the votes decide."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from placet_approvals.errors import AlreadyVotedError, MayNotDecideError, NotOpenError, UsersBehindError
from placet_approvals.policy import Gate
from placet_approvals.voting import (
    Ballot,
    Call,
    Ruling,
    Standing,
    Vote,
    expired,
    require_known,
    require_vote,
    ruling_of,
)
from placet_shared.approvers import EVERY_APPROVER
from placet_shared.errors import ForbiddenError, InvalidError
from placet_shared.events import UserChanged
from tests.support.signing import an_identity

NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)
GATE = Gate(("bob", "Eve@Corp.example", "group:identity"), 1, timedelta(hours=48), "ada")
OPEN = Standing("open", NOW + timedelta(hours=1), None, None)


def call(user: str, decision: Any = "approve", comment: str = "", **identity: Any) -> Call:
    caller = an_identity(user, "POST", "/", **identity)
    return Call(caller, Ballot(decision=decision, comment=comment), "token", b"", None)


def vote(user: str, approve: bool = True, comment: str = "") -> Vote:
    return Vote(user, approve, comment, NOW)


def user(name: str, **fields: Any) -> UserChanged:
    return UserChanged(name=name, version=1, signature="", **({"roles": ("approver",)} | fields))


def test_who_is_among_the_approvers_may_decide() -> None:
    require_vote(GATE, OPEN, [], call("x", groups=("identity",)), NOW)


def test_any_approver_means_everybody_with_the_role() -> None:
    require_vote(replace(GATE, approvers=(EVERY_APPROVER,)), OPEN, [], call("zoe"), NOW)


@pytest.mark.parametrize("roles", [(), ("viewer",), ("editor", "operator")])
def test_the_role_is_required(roles: tuple[str, ...]) -> None:
    with pytest.raises(ForbiddenError, match="bob needs the role approver"):
        require_vote(GATE, OPEN, [], call("bob", roles=roles), NOW)


def test_the_requester_may_not_decide_not_even_as_an_admin() -> None:
    gate = replace(GATE, approvers=(EVERY_APPROVER,))
    for decision in ("approve", "deny"):
        with pytest.raises(MayNotDecideError, match="ada asked for this run, so somebody else must decide"):
            require_vote(gate, OPEN, [], call("ada", decision, "mine", roles=("admin",)), NOW)


def test_an_admin_who_is_not_among_the_approvers_may_not_decide() -> None:
    with pytest.raises(MayNotDecideError, match="root is not among the approvers of this request: bob, Eve@Corp"):
        require_vote(GATE, OPEN, [], call("root", roles=("admin",)), NOW)


def test_a_denial_needs_a_comment() -> None:
    with pytest.raises(InvalidError, match="a denial needs a comment"):
        require_vote(GATE, OPEN, [], call("bob", "deny", "  "), NOW)


def test_one_person_has_one_vote_and_may_still_stop_it() -> None:
    with pytest.raises(AlreadyVotedError, match="bob has already approved"):
        require_vote(GATE, OPEN, [vote("bob")], call("bob"), NOW)
    require_vote(GATE, OPEN, [vote("bob")], call("bob", "deny", "I was wrong"), NOW)


def test_a_closed_request_says_by_whom_and_when() -> None:
    closed = Standing("denied", NOW, "eve", NOW)
    with pytest.raises(NotOpenError, match="already denied by eve at 2027-01-04 12:00:00 UTC"):
        require_vote(GATE, closed, [], call("bob"), NOW)


def test_time_is_up_at_the_very_moment() -> None:
    require_vote(GATE, OPEN, [], call("bob"), OPEN.expires_at - timedelta(microseconds=1))
    with pytest.raises(NotOpenError, match="expired at"):
        require_vote(GATE, OPEN, [], call("bob"), OPEN.expires_at)


def test_enough_different_people_approve() -> None:
    gate = replace(GATE, need=2)
    assert ruling_of(gate, [vote("bob")], []) is None
    assert ruling_of(gate, [vote("bob"), vote("bob")], []) is None
    assert ruling_of(gate, [vote("bob", comment="fine"), vote("eve")], []) == Ruling(True, ("bob", "eve"), "fine")


def test_one_denial_ends_it_whatever_came_before() -> None:
    votes = [vote("bob"), vote("eve", False, "too many")]
    assert ruling_of(replace(GATE, need=2), votes, []) == Ruling(False, ("eve",), "too many")


def test_all_is_everybody_who_could_approve() -> None:
    gate = replace(GATE, need="all")
    known = [
        user("bob"),
        user("eve", email="eve@corp.example", roles=("admin",)),
        user("kim", groups=("identity",), disabled=True),
        user("lee", groups=("identity",), roles=("viewer",)),
        user("ada", groups=("identity",)),
        user("zoe"),
    ]
    assert ruling_of(gate, [vote("bob")], known) is None
    assert ruling_of(gate, [vote("bob"), vote("eve")], known) == Ruling(True, ("bob", "eve"), "")
    assert ruling_of(gate, [], known) is None


@pytest.mark.parametrize("nobody", ["ghost", "ghost@corp.example", "group:nobody", "kim", "lee", "group:away"])
def test_where_all_must_approve_nobody_approves_for_who_is_not_there(nobody: str) -> None:
    gate = replace(GATE, approvers=("bob", nobody), need="all")
    known = [
        user("bob"),
        user("kim", groups=("away",), disabled=True),
        user("lee", groups=("away",), roles=("viewer",)),
        user("ghost", email="ghost@corp.example", deleted=True),
    ]
    assert ruling_of(gate, [vote("bob")], known) is None
    assert ruling_of(replace(gate, need=1), [vote("bob")], known) is not None


def test_who_asked_for_the_run_is_not_missed() -> None:
    gate = replace(GATE, approvers=("bob", "ada"), need="all")
    assert ruling_of(gate, [vote("bob")], [user("bob"), user("ada")]) == Ruling(True, ("bob",), "")


def test_where_all_must_approve_nobody_votes_before_they_are_known() -> None:
    gate = replace(GATE, need="all")
    require_known(GATE, call("bob"), [])
    require_known(gate, call("bob"), [user("bob")])
    with pytest.raises(UsersBehindError, match="try again in a moment"):
        require_known(gate, call("bob"), [user("eve", email="eve@corp.example")])


@pytest.mark.parametrize(
    "document",
    [
        {"decision": "maybe"},
        {"decision": "approve", "user": "bob"},
        {"decision": "deny", "comment": "\x00"},
        {"decision": "deny", "comment": "\ud800"},
        {"decision": "deny", "comment": "x" * 2001},
    ],
)
def test_a_ballot_of_another_shape_is_refused(document: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Ballot.model_validate(document)


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        ([], "nobody decided until 2027-01-04 12:00 UTC"),
        ([vote("bob")], "bob approved, but 2 had to, and nobody else decided until 2027-01-04 12:00 UTC"),
    ],
)
def test_the_clock_says_whose_votes_were_too_few(votes: list[Vote], reason: str) -> None:
    assert expired(replace(GATE, need=2), votes, NOW) == Ruling(False, ("expiry",), reason)
