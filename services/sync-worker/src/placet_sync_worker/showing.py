"""What people may be shown of a plan: what was signed, and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Verifier
from placet_shared.errors import ConflictError, NotFoundError
from placet_shared.work import Work

from .store import runs
from .tables import LARGEST_NUMBER
from .unaltered import AlteredError, require_shown


async def found_run(work: Work, run_id: str) -> runs.Run:
    """Raises NotFoundError."""
    run = await runs.find(work, run_id)
    if run is None:
        raise NotFoundError(f"no run has the id {run_id}; see `placet run list`")
    return run


def start_of(cursor: int | None) -> int:
    """The number that a page begins after."""
    return -1 if cursor is None else min(cursor, LARGEST_NUMBER)


def number_of(row: Row[Any]) -> str:
    """What the next page begins after, as `page_of` wants it."""
    return str(row.number)


async def only_signed(work: Work, run: runs.Run, rows: Sequence[Row[Any]], verifier: Verifier) -> None:
    """Passes if these changes are in the run's plan."""
    with unaltered(run.run_id):
        await require_shown(work, run, rows, verifier)


@contextmanager
def unaltered(run_id: str) -> Iterator[None]:
    """What was altered is an alarm, and nobody is shown it."""
    try:
        yield
    except AlteredError as error:
        raise_alarm("altered", run_id=run_id, reason=str(error))
        raise ConflictError(str(error)) from error
