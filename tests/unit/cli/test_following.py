"""With which exit code a run that was waited for ends, and what is said about it."""

from typing import Any

import pytest

from placet_cli.following import applied_of, exit_code, follow, why

RUN: dict[str, Any] = {
    "id": "r1", "job": "people", "state": "planning", "outcome": None, "reason": None, "request": None, "plan": None,
    "results": {"applied": 0, "failed": 0},
}  # fmt: skip


class Answers:
    """A client that gives these documents, one at each call."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self._documents = list(documents)

    def get(self, *_path: str) -> dict[str, Any]:
        return self._documents.pop(0)


def finished(outcome: str, reason: str | None = None) -> dict[str, Any]:
    return RUN | {"state": "finished", "outcome": outcome, "reason": reason}


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (finished("succeeded"), 0, "r1 succeeded"),
        (finished("previewed"), 0, "r1 previewed"),
        (finished("succeeded_with_errors"), 3, "placet run changes r1"),
        (finished("failed", "the source is empty"), 4, "failed: the source is empty"),
        (finished("denied", "bob: not now"), 5, "denied: bob: not now"),
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
