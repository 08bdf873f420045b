"""People's scripts: one value, or several, made of a record. The port; the engine is `monty`."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import ScriptError

Cells = Mapping[str, str | list[str]]
"""A record as a script sees it: a text, or a list of texts where there are many; the empty text where there is none."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a script gave no value for a record."""

    reason: str
    timed_out: bool = False


class ScriptEngine(Protocol):
    """Runs scripts apart from this process, under limits, without clock, random numbers, files or network."""

    def run(self, script: str, records: Sequence[Cells]) -> list[tuple[str, ...] | Failure]:
        """One answer for each record. `script` is an expression, or a body with `return`, over `source`."""
        ...

    def close(self) -> None: ...


def function(script: str) -> str:
    """The script as a function `transform(source)`. Raises ScriptError where it is neither an expression nor a body."""
    try:
        body = _body(script)
    except (SyntaxError, ValueError) as error:
        line = f" on line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise ScriptError(f"the script cannot be read{line}: {getattr(error, 'msg', error)}") from error
    if not any(isinstance(node, ast.Return) for statement in body for node in ast.walk(statement)):
        raise ScriptError("the script has no return; write an expression, or a body with return")
    head = ast.parse("def transform(source): pass")
    head.body[0].body = body  # type: ignore[attr-defined]  # the one statement is a FunctionDef
    return ast.unparse(head)


def columns_of(script: str) -> frozenset[str] | None:
    """The names that a script takes from `source`; None where they cannot be told from its text."""
    tree = ast.parse(function(script))
    names, uses = set(), 0
    for node in ast.walk(tree):
        uses += isinstance(node, ast.Name) and node.id == "source"
        match node:
            case (
                ast.Subscript(value=ast.Name(id="source"), slice=ast.Constant(value=str(name)))
                | ast.Call(
                    func=ast.Attribute(value=ast.Name(id="source"), attr="get"),
                    args=[ast.Constant(value=str(name)), *_],
                )
            ):
                names.add(name)
                uses -= 1
    return frozenset(names) if uses == 0 else None


def _body(script: str) -> list[ast.stmt]:
    try:
        return [ast.Return(ast.parse(script.strip(), mode="eval").body)]
    except SyntaxError:
        return ast.parse(script).body
