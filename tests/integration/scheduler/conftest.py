"""The scheduler with its tables, for one test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.scheduler import Scheduler, a_scheduler


@pytest.fixture
async def scheduler(database_url: str, tmp_path: Path) -> AsyncIterator[Scheduler]:
    made = await a_scheduler(database_url, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def another(scheduler: Scheduler, database_url: str) -> AsyncIterator[Scheduler]:
    """A second replica on the same schema."""
    made = Scheduler(database_url, scheduler.keys)
    yield made
    await made.close()
