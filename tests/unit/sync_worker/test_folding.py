"""Keys and values in the form in which equal ones are equal texts."""

import pyarrow as pa
import pytest

from placet_sync_worker.mapping.columns import as_lists, of_values
from placet_sync_worker.planning.folding import alike, decoded, folded, folded_lists, formed
from placet_sync_worker.testing.destination import FakeDestination, fold, whole_number

MANY = of_values([["B", "a"], [], ["C  d"]])


def test_texts_are_folded_and_what_cannot_be_is_none() -> None:
    assert folded(["A", None, "b\0"], fold) == ["a", None, None]
    assert folded(["07", "x", None], whole_number) == ["7", None, None]


def test_all_values_of_a_row_are_folded() -> None:
    assert folded_lists(MANY, fold).to_pylist() == [["b", "a"], [], ["c d"]]
    assert folded_lists(of_values([["07", "x"], ["y"]]), whole_number).to_pylist() == [["7"], []]


def test_slices_keep_their_rows() -> None:
    sliced = as_lists(pa.array([["x"], ["A", "B"], None]).slice(1))
    assert formed(sliced, fold).to_pylist() == [["a", "b"], []]


def test_values_that_the_syntax_does_not_allow_are_found_and_kept() -> None:
    column, problems = decoded(of_values([["07"], ["up"], ["8", "down"]]), whole_number)
    assert column.to_pylist() == [["7"], ["up"], ["8", "down"]]
    assert problems.keys() == {1, 2}
    assert problems[2].startswith("8, down is not allowed here:")
    with pytest.raises(ValueError, match="invalid literal"):
        formed(of_values([["up"]]), whole_number)


def test_values_that_are_alike_to_the_server_are_found() -> None:
    column = of_values([["a@x", "A@x"], ["a@x", "b@x"], ["same", "same"]])
    assert alike(column, [0, 1, 2], FakeDestination().attribute("mail")) == {
        0: "the server takes some of these values for the same: A@x, a@x"
    }
