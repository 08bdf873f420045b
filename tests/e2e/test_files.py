"""Files as sources that are asked with SQL, and as destinations, through the command."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.files import COLUMNS, KINDS, FileKind, person
from tests.support.stack import Person, Stack

ANN, BOB, TEMP = person("007", "Ann"), person("2", "Bob"), person("3", "Cyd", "Temp")


def documents(kind: FileKind, number: str) -> str:
    """A job from the people of `hr.csv` that are no temps to a file."""
    settings = "".join(f"{name}: {value}\n" for name, value in kind.document().items())
    fields = "".join(f"  - {{to: {name}, from: {name}}}\n" for name in COLUMNS)
    return (
        f"kind: provider\nname: staff-{number}\ntype: csv\npath: hr.csv\n---\n"
        f"kind: provider\nname: out-{number}\n{settings}---\n"
        f"kind: job\nname: files-{number}\n"
        f"source: {{provider: staff-{number}, query: \"SELECT * FROM hr WHERE dept <> 'Temp'\"}}\n"
        f"destination: {{provider: out-{number}}}\nkey: [{{source: id, destination: id}}]\nfields:\n{fields}"
        "extra: delete\nlimits: {delete: null}\n"
    )


def put(folder: Path, *rows: dict[str, str]) -> None:
    KINDS["csv"]().put(folder / "hr.csv", COLUMNS, rows)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_follows_what_a_query_gives(stack: Stack, people: dict[str, Person], tmp_path: Path, name: str) -> None:
    kind, ada, job = KINDS[name](), people["ada"], f"files-{name}"
    out = tmp_path / kind.document()["path"]
    kind.put(out, COLUMNS, [])
    put(tmp_path, ANN, BOB, TEMP)
    (tmp_path / "placet.yaml").write_text(documents(kind, name))
    stack.admin.ask("apply", "-f", tmp_path / "placet.yaml")
    assert stack.admin.ask("provider", "test", f"out-{name}")["ok"]
    shown = stack.admin.ask("query", "test", f"staff-{name}", "--query", "SELECT name FROM hr WHERE id = '007'")
    assert shown["rows"] == [["Ann"]]
    assert "errors" not in ada.run("job", "review", job).out

    run: Any = ada.ask("job", "run", job, "--wait", "--timeout", "45")
    assert (run["outcome"], run["plan"]["create"], run["plan"]["safety"]) == ("succeeded", 2, "value")
    assert kind.rows(out) == [BOB, ANN] or kind.rows(out) == [ANN, BOB]

    put(tmp_path, ANN | {"dept": "IT"}, TEMP)
    run = ada.ask("job", "run", job, "--wait", "--timeout", "45")
    assert (run["plan"]["update"], run["plan"]["delete"], run["results"]["applied"]) == (1, 1, 2)
    assert kind.rows(out) == [ANN | {"dept": "IT"}]
    changes = ada.ask("run", "changes", run["id"])["items"]
    assert {(one["op"], one["key"], one["result"]) for one in changes} == {
        ("update", "007", "applied"), ("delete", "2", "applied"),
    }  # fmt: skip
