"""Puts the console together."""

from functools import partial
from pathlib import Path

from placet_shared.chain import Signer, Verifier
from placet_shared.database import open_engine
from placet_shared.keys import KeyRing, load_signing_key
from placet_shared.loops import Loop
from placet_shared.service import Service
from placet_shared.work import Database

from .api import build_router
from .forwarding import Forwarder, open_client
from .gate import Gate
from .hashing import SecretHasher
from .managing import Users
from .sealing import row_seals
from .settings import ConsoleSettings
from .tables import delivery, metadata
from .throttle import FailureLimit

NAME = "console"
ANNOUNCE_SECONDS = 3600.0
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: ConsoleSettings) -> Service:
    """The service, ready to be served."""
    signer = Signer(load_signing_key(NAME, settings.key))
    database = Database(open_engine(settings.database_url, f"placet-{NAME}"), delivery, NAME)
    seals = row_seals(signer, Verifier(KeyRing(settings.public_keys), settings.installation))
    hasher, client = SecretHasher(), open_client()
    users = Users(signer, seals, hasher)
    return Service(
        name=NAME,
        settings=settings,
        database=database,
        metadata=metadata,
        migrations=MIGRATIONS,
        handlers={},
        loops=[Loop("announce", partial(users.announce_all, database), ANNOUNCE_SECONDS)],
        router=build_router(
            database=database,
            users=users,
            gate=Gate(database, seals, hasher, FailureLimit()),
            forwarder=Forwarder(settings.urls, client, signer),
            services=list(settings.urls),
        ),
        resources=[client],
        public_port=settings.public_port,
        migrations_need={"seals": seals},
    )
