"""With which exit code a run that was waited for ends, and what is said about it."""

from typing import Any

import pytest

from placet_cli import following
from placet_cli.errors import INTERRUPTED, CommandError
from placet_cli.following import applied_of, exit_code, follow, why

RUN: dict[str, Any] = {
    "id": "r1", "job": "people", "state": "planning", "outcome": None, "reason": None, "request": None, "plan": None,
    "results": {"applied": 0, "failed": 0},
}  # fmt: skip


class Answers:
    """A client that gives these documents, one at each call; an error is raised."""

    def __init__(self, *documents: dict[str, Any] | BaseException) -> None:
        self._documents = list(documents)

    def get(self, *_path: str) -> dict[str, Any]:
        given = self._documents.pop(0)
        if isinstance(given, BaseException):
            raise given
        return given


def finished(outcome: str, reason: str | None = None) -> dict[str, Any]:
    return RUN | {"state": "finished", "outcome": outcome, "reason": reason}


WRONG = finished("succeeded_with_errors") | {"plan": {"rejected": 4}}


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (finished("succeeded"), 0, "r1 succeeded"),
        (finished("previewed"), 0, "r1 previewed"),
        (finished("succeeded_with_errors"), 3, "placet run changes r1"),
        (WRONG, 3, "4 rejected; see `placet run changes r1 --result rejected`"),
        (
            WRONG | {"results": {"failed": 2}},
            3,
            "2 failed, 4 rejected; see `placet run changes r1 --result failed` and ",
        ),
        (finished("failed", "the source is empty"), 4, "failed: the source is empty"),
        (finished("denied", "denied by bob: not now"), 5, "run r1: denied by bob: not now"),
        (RUN | {"state": "awaiting_approval", "request": "q1"}, 6, "placet request show q1"),
        (finished("cancelled"), 7, "r1 cancelled"),
        (RUN, 8, "still planning"),
        (RUN | {"state": "applying"}, 8, "placet run watch r1"),
    ],
)
def test_each_end_has_its_code_and_its_sentence(document: dict[str, Any], code: int, words: str) -> None:
    assert exit_code(document) == code
    assert words in why(document)


def test_progress_is_the_share_of_changes_that_have_a_result() -> None:
    plan = {"create": 8, "update": 1, "move": 0, "disable": 0, "delete": 1, "unchanged": 99}
    applying = RUN | {"state": "applying", "plan": plan, "results": {"applied": 3, "failed": 1}}
    assert applied_of(applying) == (4, 10)
    assert applied_of(applying | {"state": "approved"}) == (0, None)


def test_no_time_to_wait_gives_the_run_as_it_is() -> None:
    client: Any = Answers()
    assert follow(client, RUN, timeout=0) == RUN


def test_a_run_that_is_over_is_not_asked_about() -> None:
    client: Any = Answers()
    assert follow(client, finished("succeeded"), timeout=None)["outcome"] == "succeeded"


WAITING = RUN | {"state": "awaiting_approval", "request": "q1"}


@pytest.mark.parametrize(
    ("request_", "who"),
    [
        ({"approvers": ["bob@example.org"], "can_approve": ["bob"]}, "; who can approve: bob"),
        ({"approvers": ["bob@example.org"], "can_approve": []}, "; who can approve: nobody"),
        ({"approvers": ["group:it"]}, "; who can approve: group:it"),
        (CommandError("approvals is away"), ""),
    ],
)
def test_who_waits_hears_once_which_run_it_is_and_for_whom_it_waits(
    request_: Any, who: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0)
    client: Any = Answers(RUN, WAITING, request_, WAITING, finished("succeeded"))
    follow(client, RUN, timeout=None)
    assert capsys.readouterr().err.splitlines() == [
        "run r1 of job people",
        f"it waits for approval; see `placet request show q1`{who}",
    ]


def test_who_stops_waiting_hears_that_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0)
    client: Any = Answers(KeyboardInterrupt())
    with pytest.raises(
        CommandError, match="r1 goes on; see `placet run watch r1`, or end it with `placet run cancel"
    ) as e:
        follow(client, RUN, timeout=None)
    assert (e.value.code, e.value.document) == (INTERRUPTED, RUN)
