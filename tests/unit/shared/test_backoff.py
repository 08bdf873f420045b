"""Pauses between tries."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet_shared.backoff import backoff

FIRST, LONGEST = timedelta(seconds=2), timedelta(minutes=5)


@pytest.mark.parametrize(
    ("failures", "chance", "seconds"),
    [(1, 0.0, 1), (1, 1.0, 2), (2, 0.0, 2), (2, 1.0, 4), (5, 0.5, 24), (8, 1.0, 256), (9, 1.0, 300), (12, 0.0, 150)],
)
def test_pauses_double(failures: int, chance: float, seconds: float) -> None:
    assert backoff(failures, FIRST, LONGEST, chance) == timedelta(seconds=seconds)


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_pauses_grow_and_have_an_end(failures: int, chance: float) -> None:
    pause = backoff(failures, FIRST, LONGEST, chance)
    assert FIRST / 2 <= pause <= backoff(failures + 1, FIRST, LONGEST, chance) <= LONGEST
