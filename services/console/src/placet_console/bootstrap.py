"""The first admin, before anybody can sign in: for whoever may read the console's key and database."""

from placet_shared.chain import Signer, Verifier
from placet_shared.database import open_engine
from placet_shared.keys import KeyRing, load_signing_key
from placet_shared.migrating import migrate
from placet_shared.work import Database

from .app import MIGRATIONS, NAME
from .hashing import SecretHasher
from .managing import Users
from .sealing import row_seals
from .settings import ConsoleSettings
from .tables import delivery, metadata


async def bootstrap_admin(settings: ConsoleSettings) -> str:
    """A new token of `admin`, who is made if need be; so is the schema."""
    database = Database(open_engine(settings.database_url, "placet-bootstrap"), delivery, NAME)
    signer = Signer(load_signing_key(NAME, settings.key))
    seals = row_seals(signer, Verifier(KeyRing(settings.public_keys), settings.installation))
    users = Users(signer, seals, SecretHasher())
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(migrate, MIGRATIONS, metadata, {"seals": seals})
        async with database.transaction() as work:
            return str((await users.bootstrap_admin(work)).token)
    finally:
        await database.engine.dispose()
