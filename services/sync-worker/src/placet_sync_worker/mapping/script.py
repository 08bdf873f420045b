"""People's scripts: one value, or several, made of a record. The port; the engine is `monty`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Cells = Mapping[str, str | list[str]]
"""A record as a script sees it: a text, or a list of texts where there are many; the empty text where there is none."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a script gave no value for a record."""

    reason: str
    timed_out: bool = False


class ScriptEngine(Protocol):
    """Runs scripts apart from this process, under limits, without clock, random numbers, files or network."""

    def check(self, script: str) -> None:
        """Raises ScriptError where the script cannot be read."""
        ...

    def run(self, script: str, records: Sequence[Cells]) -> list[tuple[str, ...] | Failure]:
        """One answer for each record. `script` is an expression, or a body with `return`, over `source`."""
        ...

    def close(self) -> None: ...
