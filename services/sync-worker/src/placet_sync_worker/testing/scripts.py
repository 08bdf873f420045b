"""Engines of scripts for tests that are about something else."""

from collections.abc import Sequence

from ..errors import ScriptError
from ..mapping.script import Cells, Failure


class NoScripts:
    """A `ScriptEngine` for jobs without scripts."""

    def run(self, script: str, records: Sequence[Cells]) -> list[tuple[str, ...] | Failure]:
        raise ScriptError("there is no engine here")

    def close(self) -> None: ...
