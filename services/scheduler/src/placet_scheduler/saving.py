"""Saves sets of objects in one transaction: rights, references, events, and the runs that an edit ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from placet_shared.chain import Signer
from placet_shared.events import ObjectChanged
from placet_shared.identity import Identity
from placet_shared.objects import Job, Object, Schedule, parse_object
from placet_shared.work import Work

from . import store
from .catalogue import Key, Saving, check_rights, decide, ends_run, refuse_needed
from .errors import StaleError, UnknownObjectError
from .ordering import Asking, Orderer
from .runs import UNDECIDED
from .store import Stored
from .times import check_schedule
from .warnings import warnings_of


@dataclass(frozen=True)
class Saved:
    """What became of one object, in the interface's shape by `vars`."""

    kind: str
    name: str
    result: str
    warnings: list[str] = field(default_factory=list)
    ended_run: str | None = None
    preview: str | None = None


@dataclass(frozen=True)
class Saver:
    """Writes the catalogue. `notifier_has_mail`: the notifier was given mail settings of its own."""

    orderer: Orderer
    signer: Signer
    notifier_has_mail: bool

    async def save(
        self,
        work: Work,
        caller: Identity,
        wanted: Sequence[Object],
        *,
        prune: bool = False,
        delete: Sequence[Key] = (),
        if_match: str | None = None,
        dry_run: bool = False,
    ) -> list[Saved]:
        """All or nothing. Raises InvalidError, ConflictError or ForbiddenError that name object and field."""
        await store.lock_catalogue(work)
        stored = await store.load_catalogue(work)
        _refuse_unknown(stored, delete)
        _refuse_stale(stored, wanted, delete, if_match)
        for parsed in wanted:
            if isinstance(parsed, Schedule):
                check_schedule(parsed)
        before = {key: one.document for key, one in stored.items()}
        savings = decide(before, wanted, prune=prune, delete=delete)
        check_rights(caller, savings, before)
        gone = [saving.key for saving in savings if saving.verdict == "deleted"]
        after = {**before, **{s.key: s.document for s in savings if s.document is not None}}
        for key in gone:
            after.pop(key, None)
        refuse_needed(before, gone, set(after))
        if dry_run:
            return [self._report(saving, after) for saving in savings]
        return await self._write(work, caller, savings, before, after)

    async def _write(
        self, work: Work, caller: Identity, savings: list[Saving], before: dict[Key, Any], after: dict[Key, Any]
    ) -> list[Saved]:
        for saving in savings:
            if saving.verdict != "unchanged":
                made = await store.save(work, saving, caller.user)
                await work.publish(object_changed(self.signer, saving.key, made))
        ended = await self._end_runs(work, caller, savings, before)
        reports = []
        for saving in savings:
            preview = await self._preview(work, caller, saving)
            reports.append(self._report(saving, after, ended.get(saving.key), preview))
        return reports

    async def _end_runs(
        self, work: Work, caller: Identity, savings: list[Saving], before: dict[Key, Any]
    ) -> dict[Key, str]:
        """The undecided runs that these edits end, by the object that a person would blame."""
        ended: dict[Key, str] = {}
        for kind, job in before:
            why = ends_run(job, savings, before) if kind == "job" else None
            run = await store.open_run(work, job) if why else None
            if run is not None and run.state in UNDECIDED:
                await self.orderer.cancel(work, run.run_id, caller.user, f"{why} before the plan was approved")
                blamed = next(
                    (s.key for s in savings if why and why.startswith(f"{s.key[0]} {s.key[1]} ")), ("job", job)
                )
                ended[blamed] = run.run_id
        return ended

    async def _preview(self, work: Work, caller: Identity, saving: Saving) -> str | None:
        if saving.key[0] != "job" or saving.verdict not in ("created", "updated"):
            return None
        if not (saving.document or {}).get("preview_when_finished"):
            return None
        asking = Asking(saving.key[1], "preview", caller.user, "preview when finished", preview=True)
        return await self.orderer.order(work, asking)

    def _report(
        self, saving: Saving, after: dict[Key, Any], ended: str | None = None, preview: str | None = None
    ) -> Saved:
        warnings: list[str] = []
        if saving.key[0] == "job" and saving.document is not None:
            job = parse_object(saving.document)
            assert isinstance(job, Job)
            warnings = warnings_of(job, after, notifier_has_mail=self.notifier_has_mail)
        return Saved(saving.key[0], saving.key[1], saving.verdict, warnings, ended, preview)


def object_changed(signer: Signer, key: Key, stored: Stored) -> ObjectChanged:
    """The event that tells the others how an object is now."""
    return signer.signed(
        ObjectChanged,
        kind=key[0],
        name=key[1],
        deleted=stored.deleted,
        version=stored.version,
        object=None if stored.deleted else stored.document,
    )


async def publish_all(work: Work, signer: Signer) -> None:
    """Tells the others about every object again: at start and hourly."""
    for row in await store.every_object(work):
        stored = Stored(row.object_id, row.version, row.document, row.deleted)
        await work.publish(object_changed(signer, (row.kind, row.name), stored))


def _refuse_unknown(stored: dict[Key, Stored], delete: Sequence[Key]) -> None:
    for kind, name in delete:
        if (kind, name) not in stored:
            raise UnknownObjectError(f"there is no {kind} named {name}; see `placet {kind} list`")


def _refuse_stale(
    stored: dict[Key, Stored], wanted: Sequence[Object], delete: Sequence[Key], if_match: str | None
) -> None:
    """`If-Match` speaks of the one object of a PUT or DELETE."""
    if if_match is None:
        return
    keys = [*((parsed.kind, parsed.name) for parsed in wanted), *delete]
    now = stored.get(keys[0])
    if now is None or now.etag != if_match:
        raise StaleError(f"{keys[0][0]} {keys[0][1]} was changed meanwhile; read it again")
