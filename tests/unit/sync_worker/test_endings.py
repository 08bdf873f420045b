"""How a run ends, and what removals wait for."""

from datetime import timedelta
from inspect import signature

import pytest

from placet_shared.events import Counts, Results
from placet_sync_worker.changes import Result, worst
from placet_sync_worker.endings import outcome_of, too_many_failures
from placet_sync_worker.life import Life
from placet_sync_worker.settings import WorkerSettings


@pytest.mark.parametrize("bad", ["conflict", "failed", "uncertain", "skipped", "expired"])
def test_removals_wait_when_more_than_one_in_twenty_before_them_went_wrong(bad: str) -> None:
    assert not too_many_failures(Results(applied=90, already_applied=5, **{bad: 5}))
    assert too_many_failures(Results(applied=90, already_applied=4, **{bad: 6}))
    assert not too_many_failures(Results())


def test_a_change_is_as_its_worst_step() -> None:
    assert worst([Result.APPLIED, Result.ALREADY_APPLIED]) is Result.ALREADY_APPLIED
    assert worst([Result.APPLIED, Result.CONFLICT, Result.SKIPPED]) is Result.CONFLICT
    assert worst([Result.UNCERTAIN, Result.FAILED]) is Result.UNCERTAIN


def test_what_was_rejected_or_went_wrong_is_an_error_of_the_run() -> None:
    assert outcome_of(None, Counts(update=1), Results(applied=1)) == "succeeded"
    assert outcome_of(None, Counts(update=1, rejected=1), Results(applied=1)) == "succeeded_with_errors"
    assert outcome_of(None, Counts(update=1), Results(conflict=1)) == "succeeded_with_errors"
    assert outcome_of("gave_up", Counts(update=1), Results(uncertain=1)) == "failed"


def test_a_plan_may_wait_for_a_quarter_of_an_hour() -> None:
    quarter = 15 * 60
    assert signature(Life).parameters["look_after"].default == timedelta(seconds=quarter)
    assert WorkerSettings.model_fields["look_again_seconds"].default == quarter
