"""Saves sets of objects in one transaction: rights, references, events, and the runs that an edit asks to end."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from placet_shared.chain import Signer
from placet_shared.events import ObjectChanged
from placet_shared.identity import Identity
from placet_shared.objects import Object, Schedule
from placet_shared.seals import Seals
from placet_shared.work import Database, Work

from . import catalogue_store, store
from .catalogue import Edit, Ending, Saving, Verdict, edit_of, endings, rescheduled
from .catalogue_store import Catalogue, Stored, altered_of, documents_of, require_unaltered
from .errors import StaleError
from .ordering import Asking, Orderer
from .references import Key, check_references, find, references, touched
from .rights import check_rights
from .runs import UNDECIDED
from .times import check_schedule, next_times
from .warnings import warnings_of

DEFAULT_PREVIEW_REASON = "preview when finished"


class Saved(BaseModel):
    """What became of one object. `changed`: the fields of an updated one that are other now. `ending_run`: a run that
    is asked to end by this, which it does unless it is approved by then. `preview`: one that began."""

    model_config = ConfigDict(frozen=True)
    kind: str
    name: str
    result: Verdict
    changed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    ending_run: str | None = None
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
        if_none_match: str | None = None,
        dry_run: bool = False,
    ) -> list[Saved]:
        """All or nothing. Raises InvalidError, ConflictError or ForbiddenError that name object and field."""
        await catalogue_store.lock_catalogue(work)
        stored = await catalogue_store.load_catalogue(work, self.orderer.seals)
        for key in delete:
            find(stored, key)
        _refuse_stale(stored, [*((parsed.kind, parsed.name) for parsed in wanted), *delete], if_match, if_none_match)
        edit = edit_of(documents_of(stored), wanted, prune=prune, delete=delete, altered=altered_of(stored))
        if not caller.may("admin"):
            require_unaltered(stored, [saving.key for saving in edit.savings])
        check_edit(edit, wanted, stored)
        check_rights(caller, edit)
        ended = await _open_runs(work, edit)
        previews: dict[Key, str] = {}
        if not dry_run:
            await self._write(work, caller, edit)
            await self._end(work, caller, ended)
            previews = await self._previews(work, caller, edit)
        return [self._report(saving, edit, ended, previews.get(saving.key)) for saving in edit.savings]

    async def _write(self, work: Work, caller: Identity, edit: Edit) -> None:
        for saving in edit.savings:
            if saving.verdict != "unchanged":
                now = await catalogue_store.save(work, self.orderer.seals, saving, caller.user)
                await work.publish(object_changed(self.signer, saving.key, now))
        for kind, name in edit.deleted:
            if kind == "job":
                await store.take_waiting(work, name)
        for job, schedule in rescheduled(edit).items():
            following = next_times(schedule, work.now) if schedule else []
            await store.set_slot(work, job, next(iter(following), None))

    async def _end(self, work: Work, caller: Identity, ended: dict[str, Ending]) -> None:
        for run_id, ending in ended.items():
            await self.orderer.cancel(work, run_id, caller.user, ending.reason, unless_approved=True)

    async def _previews(self, work: Work, caller: Identity, edit: Edit) -> dict[Key, str]:
        wanted = [
            saving.key
            for saving in edit.savings
            if saving.verdict in ("created", "updated") and (saving.document or {}).get("preview_when_finished")
        ]
        askings = {key: Asking(key[1], "preview", caller.user, DEFAULT_PREVIEW_REASON, preview=True) for key in wanted}
        return {key: await self.orderer.order_or_join(work, asking) for key, asking in askings.items()}

    def _report(self, saving: Saving, edit: Edit, ended: dict[str, Ending], preview: str | None) -> Saved:
        (kind, name), warnings = saving.key, list[str]()
        if kind == "job" and saving.document is not None:
            warnings += warnings_of(name, edit.after, notifier_has_mail=self.notifier_has_mail)
        runs = [run_id for run_id, ending in ended.items() if ending.because_of == saving.key]
        warnings += [f"run {run_id}, which was not approved yet, is asked to end by this too" for run_id in runs[1:]]
        return Saved(
            kind=kind, name=name, result=saving.verdict, changed=edit.changed_fields(saving), warnings=tuple(warnings),
            ending_run=runs[0] if runs else None, preview=preview,
        )  # fmt: skip


def check_edit(edit: Edit, wanted: Sequence[Object], stored: Catalogue) -> None:
    """Raises InvalidError or ConflictError about the first object that does not fit, or was altered."""
    for parsed in wanted:
        if isinstance(parsed, Schedule):
            check_schedule(parsed)
    needed = {key for job in touched(edit.after, edit.changed) for key in references(job)}
    require_unaltered(stored, sorted(needed - edit.changed))
    check_references(edit.after, edit.changed, edit.deleted)


async def tell_again(database: Database, signer: Signer, seals: Seals) -> None:
    """Tells the others about every object again: at start and hourly. No edit comes in between, so that what is told
    last is what is true."""
    async with database.transaction() as work:
        await catalogue_store.hold_catalogue(work)
        for key, stored in (await catalogue_store.load_everything(work, seals)).items():
            await catalogue_store.sign_again(work, seals, key, stored)
            await work.publish(object_changed(signer, key, stored))


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


async def _open_runs(work: Work, edit: Edit) -> dict[str, Ending]:
    """The undecided runs that this edit asks to end, by their ids."""
    found: dict[str, Ending] = {}
    for job, ending in endings(edit).items():
        run = await store.open_run(work, job)
        if run is not None and run.state in UNDECIDED:
            found[run.run_id] = ending
    return found


def _refuse_stale(stored: Catalogue, keys: Sequence[Key], if_match: str | None, if_none_match: str | None) -> None:
    """The headers of a PUT or DELETE speak of its one object."""
    if if_match is not None and not _matches(if_match, stored.get(keys[0])):
        kind, name = keys[0]
        raise StaleError(f"{kind} {name} is not as you saw it last: somebody changed or deleted it; read it again")
    if if_none_match is not None and _matches(if_none_match, stored.get(keys[0])):
        kind, name = keys[0]
        raise StaleError(f"{kind} {name} is there already, which If-None-Match forbids; leave it out to change it")


def _matches(tags: str, stored: Stored | None) -> bool:
    """Whether an object is there and has one of these ETags; * is any."""
    return stored is not None and (tags.strip() == "*" or stored.etag in map(str.strip, tags.split(",")))
