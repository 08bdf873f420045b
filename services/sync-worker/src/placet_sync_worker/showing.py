"""What people may be shown of a plan: what was signed, and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Verifier
from placet_shared.errors import ConflictError
from placet_shared.work import Work

from .store import runs
from .unaltered import AlteredError, require_shown


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
