"""From a source's columns to the values of attributes."""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from placet_shared.objects import Field
from placet_sync_worker.errors import ScriptError
from placet_sync_worker.mapping.columns import as_lists, constant, holding_nul, of_values, several
from placet_sync_worker.mapping.mapper import Mapped, map_field
from placet_sync_worker.mapping.script import Cells, Failure, columns_of, function
from placet_sync_worker.ports import RECORD

RECORDS = pa.RecordBatch.from_pydict(
    {
        RECORD: ["line 2", "line 3", "line 4"],
        "first": ["Ann", None, ""],
        "last": ["Low", "Roe", None],
        "aliases": pa.array([["a", "b"], ["c"], None], pa.list_(pa.string())),
    }
)


class Scripts:
    """An engine that answers as told, and keeps what it was given."""

    def __init__(self, *answers: tuple[str, ...] | Failure) -> None:
        self.answers, self.seen = list(answers), list[Cells]()

    def run(self, script: str, records: Sequence[Cells]) -> list[tuple[str, ...] | Failure]:
        self.seen += records
        if script == "broken":
            raise ScriptError("it is broken")
        return self.answers

    def close(self) -> None: ...


def mapped(field: dict[str, object], scripts: Scripts | None = None) -> Mapped:
    return map_field(Field.model_validate({"to": "x", **field}), RECORDS, scripts or Scripts())


def test_a_text_column_becomes_lists_of_one_or_none() -> None:
    assert mapped({"from": "first"}).values.to_pylist() == [["Ann"], [], []]


def test_a_column_of_lists_stays_one() -> None:
    assert mapped({"from": "aliases"}).values.to_pylist() == [["a", "b"], ["c"], []]


def test_the_first_characters_and_some_of_them_are_counted_from_one() -> None:
    assert mapped({"left": {"from": "first", "length": 1}}).values.to_pylist() == [["A"], [], []]
    assert mapped({"left": {"from": "last", "length": 9}}).values.to_pylist() == [["Low"], ["Roe"], []]
    assert mapped({"substring": {"from": "last", "start": 2, "length": 2}}).values.to_pylist() == [["ow"], ["oe"], []]
    assert mapped({"substring": {"from": "last", "start": 4, "length": 2}}).values.to_pylist() == [[], [], []]


def test_a_value_is_split_into_many_and_empty_pieces_are_none() -> None:
    records = pa.RecordBatch.from_pydict({RECORD: ["line 2", "line 3"], "aliases": ["a@x; b@x;;", " ;"]})
    field = Field.model_validate({"to": "x", "from": "aliases", "split": ";"})
    assert map_field(field, records, Scripts()).values.to_pylist() == [["a@x", "b@x"], []]


def test_static_values_are_the_same_for_all() -> None:
    assert mapped({"static": "ACME"}).values.to_pylist() == [["ACME"]] * 3
    assert mapped({"static": ("a", "b")}).values.to_pylist() == [["a", "b"]] * 3
    assert mapped({"static": ""}).values.to_pylist() == [[]] * 3


def test_join_leaves_empty_parts_out() -> None:
    assert mapped({"join": ("first", "last")}).values.to_pylist() == [["Ann Low"], ["Roe"], []]
    assert mapped({"join": ("last", "first"), "separator": ", "}).values.to_pylist()[0] == ["Low, Ann"]


def test_a_part_with_several_values_cannot_be_joined() -> None:
    found = mapped({"join": ("first", "aliases")})
    assert found.values.to_pylist() == [[], ["c"], []]
    assert found.problems == {0: "a part to join has several values"}


def test_a_script_sees_texts_and_lists_and_a_bad_record_does_not_spoil_the_others() -> None:
    scripts = Scripts(("x",), Failure("KeyError: z"), ("y", "z"))
    found = mapped({"script": "any"}, scripts)
    assert found.values.to_pylist() == [["x"], [], ["y", "z"]]
    assert found.problems == {1: "KeyError: z"}
    assert scripts.seen == [
        {"first": "Ann", "last": "Low", "aliases": ["a", "b"]},
        {"first": "", "last": "Roe", "aliases": "c"},
        {"first": "", "last": "", "aliases": ""},
    ]


def test_a_script_that_cannot_run_names_its_attribute() -> None:
    with pytest.raises(ScriptError, match="x: it is broken"):
        mapped({"script": "broken"})


def test_slices_of_columns_are_read_from_their_start() -> None:
    texts = pa.array(["a", "b", None, "d"]).slice(1)
    assert as_lists(texts).to_pylist() == [["b"], [], ["d"]]
    lists = pa.array([["a"], ["b", "c"], None, ["d"]]).slice(1)
    assert as_lists(lists).to_pylist() == [["b", "c"], [], ["d"]]


def test_columns_know_their_many_values_and_their_nuls() -> None:
    column = of_values([["a"], [], ["b", "c\0"]])
    assert several(column) == [2]
    assert holding_nul(column) == [2]
    assert holding_nul(constant(["a"], 3)) == []
    assert as_lists(pa.array([], pa.string())).to_pylist() == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("source['a'].lower()", "def transform(source):\n    return source['a'].lower()"),
        ("\n  source['a'] +\\\n  'x'\n", "def transform(source):\n    return source['a'] + 'x'"),
        ("x = 1\nreturn x", "def transform(source):\n    x = 1\n    return x"),
        ("return '''a\nb'''", "def transform(source):\n    return 'a\\nb'"),
    ],
)
def test_an_expression_or_a_body_becomes_a_function(script: str, expected: str) -> None:
    assert function(script) == expected


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("1 +", "cannot be read on line 1"),
        ("x = 1\nreturn (", "cannot be read on line 2"),
        ("x = 1", "has no return"),
        ("", "has no return"),
        ("return '\0'", "cannot be read"),
    ],
)
def test_a_script_that_cannot_be_read_says_why(script: str, reason: str) -> None:
    with pytest.raises(ScriptError, match=reason):
        function(script)


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("source['a'] + source.get('b', '')", {"a", "b"}),
        ("'ACME'", set()),
        ("source[x]", None),
        ("for name in source:\n    pass\nreturn source['a']", None),
        ("[source['a']]", {"a"}),
    ],
)
def test_the_columns_of_a_script_are_told_from_its_text(script: str, names: set[str] | None) -> None:
    assert columns_of(script) == names
