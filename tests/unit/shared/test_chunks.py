"""Parts of what is too much for one statement."""

import pytest

from placet_shared.chunks import chunks


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (7, [3, 3, 1])])
def test_parts_are_of_one_size_but_for_the_last_and_lose_nothing(count: int, sizes: list[int]) -> None:
    parts = list(chunks(list(range(count)), 3))
    assert [len(part) for part in parts] == sizes
    assert [one for part in parts for one in part] == list(range(count))
