"""Puts the notifier together."""

import os
from functools import partial
from pathlib import Path

from placet_shared.chain import Verifier
from placet_shared.database import open_engine
from placet_shared.events import ApprovalRequested, ObjectChanged, RunFinished, UserChanged
from placet_shared.failpoints import failpoint_of
from placet_shared.keys import KeyRing
from placet_shared.loops import Loop
from placet_shared.service import Service
from placet_shared.work import Database, Handlers

from . import handlers
from .api import build_router
from .channels.email import EmailChannel
from .channels.mail_servers import MailServer
from .ports import Channels
from .rendering import Renderer
from .resting import Resting
from .sender import Sender, erase_old, recover_lost, release_held
from .settings import NotifierSettings
from .tables import delivery, metadata

NAME = "notifier"
SENDERS = 4
"""Deliveries that one process sends at once: one server that hangs must not hold up the others."""
POLL_SECONDS = 2.0
RECOVERY_SECONDS = 5.0
ERASE_SECONDS = 3600.0


def build(settings: NotifierSettings) -> Service:
    """The service, ready to be served."""
    verifier = Verifier(KeyRing(settings.public_keys), settings.installation)
    database = Database(open_engine(settings.database_url, f"placet-{NAME}"), delivery, NAME)
    channels = {
        "email": EmailChannel(_own_server(settings), settings.secrets, os.environ),
    }
    sender = Sender(database, verifier, channels, Renderer(), Resting(), failpoint_of(settings.failpoint))
    return Service(
        name=NAME,
        settings=settings,
        database=database,
        metadata=metadata,
        migrations=Path(__file__).parent / "migrations",
        handlers=_handlers(verifier, channels),
        loops=[
            *(Loop(f"sending {number}", sender.step, POLL_SECONDS) for number in range(SENDERS)),
            Loop("recovery", partial(recover_lost, database), RECOVERY_SECONDS),
            Loop("erasing", partial(erase_old, database), ERASE_SECONDS),
        ],
        router=build_router(database, verifier),
        on_start=partial(release_held, database),
    )


def _handlers(verifier: Verifier, channels: Channels) -> Handlers:
    return {
        RunFinished: partial(handlers.run_finished, verifier=verifier, channels=channels),
        ApprovalRequested: partial(handlers.approval_requested, verifier=verifier, channels=channels),
        ObjectChanged: partial(handlers.object_changed, verifier=verifier),
        UserChanged: partial(handlers.user_changed, verifier=verifier, channels=channels),
    }


def _own_server(settings: NotifierSettings) -> MailServer | None:
    if settings.smtp_host is None or settings.smtp_sender is None:
        return None
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        sender=settings.smtp_sender,
        origin="PLACET_SMTP_*",
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
    )
