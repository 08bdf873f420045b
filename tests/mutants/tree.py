"""A copy of the source tree that may be broken; the working tree never is."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutant import Mutant

WORKING_TREE = Path(__file__).parents[2]
PARTS = ("shared", "services", "cli", "tests")
"""Folders that tests need, besides the project's settings."""

_WHERE = "import sys; from importlib.util import find_spec as f; print(*(f(n).origin for n in sys.argv[1:]), sep='\\n')"


class StaleMutantError(Exception):
    """A mutant that can no longer be applied."""


class WrongTreeError(Exception):
    """Tests of the copy would import code from elsewhere."""


@dataclass(frozen=True)
class Tree:
    """The copy. Its packages stand before the installed ones in the path of every process with its environment."""

    root: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """Without bytecode: a mutant that is as long as what it replaces could be taken for it."""
        path = os.pathsep.join(str(source) for source in self._sources())
        return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def require_applicable(self, mutant: Mutant) -> None:
        """Raises StaleMutantError."""
        file = self.root / mutant.file
        times = file.read_text().count(mutant.old) if file.exists() else 0
        if times != 1:
            raise StaleMutantError(
                f"mutant {mutant.name}: what it replaces stands {times} times in {mutant.file}, not once;"
                " the rule has moved, so look for it and mend the mutant in tests/mutants"
            )

    def require_imported(self) -> None:
        """Raises WrongTreeError unless Python finds every package of the project in this tree."""
        names = [package.parent.name for source in self._sources() for package in source.glob("*/__init__.py")]
        found = subprocess.run(
            [sys.executable, "-c", _WHERE, *names],
            cwd=self.root, env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for origin in found.stdout.splitlines():
            if not Path(origin).is_relative_to(self.root):
                raise WrongTreeError(f"{origin} would be tested instead of the copy in {self.root}")

    @contextmanager
    def broken_by(self, mutant: Mutant) -> Iterator[None]:
        """The tree with this mutant in it, until the block ends. Raises StaleMutantError."""
        self.require_applicable(mutant)
        file = self.root / mutant.file
        whole = file.read_text()
        file.write_text(whole.replace(mutant.old, mutant.new))
        try:
            yield
        finally:
            file.write_text(whole)

    def _sources(self) -> list[Path]:
        return [self.root / "shared/src", *sorted(self.root.glob("services/*/src")), self.root / "cli/src"]


def copied_to(folder: Path) -> Tree:
    """A copy of the working tree as it is now."""
    root = folder.resolve()
    for part in PARTS:
        shutil.copytree(WORKING_TREE / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(WORKING_TREE / "pyproject.toml", root)
    return Tree(root)
