"""What mails say."""

from typing import Any

import pytest

from placet_notifier.wording import one_line, question_of, report_of, report_subject
from placet_shared.events import Counts, Results
from tests.support.notifier import a_request, a_run_finished


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"results": Results(applied=300, failed=2), "applied": {"create": 300}}, "300 created, 2 failed"),
        (
            {
                "results": Results(applied=14, already_applied=1),
                "applied": {"delete": 1, "move": 2, "disable": 3, "update": 4, "create": 5},
            },
            "5 created, 4 updated, 2 moved, 3 disabled, 1 deleted",
        ),
        ({"results": Results(applied=7), "applied": {}}, "7 applied"),
        ({"results": Results(), "applied": {}, "counts": Counts(unchanged=9)}, "nothing to change"),
        (
            {"results": Results(), "applied": {}, "counts": Counts(rejected=2), "outcome": "succeeded_with_errors"},
            "2 rejected",
        ),
        (
            {
                "results": Results(applied=1, conflict=2, failed=3, uncertain=4, skipped=5, expired=6),
                "applied": {"update": 1},
                "counts": Counts(rejected=7),
                "outcome": "succeeded_with_errors",
            },
            "1 updated, 3 failed, 2 in conflict, 4 uncertain, 7 rejected, 5 skipped, 6 expired",
        ),
        ({"outcome": "failed", "results": Results(), "applied": {}, "counts": None}, "failed"),
        (
            {"outcome": "failed", "results": Results(applied=120, failed=380), "applied": {"create": 120}},
            "failed; 120 created, 380 failed",
        ),
        ({"outcome": "denied", "results": Results(), "applied": {}}, "denied"),
        ({"outcome": "cancelled", "results": Results(skipped=3), "applied": {}}, "cancelled"),
        (
            {"outcome": "cancelled", "results": Results(applied=2, skipped=3), "applied": {"update": 2}},
            "cancelled; 2 updated, 3 skipped",
        ),
    ],
)
def test_the_subject_counts_what_was_written_and_what_went_wrong(run: dict[str, Any], said: str) -> None:
    assert report_subject(a_run_finished(**run)) == f"[Placet] people: {said}"


def test_a_run_is_followed_by_the_commands_that_show_more() -> None:
    event = a_run_finished(results=Results(applied=3, failed=1, conflict=2), counts=Counts(rejected=1))
    assert [command.line for command in report_of(event).commands] == [
        f"placet run show {event.run_id}",
        f"placet run changes {event.run_id} --result failed",
        f"placet run changes {event.run_id} --result conflict",
    ]


def test_problems_that_are_not_listed_are_counted() -> None:
    event = a_run_finished(results=Results(failed=4), counts=Counts(rejected=3), problems=("1: failed", "2: failed"))
    assert report_of(event).more_problems == 5
    assert report_of(a_run_finished()).more_problems == 0


@pytest.mark.parametrize(
    ("run", "lead"),
    [
        ({"outcome": "failed"}, "Nothing was changed."),
        ({"outcome": "denied"}, "Nothing was changed."),
        (
            {"outcome": "denied", "counts": Counts(create=3, delete=1, unchanged=9, rejected=4)},
            "Nothing was changed. It was planned: 3 to create, 1 to delete.",
        ),
        ({"outcome": "cancelled", "counts": Counts(rejected=4)}, "Nothing was changed."),
        ({"outcome": "succeeded_with_errors", "counts": Counts(rejected=4)}, None),
        ({"outcome": "succeeded"}, "Both sides agree: there was nothing to change."),
        ({"outcome": "cancelled", "results": Results(uncertain=1)}, None),
        ({"outcome": "failed", "results": Results(applied=1)}, None),
    ],
)
def test_nothing_is_said_to_be_unchanged_that_may_be_changed(run: dict[str, Any], lead: str | None) -> None:
    event = a_run_finished(**({"results": Results(), "applied": {}, "counts": None} | run))
    assert report_of(event).lead == lead


def test_an_approver_learns_who_what_why_until_when_and_how() -> None:
    request = a_request(need=2, counts=Counts(create=3, update=10, delete=1))
    question = question_of(request)
    assert question.subject == "[Placet] people: approval needed, 3 to create, 10 to update, 1 to delete"
    assert question.summary == "ada asked for this run. Nothing is changed unless it is approved."
    assert (question.need, question.until[-3:]) == ("2 approvers", "UTC")
    assert question.reasons == request.reasons
    assert question.approve.line == f"placet request approve {request.request_id}"
    assert question.deny.line == f'placet request deny {request.request_id} --comment "…"'
    assert question.look.line == f"placet run changes {request.run_id}"


@pytest.mark.parametrize(
    ("count", "purpose"),
    [
        (1, "1 record was rejected and changes nothing; see why"),
        (4, "4 records were rejected and change nothing; see why"),
    ],
)
def test_an_approver_learns_of_records_that_were_rejected(count: int, purpose: str) -> None:
    request = a_request(counts=Counts(create=3, rejected=count))
    rejected = question_of(request).rejected
    assert rejected is not None
    assert (rejected.purpose, rejected.line) == (purpose, f"placet run changes {request.run_id} --result rejected")
    assert question_of(a_request()).rejected is None


def test_a_schedule_is_not_a_person() -> None:
    assert question_of(a_request(requested_by="schedule")).summary.startswith("Its schedule asked for this run.")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: eve@x\n\n", "a Bcc: eve@x"),
        ("a\0b\x1b[31mc", "a b [31mc"),
        ("gone\u202etxt.exe\u2028next", "gone txt.exe next"),
        ("x" * 400, "x" * 299 + "…"),
        ("Łódź, O'Neil", "Łódź, O'Neil"),
    ],
)
def test_text_of_others_stays_on_its_line(text: str, line: str) -> None:
    assert one_line(text) == line
