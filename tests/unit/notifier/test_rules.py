"""Who is told about a finished run, as the interface has it under "Who is told"."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet_notifier.rules import RuleUnreadableError, rule_of
from placet_shared.events import Counts, Results, RunFinished
from tests.support.notifier import OPS, a_run_finished

QUIET = {"results": Results(), "applied": {}, "counts": Counts(unchanged=9)}
WROTE: dict[str, Any] = {}
REPEATED = {"results": Results(already_applied=2)}
REJECTED = {**QUIET, "counts": Counts(rejected=1), "outcome": "succeeded_with_errors"}
CONFLICT = {**QUIET, "results": Results(conflict=1), "outcome": "succeeded_with_errors"}
FAILURES = {"results": Results(applied=300, failed=2), "outcome": "succeeded_with_errors"}
UNCERTAIN = {**QUIET, "results": Results(uncertain=1), "outcome": "succeeded_with_errors"}
SKIPPED = {**QUIET, "results": Results(skipped=4), "outcome": "succeeded_with_errors"}
EXPIRED = {**QUIET, "results": Results(expired=4), "outcome": "succeeded_with_errors"}
FAILED = {**QUIET, "counts": None, "outcome": "failed", "reason": "the directory is down"}
FAILED_HALFWAY = {"results": Results(applied=5, failed=95), "outcome": "failed"}
DENIED = {**QUIET, "outcome": "denied"}
CANCELLED = {**QUIET, "outcome": "cancelled", "results": Results(skipped=3)}


@pytest.mark.parametrize(
    ("when", "run", "expected"),
    [
        *(("always", run, True) for run in (QUIET, WROTE, REJECTED, FAILURES, SKIPPED, FAILED, DENIED, CANCELLED)),
        *(("records_updated", run, True) for run in (WROTE, REPEATED, FAILURES, FAILED_HALFWAY)),
        *(("records_updated", run, False) for run in (QUIET, REJECTED, CONFLICT, UNCERTAIN, SKIPPED, FAILED, DENIED)),
        *(("errors", run, True) for run in (REJECTED, CONFLICT, FAILURES, UNCERTAIN, FAILED, FAILED_HALFWAY)),
        *(("errors", run, False) for run in (QUIET, WROTE, SKIPPED, EXPIRED, DENIED, CANCELLED)),
        *(("failed", run, True) for run in (FAILED, FAILED_HALFWAY)),
        *(("failed", run, False) for run in (QUIET, WROTE, REJECTED, FAILURES, DENIED, CANCELLED)),
    ],
)
def test_each_rule_tells_of_what_it_says(when: str, run: dict[str, Any], expected: bool) -> None:
    event = a_run_finished(**run, notify={"to": [OPS], "when": when})
    rule = rule_of(event)
    assert (rule.to if rule else ()) == ((OPS,) if expected else ())


@pytest.mark.parametrize("when", ["always", "records_updated", "errors", "failed"])
@pytest.mark.parametrize("preview", [{"outcome": "previewed"}, {"outcome": "failed", "preview": True}])
def test_previews_are_never_told_of(when: str, preview: dict[str, Any]) -> None:
    run = {"results": Results(applied=1, failed=1), "preview": True} | preview
    assert rule_of(a_run_finished(**run, notify={"to": [OPS], "when": when})) is None


@pytest.mark.parametrize("notify", [None, {"enabled": False, "to": [OPS]}, {"enabled": False, "to": []}])
def test_nobody_is_told_where_nobody_should_be(notify: Any) -> None:
    assert rule_of(a_run_finished(notify=notify)) is None


def test_a_rule_of_the_future_is_refused_by_name() -> None:
    with pytest.raises(RuleUnreadableError, match=r"job people: notify\.when: .*upgrade the notifier"):
        rule_of(a_run_finished(notify={"to": [OPS], "when": "on_tuesdays"}))


@given(
    results=st.builds(Results, **{name: st.integers(0, 3) for name in Results.model_fields}),
    outcome=st.sampled_from(["succeeded", "succeeded_with_errors", "failed", "denied", "cancelled"]),
    rejected=st.integers(0, 2),
)
def test_rules_are_nested(results: Results, outcome: str, rejected: int) -> None:
    """Who is told of failures is told of errors, and who is told of anything is told always."""

    def told_when(when: str) -> bool:
        event: RunFinished = a_run_finished(
            results=results, outcome=outcome, counts=Counts(rejected=rejected), notify={"to": [OPS], "when": when}
        )
        return rule_of(event) is not None

    assert told_when("always")
    assert told_when("errors") or not told_when("failed")
