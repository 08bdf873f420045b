"""What columns of numbers hold."""

import pytest

from placet_sync_worker.providers.sql.values import floating


@pytest.mark.parametrize(("single", "text"), [(False, "1e-400"), (False, "1e400"), (True, "1e-50"), (True, "1e39")])
def test_what_a_float_would_lose_is_refused(single: bool, text: str) -> None:
    with pytest.raises(ValueError, match=r"beyond|no number"):
        floating(single=single).parse(text)


@pytest.mark.parametrize("text", ["0", "-0.0", "0e-400", "0.000"])
def test_a_zero_is_one_however_it_is_written(text: str) -> None:
    assert floating(single=False).parse(text) == 0
