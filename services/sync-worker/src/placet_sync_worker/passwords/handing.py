"""Passwords over HTTP: who may take them gets them once, encrypted to a key of their own; nobody between reads them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row

from placet_shared.approvers import is_meant
from placet_shared.chain import Verifier
from placet_shared.errors import ConflictError, ForbiddenError, ForgedEventError, InvalidError
from placet_shared.identity import CallerDependency, Identity
from placet_shared.objects import Password
from placet_shared.paging import MOST_PER_PAGE, Limit, NumberCursor, Page, page_of
from placet_shared.work import Database, Work

from ..showing import found_run, number_of, only_signed, start_of, unaltered
from ..store import passwords, runs
from .keys import PasswordKeys, PasswordPlace

log = structlog.get_logger()

CURVE, ALGORITHM, ENCRYPTION = "X25519", "ECDH-ES", "A256GCM"


class Recipient(BaseModel):
    """A public X25519 key as a JWK (RFC 8037), for one hand-over."""

    model_config = ConfigDict(extra="forbid")
    kty: str
    crv: str
    x: str


class TakePasswords(BaseModel):
    """Who takes them is known from the call."""

    recipient: Recipient


class HandedOver(BaseModel):
    """`sealed` is a JWE to the recipient's key: a JSON object of `key`, `dn`, `attribute`, `password` and `taken_at`,
    when the caller got it before."""

    sealed: str


class Received(BaseModel):
    """How many passwords were erased."""

    erased: int


@dataclass(frozen=True)
class Desk:
    """Where passwords are handed over."""

    database: Database
    verifier: Verifier
    keys: PasswordKeys

    async def taken(
        self, run_id: str, caller: Identity, recipient: Recipient, after: int, limit: int
    ) -> Page[HandedOver]:
        """Passwords as from now on only this caller can take them."""
        key = _key_of(recipient)
        async with self.database.transaction() as work:
            run = await self._open_to(work, run_id, caller)
            rows = await passwords.listed(work, run_id, after=after, limit=limit + 1, lock=True)
            if others := sorted({row.taken_by for row in rows if row.taken_by not in (None, caller.user)}):
                raise ConflictError(
                    f"the passwords of run {run_id} were handed over to {', '.join(others)}; ask there, or reset them"
                )
            found = await passwords.changes_of(work, run_id, [row.number for row in rows])
            await only_signed(work, run, found, self.verifier)
            documents = {change.number: change.document for change in found}
            page = page_of(rows, limit, number_of, lambda row: self._sealed(row, documents[row.number], key))
            await passwords.note_taken(work, run_id, [row.number for row in rows[:limit]], caller.user)
        log.info("passwords_handed_over", run_id=run_id, user=caller.user, count=len(page.items))
        return page

    async def received(self, run_id: str, caller: Identity) -> Received:
        """The caller has them: they are erased here."""
        async with self.database.transaction() as work:
            await self._open_to(work, run_id, caller)
            erased = await passwords.erase_received(work, run_id, caller.user)
        log.info("passwords_received", run_id=run_id, user=caller.user, count=erased)
        return Received(erased=erased)

    async def listed(self, run_id: str, after: int, limit: int) -> Page[dict[str, Any]]:
        """What became of the passwords of a run; none of them is shown."""
        async with self.database.transaction() as work:
            run = await found_run(work, run_id)
            rows = await passwords.listed(work, run_id, after=after, limit=limit + 1)
            found = await passwords.changes_of(work, run_id, [row.number for row in rows])
            await only_signed(work, run, found, self.verifier)
        about = {change.number: _about(change.document) if change.document else _erased(change) for change in found}
        return page_of(rows, limit, number_of, lambda row: _shown(row, about[row.number]))

    def _sealed(self, row: Row[Any], document: Mapping[str, Any], key: OKPKey) -> HandedOver:
        about = _about(document)
        place = PasswordPlace(row.run_id, row.number, str(about["attribute"]))
        taken_at = row.taken_at.isoformat() if row.taken_at else None
        with unaltered(row.run_id):
            content = {**about, "password": self.keys.open(row.sealed, place), "taken_at": taken_at}
        header = {"alg": ALGORITHM, "enc": ENCRYPTION}
        return HandedOver(sealed=jwe.encrypt_compact(header, json.dumps(content).encode(), key))

    async def _open_to(self, work: Work, run_id: str, caller: Identity) -> runs.Run:
        """The run, if it is over and its signed order lets the caller take its passwords."""
        run = await found_run(work, run_id)
        try:
            policy = self.verifier.order(run.order_token).snapshot.job.password
        except ForgedEventError as error:
            raise ConflictError(f"the order of run {run_id} is not what was signed; its passwords stay") from error
        _require_meant(caller, policy)
        if run.state != "finished":
            raise ConflictError(f"run {run_id} is not over; take its passwords when it has finished")
        return run


def build_passwords(desk: Desk, caller_of_call: CallerDependency) -> APIRouter:
    """The three routes."""
    router = APIRouter(prefix="/runs/{run_id}/passwords")
    caller = Depends(caller_of_call)

    @router.get("")
    async def listed(
        run_id: str, _caller: Annotated[Identity, caller], cursor: NumberCursor, limit: Limit = MOST_PER_PAGE
    ) -> Page[dict[str, Any]]:
        """What became of the passwords that a run made; none of them is shown."""
        return await desk.listed(run_id, start_of(cursor), limit)

    @router.post("")
    async def take(
        run_id: str,
        body: TakePasswords,
        caller: Annotated[Identity, caller],
        cursor: NumberCursor,
        limit: Limit = MOST_PER_PAGE,
    ) -> Page[HandedOver]:
        """Hands passwords over, encrypted to the recipient's key: to one user, who may ask again until `received`."""
        return await desk.taken(run_id, caller, body.recipient, start_of(cursor), limit)

    @router.post("/received")
    async def received(run_id: str, caller: Annotated[Identity, caller]) -> Received:
        """Erases what the caller took."""
        return await desk.received(run_id, caller)

    return router


def _require_meant(caller: Identity, policy: Password | None) -> None:
    """An admin may, and who the job names; nobody else, whatever their roles."""
    named: Sequence[str] = policy.deliver_to if policy else ()
    if not caller.may("admin") and not is_meant(named, caller.user, caller.email, caller.groups):
        who = ", ".join(("admins", *named))
        raise ForbiddenError(f"{caller.user} may not take passwords of this job: {who} may; ask one of them")


def _key_of(recipient: Recipient) -> OKPKey:
    try:
        key = OKPKey.import_key(recipient.model_dump())
    except (JoseError, ValueError, TypeError) as error:
        raise InvalidError("recipient: this is no public key", "recipient") from error
    if key.curve_name != CURVE:
        raise InvalidError(f"recipient: give a key for {CURVE}", "recipient")
    return key


def _about(document: Mapping[str, Any]) -> dict[str, Any]:
    """Whose password it is."""
    attribute = next(one["name"] for one in document["attributes"] if one.get("password"))
    return {"key": document["key"], "dn": document["dn"], "attribute": attribute}


def _erased(change: Row[Any]) -> dict[str, Any]:
    """The same where values are kept no more."""
    return {"key": change.key, "dn": None, "attribute": None}


def _shown(row: Row[Any], about: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: getattr(row, name) for name in ("made_at", "expires_at", "taken_at", "erased_at")}
    return {**about, "result": row.result, "taken_by": row.taken_by, "erased": row.erased, **times}
