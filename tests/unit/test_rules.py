"""The list of rules names tests that are there."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = ROOT / "tests" / "RULES.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, functions))


def rows() -> list[list[str]]:
    """The cells of all tables, their heads aside."""
    lines = [line for line in RULES.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row not in (["rule", "test"], ["---", "---"])]


def test_each_rule_has_tests() -> None:
    assert len(rows()) > 100
    for rule, *tests in rows():
        named = "<br>".join(tests).split("<br>")
        assert all(map(TEST.fullmatch, named)), rule


def test_each_test_of_the_list_exists() -> None:
    named = TEST.findall(RULES.read_text())
    assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []
