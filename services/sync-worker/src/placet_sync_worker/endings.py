"""How a run ends: pure decisions over its results."""

from collections.abc import Mapping
from typing import Literal

from placet_shared.events import Counts, Outcome, Results

from .changes import Result

Ending = Literal["cancelled", "expired", "gave_up"]
"""Why no further step of a run is written."""

UNSENT: Mapping[Ending, Result] = {
    "cancelled": Result.SKIPPED,
    "expired": Result.EXPIRED,
    "gave_up": Result.FAILED,
}
"""What steps become that were never sent when a run ends early."""

MOST_FAILURES_BEFORE_REMOVALS = 0.05
TOO_MANY_FAILURES = "too many failures before; the next run plans it again"
"""Why removals are not made then."""


def outcome_of(ending: Ending | None, counts: Counts, results: Results) -> Outcome:
    """The outcome of a run that was applied, as the interface defines it."""
    if ending == "gave_up":
        return "failed"
    if ending == "cancelled":
        return "cancelled"
    bad = results.conflict + results.failed + results.uncertain + results.skipped + results.expired
    return "succeeded_with_errors" if counts.rejected + bad > 0 else "succeeded"


def too_many_failures(before: Results) -> bool:
    """Whether removals must wait for another run, given the results of all phases before them."""
    done = before.applied + before.already_applied
    bad = before.conflict + before.failed + before.uncertain + before.skipped + before.expired
    return bad > MOST_FAILURES_BEFORE_REMOVALS * (done + bad)


def results_of(tally: Mapping[str, int]) -> Results:
    """Results from counts by name."""
    return Results.model_validate(dict(tally))
