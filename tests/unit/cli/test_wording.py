"""Runs and changes for people."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from placet_cli.output import Printer
from placet_cli.wording import (
    changes_in_words,
    counted,
    mark_in_words,
    rejected_in_words,
    request_in_words,
    run_in_words,
    votes_of,
)

CHANGE: dict[str, Any] = {
    "key": "E1",
    "id": "11",
    "dn": "cn=Ann Berg,ou=People,dc=example",
    "op": "update",
    "phase": "update",
    "attributes": [{"name": "title", "before": ["Clerk"], "after": ["Head"]}],
    "steps": [],
    "result": None,
    "reason": None,
}
RUN: dict[str, Any] = {
    "id": "r1",
    "job": "people",
    "state": "awaiting_approval",
    "outcome": None,
    "trigger": "manual",
    "requested_by": "ada",
    "requested_at": "2026-11-24T02:14:26Z",
    "finished_at": None,
    "preview": False,
    "plan": None,
    "request": None,
    "results": None,
    "reason": None,
}


def printed(printer: Printer) -> list[str]:
    out = StringIO()
    printer(Console(file=out, width=80, soft_wrap=True))
    return out.getvalue().splitlines()


def test_a_change_says_what_is_done_to_whom_from_what_to_what() -> None:
    assert printed(changes_in_words([CHANGE])) == [
        "update   E1  cn=Ann Berg,ou=People,dc=example",
        "           title                Clerk → Head",
    ]


def test_a_result_and_its_reason_follow() -> None:
    lines = printed(changes_in_words([CHANGE | {"result": "already_applied", "reason": "it was there"}]))
    assert lines[0].endswith("→ already applied")
    assert lines[1].strip() == "it was there"


def test_a_rejected_record_says_where_it_stands_and_why() -> None:
    rejected: dict[str, Any] = {
        "key": None, "id": None, "dn": None, "op": None, "record": "line 43", "attributes": [], "steps": [],
        "result": "rejected", "reason": "sn: the record gives no value",
    }  # fmt: skip
    assert printed(changes_in_words([rejected])) == ["rejected ?  line 43", "           sn: the record gives no value"]
    by_script = rejected | {"attribute": "mail", "reason": "KeyError: 'x'"}
    assert printed(changes_in_words([by_script]))[1].strip() == "mail: KeyError: 'x'"
    known = rejected | {"attribute": "sn"}
    assert printed(changes_in_words([known]))[1].strip() == "sn: the record gives no value"


def test_values_that_come_and_go() -> None:
    attributes = [
        {"name": "cn", "before": [], "after": ["Ann"]},
        {"name": "mail", "before": ["a@b", "c@d"], "after": []},
        {"name": "member", "add": ["x"] * 60, "remove": ["y"], "count": 159},
    ]
    said = [line.split(maxsplit=1)[1] for line in printed(changes_in_words([CHANGE | {"attributes": attributes}]))[1:]]
    assert said == ["(nothing) → Ann", "a@b, c@d → (nothing)", "60 to add, 1 to remove, 159 then"]
    created = CHANGE | {"op": "create", "attributes": attributes[:1]}
    assert printed(changes_in_words([created]))[1].split() == ["cn", "Ann"]


def test_a_move_says_what_the_entry_is_called_then() -> None:
    steps = [{"what": "rename", "phase": "update", "result": None, "target": "cn=Ann Novak,ou=People,dc=example"}]
    lines = printed(changes_in_words([CHANGE | {"op": "move", "steps": [*steps, {"what": "modify"}]}]))
    assert lines[1].split(maxsplit=2) == ["is", "then", "cn=Ann Novak,ou=People,dc=example"]


def test_values_cannot_hide_a_change_from_who_approves_it() -> None:
    attributes = [{"name": "title", "before": [], "after": ["Clerk\x1b[2K\x1b[1A"]}]
    assert "Clerk\\x1b[2K\\x1b[1A" in printed(changes_in_words([CHANGE | {"attributes": attributes}]))[1]


def test_no_changes_are_said_in_words() -> None:
    assert printed(changes_in_words([])) == ["no changes"]


@pytest.mark.parametrize(("count", "words"), [(1, "1 record was"), (4, "4 records were")])
def test_records_that_were_rejected_are_counted_and_where_they_are_is_said(count: int, words: str) -> None:
    said = f"{words} rejected; see `placet run changes r1 --result rejected`"
    assert printed(changes_in_words([], rejected_in_words("r1", count))) == ["no changes", said]
    previewed = RUN | {"preview": True, "state": "finished", "outcome": "previewed", "plan": {"rejected": count}}
    assert said in " ".join(" ".join(printed(run_in_words(previewed))).split())
    assert "--result" not in " ".join(printed(run_in_words(previewed, with_lists=False)))


@pytest.mark.parametrize(("count", "words"), [(1, "1 entry"), (2, "2 entries")])
def test_what_unlinked_means_is_said_where_some_are(count: int, words: str) -> None:
    lines = printed(run_in_words(RUN | {"plan": {"unchanged": 3, "unlinked": count}}))
    assert lines[-2:] == [
        f"plan          3 unchanged, {count} unlinked",
        f"unlinked      {words} without a record, never this job's: left alone",
    ]
    assert "unlinked" not in " ".join(printed(run_in_words(RUN | {"plan": {"unchanged": 3, "unlinked": 0}})))


def test_counts_that_are_zero_are_left_out() -> None:
    assert counted({"create": 3, "update": 0, "already_applied": 1}, ("create", "update", "already_applied")) == (
        "3 create, 1 already applied"
    )


def test_a_run_without_a_plan_has_no_counts() -> None:
    assert printed(run_in_words(RUN)) == [
        "run           r1",
        "job           people",
        "state         awaiting approval",
        "asked by      ada (manual)",
        "requested at  2026-11-24 02:14:26 UTC",
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"requested_by": "event", "trigger": "event", "trigger_reason": "new hires loaded"},
            "event: new hires loaded",
        ),
        ({"requested_by": "schedule", "trigger": "schedule"}, "schedule"),
        ({"trigger": "preview", "trigger_reason": "preview when finished"}, "ada (preview): preview when finished"),
    ],
)
def test_who_asked_for_a_run_and_why(fields: dict[str, Any], words: str) -> None:
    assert any(line == f"asked by      {words}" for line in printed(run_in_words(RUN | fields)))


def test_a_finished_run_shows_outcome_plan_and_results() -> None:
    plan = {"create": 2, "unchanged": 5, "warnings": ["the clock is late"]}
    done = RUN | {
        "state": "finished", "outcome": "succeeded_with_errors", "plan": plan, "preview": True,
        "results": {"applied": 1, "conflict": 1, "failed": 0},
    }  # fmt: skip
    lines = {line[:14].strip(): line[14:] for line in printed(run_in_words(done))}
    assert lines["job"] == "people (preview)"
    assert lines["state"] == "succeeded with errors"
    assert lines["plan"] == "2 create, 5 unchanged"
    assert lines["warnings"] == "the clock is late"
    assert lines["results"] == "1 applied, 1 conflict"


def test_an_empty_plan_is_a_plan() -> None:
    assert "no records, no entries" in "".join(printed(run_in_words(RUN | {"plan": {"create": 0}})))


REQUEST: dict[str, Any] = {
    "id": "q1", "run_id": "r1", "job": "people", "state": "open", "requested_by": "ada", "trigger": "manual",
    "opened_at": "2026-11-24T02:14:26Z", "expires_at": "2026-11-26T02:14:26Z", "counts": {"create": 3, "rejected": 1},
    "by_attribute": {"cn": 3}, "safety": "assertion", "warnings": [], "reasons": ["the workflow two-eyes"],
    "approvers": ["group:it", "bob"], "need": 2, "can_approve": ["bob", "kim"], "votes": [], "digest": "sha256:00",
    "decided_by": None, "decided_at": None, "comment": None,
}  # fmt: skip
YES = {"user": "bob", "decision": "approve", "comment": "", "at": "2026-11-24T03:00:00Z"}


def request_lines(**fields: Any) -> dict[str, str]:
    out = StringIO()
    request_in_words(REQUEST | fields)(Console(file=out, width=500))
    return {name: text.strip() for name, _, text in (line.partition("  ") for line in out.getvalue().splitlines())}


def test_a_request_says_where_its_changes_are_and_who_can_approve() -> None:
    lines = request_lines()
    assert lines["changes"] == "see `placet run changes r1`"
    assert lines["rejected"] == "1 record was rejected; see `placet run changes r1 --result rejected`"
    assert (lines["votes"], lines["can approve"]) == ("0 of 2", "bob, kim")
    lines = request_lines(votes=[YES], can_approve=["kim"])
    assert (lines["votes"], lines["can approve"]) == ("1 of 2", "kim")
    assert lines["said"] == "bob approved at 2026-11-24 03:00:00 UTC"


@pytest.mark.parametrize(
    ("fields", "begin"),
    [
        ({"can_approve": []}, "nobody, which is not enough; make approvers with `placet user add`"),
        ({"can_approve": ["bob"]}, "bob, which is not enough"),
        ({"can_approve": [], "need": "all"}, "nobody, which is not enough"),
    ],
)
def test_a_request_that_nobody_can_end_says_so(fields: Any, begin: str) -> None:
    assert request_lines(**fields)["can approve"].startswith(begin)


def test_a_request_that_is_over_asks_nobody() -> None:
    no = YES | {"decision": "deny", "comment": "not now"}
    lines = request_lines(state="denied", can_approve=[], votes=[no])
    assert "can approve" not in lines
    assert (lines["votes"], lines["said"]) == ("denied", "bob denied at 2026-11-24 03:00:00 UTC: not now")
    assert votes_of(REQUEST | {"need": "all", "votes": [YES]}) == "1 of all"


@pytest.mark.parametrize(
    ("stamp", "waiting", "words"),
    [
        ("2027-01-31T08:30:00Z", 0, ["read: up to 2027-01-31T08:30:00Z (run r1, ", ")"]),
        ("2027-01-31T08:30:00Z", 1, ["read: up to", "; 1 key waits for another try"]),
        (None, 20, ["read: no stamp to go on from; the next run reads everything", "; 20 keys wait for another try"]),
    ],
)
def test_how_far_a_job_has_read(stamp: str | None, waiting: int, words: list[str]) -> None:
    said = mark_in_words({"stamp": stamp, "waiting": waiting, "run_id": "r1", "moved_at": "2027-01-31T09:00:00Z"})
    assert (said.startswith(words[0]), said.endswith(words[1])) == (True, True), said
    assert mark_in_words({}) == "read: nothing yet; the next run reads everything"
