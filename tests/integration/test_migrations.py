"""Each service's migrations, on a real PostgreSQL: they make exactly the tables that the code uses."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncEngine

import placet_approvals.tables
import placet_console.tables
import placet_notifier.tables
import placet_scheduler.tables
import placet_sync_worker.tables
from placet_shared.database import open_engine
from placet_shared.migrating import drift, migrate

TABLES = {
    module.__name__.split(".")[0]: (module.metadata, Path(str(module.__file__)).parent / "migrations")
    for module in (
        placet_approvals.tables,
        placet_console.tables,
        placet_notifier.tables,
        placet_scheduler.tables,
        placet_sync_worker.tables,
    )
}


class Signs:
    """Rows of a test."""

    def seal(self, content: object) -> str:
        return f"{content}, signed"


async def bring_up(engine: AsyncEngine, metadata: MetaData, folder: Path) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(migrate, folder, metadata, {"seals": Signs()})


@pytest.mark.parametrize("service", TABLES)
async def test_nothing_differs_after_two_replicas_migrated_at_once_and_again(service: str, database_url: str) -> None:
    metadata, folder = TABLES[service]
    engine = open_engine(database_url, service)
    try:
        await asyncio.gather(*(bring_up(engine, metadata, folder) for _ in range(2)))
        await bring_up(engine, metadata, folder)
        async with engine.connect() as connection:
            assert await connection.run_sync(drift, metadata) == []
    finally:
        await engine.dispose()


async def test_what_differs_is_seen(database_url: str) -> None:
    metadata, folder = TABLES["placet_notifier"]
    engine = open_engine(database_url, "placet_notifier")
    try:
        await bring_up(engine, metadata, folder)
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE notifier.outbox DROP COLUMN sent_at CASCADE"))
        async with engine.connect() as connection:
            assert any("sent_at" in str(each) for each in await connection.run_sync(drift, metadata))
    finally:
        await engine.dispose()
