"""The service with its tables, for one test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from placet_approvals.app import build
from placet_shared.migrating import migrate
from placet_shared.settings import Settings
from tests.support.approvals import Approvals
from tests.support.signing import INSTALLATION, SigningKeys


@pytest.fixture
async def approvals(database_url: str, tmp_path: Path) -> AsyncIterator[Approvals]:
    keys = SigningKeys(tmp_path / "keys")
    service = build(
        Settings(
            database_url=database_url,
            kafka="unused",
            key=keys.private_key("approvals"),
            public_keys=keys.public,
            installation=INSTALLATION,
            http_port=1,
        )
    )
    async with service.database.engine.begin() as connection:
        await connection.run_sync(migrate, service.migrations, service.metadata)
    yield Approvals(service, keys)
    await service.database.engine.dispose()
