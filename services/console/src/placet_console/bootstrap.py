"""The first admin, before anybody can sign in: for whoever may read the console's key and database."""

from placet_shared.chain import Signer
from placet_shared.database import open_engine
from placet_shared.keys import load_signing_key
from placet_shared.migrating import migrate
from placet_shared.work import Database

from .app import MIGRATIONS, NAME
from .hashing import SecretHasher
from .managing import Users
from .settings import ConsoleSettings
from .tables import delivery, metadata


async def bootstrap_admin(settings: ConsoleSettings) -> str:
    """A new token of `admin`, who is made if need be; so is the schema."""
    database = Database(open_engine(settings.database_url, "placet-bootstrap"), delivery, NAME)
    users = Users(Signer(load_signing_key(NAME, settings.key)), SecretHasher())
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(migrate, MIGRATIONS, metadata)
        async with database.transaction() as work:
            return str((await users.bootstrap_admin(work)).token)
    finally:
        await database.engine.dispose()
