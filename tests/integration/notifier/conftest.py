"""The service with its tables, and a mail server, for one test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from placet_notifier.app import build
from placet_notifier.settings import NotifierSettings
from placet_shared.migrating import migrate
from tests.support.notifier import Notifier
from tests.support.signing import INSTALLATION, SigningKeys
from tests.support.smtp import SmtpServer, smtp_server


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys(tmp_path / "keys")


@pytest.fixture
def settings(database_url: str, tmp_path: Path, keys: SigningKeys) -> NotifierSettings:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    return NotifierSettings(
        database_url=database_url,
        kafka="unused",
        key=keys.private_key("notifier"),
        public_keys=keys.public,
        installation=INSTALLATION,
        http_port=1,
        secrets=secrets,
    )


@pytest.fixture
async def notifier(settings: NotifierSettings, keys: SigningKeys) -> AsyncIterator[Notifier]:
    service = build(settings)
    async with service.database.engine.begin() as connection:
        await connection.run_sync(migrate, service.migrations, service.metadata)
    yield Notifier(service, keys)
    await service.database.engine.dispose()


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpServer]:
    with smtp_server(tmp_path) as server:
        yield server
