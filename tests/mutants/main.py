"""`make mutants`: breaks one safety rule at a time in a copy of the source tree, and expects a test to fail.

`MUTANTS=name,name` tries those alone.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.mutants.mutant import Mutant
from tests.mutants.of_changes import OF_CHANGES
from tests.mutants.of_delivery import OF_DELIVERY
from tests.mutants.of_directories import OF_DIRECTORIES
from tests.mutants.of_files import OF_FILES
from tests.mutants.of_marks import OF_MARKS
from tests.mutants.of_passwords import OF_PASSWORDS
from tests.mutants.tree import StaleMutantError, Tree, WrongTreeError, copied_to
from tests.mutants.trial import TrialError, try_tests

MUTANTS = OF_CHANGES + OF_DELIVERY + OF_DIRECTORIES + OF_FILES + OF_MARKS + OF_PASSWORDS

say = partial(print, flush=True)


def main() -> None:
    started, mutants = monotonic(), wanted(os.environ.get("MUTANTS", ""))
    with TemporaryDirectory(prefix="placet-mutants-") as folder:
        tree = copied_to(Path(folder))
        try:
            require_sound(tree, mutants)
            survivors = [mutant.name for mutant in mutants if not is_killed(tree, mutant)]
        except (StaleMutantError, WrongTreeError, TrialError) as error:
            sys.exit(str(error))
    if survivors:
        sys.exit(f"no test noticed {', '.join(survivors)}: a safety rule can be broken unseen")
    say(f"every one of {len(mutants)} mutants was noticed, in {monotonic() - started:.0f} s")


def wanted(names: str) -> Sequence[Mutant]:
    """The mutants of a list with commas; all of an empty one."""
    known = {mutant.name: mutant for mutant in MUTANTS}
    chosen = [name for name in names.split(",") if name]
    if unknown := [name for name in chosen if name not in known]:
        sys.exit(f"no such mutant: {', '.join(unknown)}; known are {', '.join(known)}")
    return [known[name] for name in chosen or known]


def require_sound(tree: Tree, mutants: Sequence[Mutant]) -> None:
    """Raises unless every mutant can be applied, the copy is what is tested, and its tests pass as it is."""
    stale = []
    for mutant in mutants:
        try:
            tree.require_applicable(mutant)
        except StaleMutantError as error:
            stale.append(str(error))
    if stale:
        raise StaleMutantError("\n".join(stale))
    tree.require_imported()
    verdict = try_tests(tree, dict.fromkeys(test for mutant in mutants for test in mutant.tests))
    if verdict.failed:
        raise TrialError(f"{verdict.failed} fails already where nothing is broken:\n{verdict.words}")
    line("(nothing broken)", "every test passes", verdict.seconds)


def is_killed(tree: Tree, mutant: Mutant) -> bool:
    """Says which test noticed, or that none did."""
    try:
        with tree.broken_by(mutant):
            verdict = try_tests(tree, mutant.tests)
    except TrialError as error:
        raise TrialError(f"mutant {mutant.name}: {error}") from error
    line(mutant.name, verdict.failed or "SURVIVED", verdict.seconds)
    return verdict.failed is not None


def line(name: str, what: str, seconds: float) -> None:
    say(f"{name:<48} {seconds:>5.1f} s  {what}")


if __name__ == "__main__":
    main()
