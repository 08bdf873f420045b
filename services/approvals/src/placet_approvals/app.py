"""Puts approvals together."""

from functools import partial
from pathlib import Path

from placet_shared.chain import Signer, Verifier
from placet_shared.database import open_engine
from placet_shared.events import RunCancelled, RunFinished, RunPlanned, UserChanged
from placet_shared.keys import KeyRing, load_signing_key
from placet_shared.loops import Loop
from placet_shared.service import Service
from placet_shared.settings import Settings
from placet_shared.work import Database

from . import handlers
from .api import build_router
from .deciding import expire_requests
from .tables import delivery, metadata

NAME = "approvals"
EXPIRY_SECONDS = 1.0


def build(settings: Settings) -> Service:
    """The service, ready to be served."""
    signer = Signer(load_signing_key(NAME, settings.key))
    verifier = Verifier(KeyRing(settings.public_keys), settings.installation)
    database = Database(open_engine(settings.database_url, f"placet-{NAME}"), delivery, NAME)
    return Service(
        name=NAME,
        settings=settings,
        database=database,
        metadata=metadata,
        migrations=Path(__file__).parent / "migrations",
        handlers={
            RunPlanned: partial(handlers.run_planned, verifier=verifier, signer=signer, epoch=settings.epoch),
            RunCancelled: partial(handlers.run_cancelled, verifier=verifier),
            RunFinished: partial(handlers.run_finished, verifier=verifier),
            UserChanged: partial(handlers.user_changed, verifier=verifier),
        },
        loops=[Loop("expiry", partial(expire_requests, database, verifier, signer), EXPIRY_SECONDS)],
        router=build_router(database, verifier, signer, settings.epoch),
    )
