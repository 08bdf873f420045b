"""Puts the scheduler together."""

from functools import partial
from pathlib import Path

from placet_shared.chain import Signer, Verifier
from placet_shared.database import open_engine
from placet_shared.events import (
    ApprovalRequested,
    BatchApplied,
    RunApproved,
    RunDenied,
    RunFinished,
    RunPlanned,
    RunTriggered,
)
from placet_shared.keys import KeyRing, load_signing_key
from placet_shared.loops import Loop
from placet_shared.seals import Seals
from placet_shared.service import Service
from placet_shared.work import Database, Handlers

from . import handlers
from .api import build_router
from .catalogue_store import PURPOSE
from .ordering import Orderer
from .reviewing import Reviewer
from .saving import Saver, tell_again
from .settings import SchedulerSettings
from .tables import delivery, metadata
from .ticking import Clock
from .trying import Worker, open_client
from .upkeep import count_runs, forget_old_keys

NAME = "scheduler"
TICK_SECONDS = 1.0
COUNT_SECONDS = 10.0
TELL_AGAIN_SECONDS = 3600.0


def build(settings: SchedulerSettings) -> Service:
    """The scheduler with its real surroundings."""
    database = Database(open_engine(settings.database_url, f"placet-{NAME}"), delivery, NAME)
    verifier = Verifier(KeyRing(settings.public_keys), settings.installation)
    signer = Signer(load_signing_key(NAME, settings.key))
    seals = Seals(signer, verifier, PURPOSE)
    orderer = Orderer(signer, seals, settings.installation, settings.epoch)
    notifier_has_mail = settings.smtp_host is not None
    client = open_client()
    reviewer = Reviewer(Worker(settings.sync_worker_url, signer, client), notifier_has_mail)
    return Service(
        name=NAME,
        settings=settings,
        database=database,
        metadata=metadata,
        migrations=Path(__file__).parent / "migrations",
        handlers=_handlers(verifier, orderer),
        loops=[
            Loop("clock", Clock(database, orderer).tick, TICK_SECONDS),
            Loop("tell again", partial(tell_again, database, signer, seals), TELL_AGAIN_SECONDS),
            Loop("count", partial(count_runs, database), COUNT_SECONDS),
            Loop("old keys", partial(forget_old_keys, database), TELL_AGAIN_SECONDS),
        ],
        router=build_router(database, verifier, Saver(orderer, signer, notifier_has_mail), orderer, reviewer),
        resources=[client],
        migrations_need={"seals": seals},
    )


def _handlers(verifier: Verifier, orderer: Orderer) -> Handlers:
    return {
        RunTriggered: partial(handlers.run_triggered, orderer=orderer),
        RunPlanned: partial(handlers.run_planned, verifier=verifier),
        ApprovalRequested: partial(handlers.approval_requested, verifier=verifier),
        RunApproved: partial(handlers.run_decided, verifier=verifier),
        RunDenied: partial(handlers.run_decided, verifier=verifier),
        BatchApplied: partial(handlers.batch_applied),
        RunFinished: partial(handlers.run_finished, verifier=verifier, orderer=orderer),
    }
