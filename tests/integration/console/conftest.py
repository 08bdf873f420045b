"""A console for one test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.console import Console, running_console


@pytest.fixture
async def console(database_url: str, tmp_path: Path) -> AsyncIterator[Console]:
    async with running_console(database_url, tmp_path) as running:
        yield running
