"""The life of a run: forward only, whatever the order in which its news come, with an exit from every state."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet_scheduler.runs import ORDER, UNDECIDED, RunView, State, show_run
from placet_shared.events import Outcome, Results

NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)
PLAN, OTHER_PLAN = {"digest": "sha256:00"}, {"digest": "sha256:11"}
SOME, ALL = Results(applied=2, conflict=1), Results(applied=8, conflict=2)

News = Callable[[RunView], RunView]


def planned(view: RunView) -> RunView:
    return view.planned(PLAN)


def waits(view: RunView) -> RunView:
    return view.waits("q1")


def approved(view: RunView) -> RunView:
    return view.approved()


def applied(view: RunView) -> RunView:
    return view.applied(SOME)


def ended(view: RunView) -> RunView:
    return view.ended("succeeded_with_errors", ALL, "two conflicts", NOON)


NEWS: tuple[News, ...] = (planned, waits, approved, applied, ended)
KNOWN_AT_THE_END = RunView("finished", "succeeded_with_errors", PLAN, "q1", ALL, "two conflicts", NOON)


def told(*news: News, view: RunView | None = None) -> RunView:
    """What is known after these news, beginning with a run that was just ordered."""
    view = view or RunView()
    for one in news:
        view = one(view)
    return view


IN_STATE: dict[State, RunView] = {
    "requested": RunView(state="requested"),
    "planning": told(),
    "awaiting_approval": told(planned, waits),
    "approved": told(planned, approved),
    "applying": told(planned, approved, applied),
    "finished": told(ended),
}

any_news = st.sampled_from(NEWS)
"""One of the events of a run; in lists they come late, again, and in any order."""

any_view = st.sampled_from(list(IN_STATE.values()))


def test_the_states_are_those_of_the_interface() -> None:
    assert ORDER == ("requested", "planning", "awaiting_approval", "approved", "applying", "finished")
    assert {state for state in ORDER if ORDER.index(state) < ORDER.index("approved")} == UNDECIDED


def test_a_run_begins_in_planning_and_knows_nothing() -> None:
    assert RunView() == RunView("planning", None, None, None, Results(), None, None)


@pytest.mark.parametrize(
    ("news", "state"),
    [
        ((), "planning"),
        ((planned,), "planning"),
        ((planned, waits), "awaiting_approval"),
        ((planned, approved), "approved"),
        ((planned, waits, approved), "approved"),
        ((planned, waits, approved, applied), "applying"),
        ((planned, waits, approved, applied, ended), "finished"),
        ((planned, ended), "finished"),
        ((ended,), "finished"),
    ],
)
def test_the_way_of_a_run(news: Sequence[News], state: State) -> None:
    assert told(*news).state == state


@pytest.mark.parametrize("state", ORDER)
@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_state_has_an_exit(state: State, outcome: str) -> None:
    before = IN_STATE[state]
    assert before.state == state
    after = before.ended(outcome, ALL, "why", NOON)
    assert after.over
    if not before.over:
        assert (after.outcome, after.results, after.reason, after.finished_at) == (outcome, ALL, "why", NOON)


@pytest.mark.parametrize("state", ORDER)
@pytest.mark.parametrize("one", NEWS)
def test_no_news_move_a_run_back_from_any_state(state: State, one: News) -> None:
    assert ORDER.index(one(IN_STATE[state]).state) >= ORDER.index(state)


@given(any_view, st.lists(any_news))
def test_no_sequence_of_news_moves_a_run_back(start: RunView, news: list[News]) -> None:
    states = [start.state, *(told(*news[:count], view=start).state for count in range(1, len(news) + 1))]
    assert states == sorted(states, key=ORDER.index)


@given(st.permutations(NEWS), st.lists(any_news))
def test_in_whatever_order_news_come_and_come_again_the_end_is_the_same(once: list[News], again: list[News]) -> None:
    assert told(*once, *again) == told(*again, *once) == KNOWN_AT_THE_END


@given(st.lists(any_news), st.lists(any_news))
def test_after_the_end_news_add_to_what_is_known_and_change_nothing(before: list[News], late: list[News]) -> None:
    over = told(*before, ended)
    after = told(*late, lambda view: view.ended("failed", Results(failed=1), "a second end", NOON), view=over)
    assert after == replace(over, plan=after.plan, request_id=after.request_id)
    assert after.plan == (PLAN if planned in [*before, *late] else None)
    assert after.request_id == ("q1" if waits in [*before, *late] else None)


@given(st.permutations([planned, waits, approved]), st.lists(st.sampled_from([planned, waits, approved])))
def test_what_was_planned_asked_and_decided_comes_to_the_same_in_any_order(once: list[News], again: list[News]) -> None:
    assert told(*once, *again) == RunView("approved", plan=PLAN, request_id="q1")


@given(st.lists(st.sampled_from([planned, waits, applied])))
def test_progress_counts_only_where_the_approval_is_known(news: list[News]) -> None:
    view = told(*news)
    assert view.results == Results()
    assert view.state in UNDECIDED


@given(st.lists(st.builds(Results, **{name: st.integers(0, 9) for name in Results.model_fields}), min_size=1))
def test_progress_adds_up_until_the_end_brings_the_true_numbers(batches: list[Results]) -> None:
    view = told(planned, approved, *(lambda view, some=some: view.applied(some) for some in batches))
    assert view.state == "applying"
    for name in Results.model_fields:
        assert getattr(view.results, name) == sum(getattr(batch, name) for batch in batches)
    assert ended(view).results == ALL


@pytest.mark.parametrize("state", ORDER)
def test_the_first_plan_and_the_first_request_count(state: State) -> None:
    known = told(planned, waits, view=IN_STATE[state])
    later = known.planned(OTHER_PLAN).waits("q2")
    assert (later.plan, later.request_id) == (PLAN, "q1")


@pytest.mark.parametrize("state", ORDER)
def test_a_run_is_over_when_it_is_finished_and_not_before(state: State) -> None:
    assert IN_STATE[state].over == (state == "finished")


def test_a_run_is_shown_as_the_interface_says() -> None:
    row: dict[str, Any] = {
        "run_id": "r1", "job": "people", "state": "planning", "outcome": None, "trigger": "manual",
        "requested_by": "ada", "requested_at": NOON, "finished_at": None, "preview": False, "plan": PLAN,
        "request_id": "q1", "results": ALL.model_dump(), "reason": None,
    }  # fmt: skip
    ours = {"order_token": "a.b.c", "plan_token": "d.e.f", "cancel_asked": True, "trigger_reason": None}
    same = {name: value for name, value in row.items() if name not in ("run_id", "request_id")}
    assert show_run(row | ours) == same | {"id": "r1", "request": "q1"}
    assert show_run(row | ours | {"trigger_reason": "new hires"})["trigger_reason"] == "new hires"
