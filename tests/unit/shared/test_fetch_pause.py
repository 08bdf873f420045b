"""How often an embedded broker, which never holds back an empty fetch, is asked."""

import pytest

from placet_shared.fetching import LONGEST_FETCH_SECONDS, SHORTEST_FETCH_SECONDS, fetch_pause


def test_news_are_followed_by_the_next_question_at_once() -> None:
    assert fetch_pause(took=0.001, quiet=0.0) == 0.0


def test_a_broker_that_held_the_question_back_is_asked_again_at_once() -> None:
    assert fetch_pause(took=0.5, quiet=60.0) == 0.0


@pytest.mark.parametrize(
    ("quiet", "pause"), [(0.1, SHORTEST_FETCH_SECONDS), (3.0, 0.15), (60.0, LONGEST_FETCH_SECONDS)]
)
def test_a_broker_that_answers_at_once_is_asked_less_often_the_longer_it_is_quiet(quiet: float, pause: float) -> None:
    assert fetch_pause(took=0.001, quiet=quiet) == pytest.approx(pause)
