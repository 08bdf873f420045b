"""Puts the worker together: the only place that builds things."""

import os
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from placet_shared.chain import Signer, Verifier
from placet_shared.database import open_engine
from placet_shared.events import ApprovalRequested, BatchReady, RunApproved, RunCancelled, RunDenied, RunRequested
from placet_shared.failpoints import failpoint_of
from placet_shared.keys import KeyRing, load_signing_key
from placet_shared.loops import Loop
from placet_shared.service import Service
from placet_shared.work import Database, Handlers

from . import handlers
from .api import build_router
from .applying.directory import DirectoryWriter
from .applying.files import FileWriter
from .applying.looking import SourceLooker
from .applying.reading_again import SourceReader
from .applying.rows import RowsWriter
from .applying.run import BatchApplier
from .checks import build_checks
from .connections import Connections, Connector
from .life import Life
from .mapping.monty import MontyEngine
from .passwords.keeping import PasswordKeeper, forget_expired
from .passwords.keys import PasswordKeys
from .planning.making import PlanMaker
from .planning.run import RunPlanner
from .providers.access.provider import open_access, open_access_destination, try_access
from .providers.active_directory.provider import open_ad, open_ad_source, try_ad
from .providers.csv.provider import open_csv, open_csv_destination, try_csv
from .providers.excel.provider import open_excel, open_excel_destination, try_excel
from .providers.files.folder import FilesFolder
from .providers.ldap.provider import open_ldap, open_ldap_source, try_ldap
from .providers.sql.provider import open_sql_source, try_sql
from .providers.sql.store import open_sql
from .providers.surroundings import Surroundings
from .settings import WorkerSettings
from .store.forgetting import forget_values
from .sweeping import end_overdue, end_stranded, resume_waiting
from .tables import delivery, metadata

NAME = "sync-worker"
POLL_SECONDS = 2.0
APPLIERS = 2
"""Batches that one process has in hand: while one is written, another is checked or settled."""

CONNECTORS = {
    "active_directory": Connector(source=open_ad_source, test=try_ad, destination=open_ad, writer=DirectoryWriter),
    "csv": Connector(source=open_csv, test=try_csv, keyed_destination=open_csv_destination, writer=FileWriter),
    "access": Connector(
        source=open_access, test=try_access, keyed_destination=open_access_destination, writer=FileWriter
    ),
    "excel": Connector(source=open_excel, test=try_excel, keyed_destination=open_excel_destination, writer=FileWriter),
    "ldap": Connector(source=open_ldap_source, test=try_ldap, destination=open_ldap, writer=DirectoryWriter),
    "sql": Connector(source=open_sql_source, test=try_sql, keyed_destination=open_sql, writer=RowsWriter),
}


def build(settings: WorkerSettings) -> Service:
    """A worker with its real surroundings."""
    database = Database(open_engine(settings.database_url, f"placet-{NAME}"), delivery, NAME)
    verifier = Verifier(KeyRing(settings.public_keys), settings.installation)
    signer = Signer(load_signing_key(NAME, settings.key))
    failpoint = failpoint_of(settings.failpoint)
    life = Life(signer, verifier, look_after=timedelta(seconds=settings.look_again_seconds))
    lease = timedelta(seconds=settings.lease_seconds)
    files = FilesFolder(settings.files, settings.files_absolute)
    surroundings = Surroundings(files, settings.secrets, os.environ, settings.spool)
    keys = PasswordKeys(settings.password_key_file)
    connections = Connections(CONNECTORS, surroundings, keeps_passwords=keys.path is not None)
    make_plan = PlanMaker(settings.database_url, connections, MontyEngine())
    planner = RunPlanner(database, make_plan, verifier, signer, life, settings.spool, failpoint, lease)
    planning = Loop("planning", planner.step, POLL_SECONDS)
    appliers = [
        BatchApplier(database, connections, verifier, life, failpoint, lease, settings.epoch, PasswordKeeper(keys))
        for _ in range(APPLIERS)
    ]
    applying = [Loop(f"applying {n}", applier.step, POLL_SECONDS) for n, applier in enumerate(appliers)]
    read_again = SourceReader(settings.database_url, connections, MontyEngine())
    looker = SourceLooker(database, read_again, verifier, life, settings.spool, failpoint, lease)
    looking = Loop("looking", looker.step, POLL_SECONDS)
    waiting = Loop("waiting", partial(resume_waiting, database, verifier, life), POLL_SECONDS)
    overdue = Loop("overdue", partial(end_overdue, database, verifier, life), 60.0)
    stranded = Loop("stranded", partial(end_stranded, database, verifier, life), 60.0)
    expired = Loop("expired passwords", partial(forget_expired, database), 60.0)
    forgetting = Loop("forgetting", partial(forget_values, database, settings.retain_values), 3600.0)
    return Service(
        name=NAME,
        settings=settings,
        database=database,
        metadata=metadata,
        migrations=Path(__file__).parent / "migrations",
        handlers=_handlers(verifier, life, settings.epoch, planning, applying, looking),
        loops=[planning, *applying, looking, waiting, overdue, stranded, expired, forgetting],
        router=build_router(database, verifier, build_checks(connections, verifier, MontyEngine), keys),
    )


def _handlers(
    verifier: Verifier, life: Life, epoch: int, planning: Loop, applying: Sequence[Loop], looking: Loop
) -> Handlers:
    begun = [*applying, looking]
    return {
        RunRequested: partial(handlers.run_requested, verifier=verifier, epoch=epoch, planning=planning),
        ApprovalRequested: partial(handlers.approval_requested, verifier=verifier),
        RunApproved: partial(handlers.run_approved, verifier=verifier, life=life, epoch=epoch, begun=begun),
        RunDenied: partial(handlers.run_denied, verifier=verifier, life=life),
        RunCancelled: partial(handlers.run_cancelled, verifier=verifier, life=life),
        BatchReady: partial(handlers.batch_ready, applying=applying),
    }
