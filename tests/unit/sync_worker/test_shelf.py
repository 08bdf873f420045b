"""Long values travel by name and come back as they were."""

from pathlib import Path

from placet_sync_worker.mapping.columns import of_values
from placet_sync_worker.planning.shelf import LONGEST, Shelf

LONG = "Łódź\r\n" * LONGEST


def test_long_values_travel_by_name_and_come_back_as_they_were(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    rows = shelf.put(of_values([[], ["short", LONG], [LONG]])).to_pylist()
    assert rows[0] == []
    assert rows[1] == ["short", rows[2][0]]
    assert len(rows[2][0]) < LONGEST
    assert [shelf.get(row) for row in rows] == [(), ("short", LONG), (LONG,)]


def test_a_column_without_long_values_stays_as_it_is(tmp_path: Path) -> None:
    column = of_values([["x" * LONGEST]])
    assert Shelf(tmp_path).put(column) is column


def test_equal_values_of_both_sides_have_equal_names(tmp_path: Path) -> None:
    one, other = (Shelf(tmp_path).put(of_values([[LONG]])) for _ in range(2))
    assert one.equals(other)
    assert not one.equals(Shelf(tmp_path).put(of_values([[LONG + "x"]])))
