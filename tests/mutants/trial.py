"""Runs tests on a copy of the source tree and says which of them failed."""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from tests.mutants.tree import Tree

PASSED, FAILED = 0, 1
"""pytest's exit codes, of those that say something about the code under test."""


class TrialError(Exception):
    """The tests could not be run, so nothing is known."""


@dataclass(frozen=True)
class Verdict:
    """`failed` is the first test that failed, if one did; `words` is what pytest said."""

    failed: str | None
    seconds: float
    words: str


def try_tests(tree: Tree, tests: Iterable[str]) -> Verdict:
    """Raises TrialError where no test could tell: a mutant that is no Python, a test that has another name now."""
    started = monotonic()
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=short", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=tree.root, env=tree.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    words = done.stdout + done.stderr
    failed = [line.removeprefix("FAILED ") for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    if done.returncode not in (PASSED, FAILED) or (done.returncode == FAILED) != bool(failed):
        raise TrialError(f"pytest ended with {done.returncode} before a test could tell:\n{words}")
    return Verdict(failed[0].partition(" - ")[0] if failed else None, monotonic() - started, words)
