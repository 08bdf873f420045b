"""Workflows that nobody could ever satisfy are refused when they are written."""

from typing import Any

import pytest

from placet_shared.errors import InvalidError
from placet_shared.objects import parse_object


def workflow(*approvers: str, need: Any) -> dict[str, Any]:
    return {"kind": "workflow", "name": "w", "stages": [{"approvers": [*approvers], "need": need}]}


@pytest.mark.parametrize(
    ("approvers", "need", "words"),
    [
        (("ada",), 2, "stages.0: need is 2, and 1 approver is named: nobody could ever approve"),
        (("ada", "ADA", "bob"), 3, "stages.0: need is 3, and 2 approvers are named"),
    ],
)
def test_more_votes_than_people_are_refused(approvers: tuple[str, ...], need: int, words: str) -> None:
    with pytest.raises(InvalidError, match=words) as raised:
        parse_object(workflow(*approvers, need=need))
    assert raised.value.field == "stages.0"


@pytest.mark.parametrize(("approvers", "need"), [(("ada", "bob"), 2), (("ada", "group:it"), 9), (("ada",), "all")])
def test_a_group_may_have_any_number_of_people(approvers: tuple[str, ...], need: Any) -> None:
    assert parse_object(workflow(*approvers, need=need)).name == "w"
