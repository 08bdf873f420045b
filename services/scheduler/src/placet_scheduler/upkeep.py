"""What is done now and then, whatever happens."""

from placet_shared.work import Database

from . import store
from .metrics import OPEN
from .runs import ORDER


async def count_runs(database: Database) -> None:
    """Keeps the gauge of open runs."""
    async with database.transaction() as work:
        counted = await store.count_open_runs(work)
    for state in ORDER[:-1]:
        OPEN.labels(state).set(counted.get(state, 0))


async def forget_old_keys(database: Database) -> None:
    """Nobody repeats a request after a week."""
    async with database.transaction() as work:
        await store.forget_old_keys(work)
