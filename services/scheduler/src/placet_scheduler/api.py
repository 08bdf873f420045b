"""The scheduler's HTTP: the catalogue, runs, looking before saving, and dead letters."""

from fastapi import APIRouter

from placet_shared.chain import Verifier
from placet_shared.dead_letters_api import dead_letters_router
from placet_shared.identity import caller_of
from placet_shared.work import Database

from .catalogue_api import catalogue_router
from .ordering import Orderer
from .review_api import review_router
from .reviewing import Reviewer
from .runs_api import runs_router
from .saving import Saver


def build_router(
    database: Database, verifier: Verifier, saver: Saver, orderer: Orderer, reviewer: Reviewer
) -> APIRouter:
    """All routes, below `/api/v1`."""
    router = APIRouter(prefix="/api/v1")
    caller = caller_of(verifier)
    router.include_router(runs_router(database, orderer, caller))
    router.include_router(review_router(database, orderer.seals, reviewer, caller))
    router.include_router(dead_letters_router(database, caller))
    router.include_router(catalogue_router(database, saver, caller))
    return router
