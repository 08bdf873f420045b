"""What tests of directories and of runs share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from placet_sync_worker.providers.ldap.drivers import Driver, installed
from tests.support.worker import WorkerHarness


@pytest.fixture(params=["python", "libldap"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """Both drivers keep the same promises in the same words."""
    if request.param == "libldap" and not installed():
        pytest.skip("python-ldap is not installed; `make test` installs it")
    chosen: Driver = request.param
    return chosen


@pytest.fixture
async def worker(database_url: str, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    """A worker with a schema of its own."""
    harness = WorkerHarness(database_url, tmp_path)
    await harness.migrate()
    yield harness
    await harness.database.engine.dispose()
