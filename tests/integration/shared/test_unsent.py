"""How much waits to be sent, whatever one turn of a relay takes."""

from sqlalchemy import update

from placet_shared.database import DeliveryTables
from placet_shared.migrating import migrate
from placet_shared.outbox import BATCH, count_unsent
from tests.support.delivery import MIGRATIONS, Peer, batch, watching


async def test_everything_that_waits_is_counted(database_url: str) -> None:
    peer = Peer(database_url)
    async with watching(peer) as watcher:
        async with watcher.database.engine.begin() as connection:
            await connection.run_sync(migrate, MIGRATIONS, peer.metadata)
        async with watcher.database.transaction() as work:
            for number in range(BATCH + 3):
                await work.publish(batch("run", number))
        assert await count_unsent(watcher.database) == BATCH + 3
        await watcher.execute(_sent(peer.tables))
        assert await count_unsent(watcher.database) == 3


def _sent(tables: DeliveryTables) -> object:
    return update(tables.outbox).where(tables.outbox.c.seq <= BATCH).values(sent_at=tables.outbox.c.created_at)
