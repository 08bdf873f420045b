"""Writes a plan to a file as a whole: compare its checksum, make all changes in a copy beside it, rename.

Two small files stand beside the file: a lock, which is held over all of it, and a note, which says what was about to be
put in its place, and for which changes; so that who comes after a crash knows whether it was.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from placet_shared.clock import boot_seconds
from placet_shared.errors import PlacetError

from ..changes import REMOVING_OPS, Result
from ..endings import TOO_MANY_FAILURES, results_of, too_many_failures
from ..errors import WorkerError
from ..plan import canonical
from ..ports import Attribute
from ..providers.files.destination import ABSENT
from ..providers.files.folder import FileState, checksum
from ..providers.files.tables import Edits, Format, Row, Tables, find_rows, row_id
from ..tasks import Outcome, Task
from .file_notes import Note, beside, lock, read_note, sync, write_note


class FileStore(Protocol):
    """A destination file, as far as writing needs it."""

    @property
    def format(self) -> Format: ...

    @property
    def where(self) -> str: ...

    def path(self) -> Path: ...

    def attribute(self, name: str) -> Attribute: ...


@dataclass(frozen=True)
class FileWriter:
    """A `Writer` over a file. `keys` are the key columns of the job."""

    store: FileStore
    keys: tuple[str, ...]

    def apply(self, tasks: Sequence[Task], deadline: float, *, look_only: bool = False) -> list[Outcome]:
        """See `Writer`: all tasks get an outcome, or none does."""
        path = self.store.path()
        with self._locked(path) as mine:
            if not mine:
                return _all(tasks, Outcome(None, f"{self.store.where} is being written by another worker"))
            return self._apply(path, tasks, deadline, look_only)

    @contextmanager
    def _locked(self, path: Path) -> Iterator[bool]:
        """False where somebody else has the lock. It ends with the process."""
        try:
            opened = os.open(beside(path, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise WorkerError(f"{self.store.where}: nothing can be written beside it: {error.strerror}") from error
        try:
            yield lock(opened)
        finally:
            os.close(opened)

    def _apply(self, path: Path, tasks: Sequence[Task], deadline: float, look_only: bool) -> list[Outcome]:
        state = FileState.of(path) if path.exists() else None
        now = checksum(path) if state else ABSENT
        note, work = read_note(beside(path, "note")), _digest(tasks)
        if note is not None and note.work == work and any(task.maybe_sent for task in tasks):
            if now == note.after:
                return [self._settled(task, note, Result.ALREADY_APPLIED) for task in tasks]
            if now != note.before:
                return self._looked_at(path, tasks, note)
        if look_only:
            return _all(tasks, Outcome(Result.SKIPPED))
        if any(now != task.change.version for task in tasks):
            reason = f"{self.store.where} was changed after the plan; run the job again"
            return _all(tasks, Outcome(Result.CONFLICT, reason))
        if busy := self.store.format.in_use(path):
            return _all(tasks, Outcome(None, f"{self.store.where}: {busy}"))
        return self._write(path, state, now, tasks, work, deadline)

    def _write(
        self, path: Path, state: FileState | None, now: str, tasks: Sequence[Task], work: str, deadline: float
    ) -> list[Outcome]:
        new = path.with_name(f".{path.stem}.placet-new{path.suffix}")
        try:
            refused = self._make(path if state else None, new, tasks)
            self._verify(path if state else None, new, [task for task in tasks if _name(task) not in refused])
            note = Note(now, checksum(new), work, refused)
            sync(new)
            write_note(beside(path, "note"), note)
            if boot_seconds() > deadline:
                return _all(tasks, Outcome(None, "writing took longer than the lease; raise PLACET_LEASE_SECONDS"))
            if (FileState.of(path) if path.exists() else None) != state:
                return _all(tasks, Outcome(Result.CONFLICT, f"{self.store.where} was changed while it was written"))
            new.replace(path)
            sync(path.parent)
        finally:
            new.unlink(missing_ok=True)
        return [self._settled(task, note, Result.APPLIED) for task in tasks]

    def _make(self, old: Path | None, new: Path, tasks: Sequence[Task]) -> dict[str, tuple[str, str]]:
        """The new file, beside the old one; what is refused, by task: result and reason."""
        places = self._places(old, tasks)
        if old is not None:
            os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))  # nobody reads more than before
        refused = self._rewrite(old, new, tasks, places)
        removals = [task for task in tasks if task.change.op in REMOVING_OPS]
        others = [task for task in tasks if task.change.op not in REMOVING_OPS]
        before = Counter(refused.get(_name(task), (Result.APPLIED.value, ""))[0] for task in others)
        if removals and too_many_failures(results_of(before)):
            refused = self._rewrite(old, new, others, places)
            refused |= {_name(task): (Result.SKIPPED.value, TOO_MANY_FAILURES) for task in removals}
        if old is not None:
            shutil.copymode(old, new)
            with suppress(PermissionError):
                os.chown(new, old.stat().st_uid, old.stat().st_gid)
        return refused

    def _places(self, old: Path | None, tasks: Sequence[Task]) -> dict[str, list[str]]:
        """Where the rows of all tasks stand, by id."""
        if old is None:
            return {}
        with closing(self.store.format.open(old)) as tables:
            found = find_rows(tables, self.keys, {self._id(task) for task in tasks})
        return {id_: [place for place, _ in rows] for id_, rows in found.items()}

    def _rewrite(
        self, old: Path | None, new: Path, tasks: Sequence[Task], places: Mapping[str, list[str]]
    ) -> dict[str, tuple[str, str]]:
        refused: dict[str, tuple[str, str]] = {}
        updates: dict[str, dict[str, str]] = {}
        deletes: dict[str, Task] = {}
        creates: list[tuple[Task, Row]] = []
        owners: dict[str | int, list[Task]] = {}
        for task in tasks:
            there = places.get(self._id(task), [])
            if task.step.what == "add":
                if there:
                    reason = f"a row with this key is there already: {there[0]}"
                    refused[_name(task)] = (Result.CONFLICT.value, reason)
                else:
                    owners[len(creates)] = [task]
                    creates.append((task, _values(task)))
            elif len(there) != 1:
                reason = f"{len(there)} rows have this key: {', '.join(there)}" if there else "the row is gone"
                refused[_name(task)] = (Result.CONFLICT.value, reason)
            elif task.step.what == "delete":
                owners[there[0]], deletes[there[0]] = [task], task
            else:
                owners.setdefault(there[0], []).append(task)
                updates.setdefault(there[0], {}).update(_values(task))
        edits = Edits(updates, frozenset(deletes), [row for _, row in creates])
        for which, reason in self.store.format.rewrite(old, new, edits).items():
            refused |= {_name(task): (Result.FAILED.value, reason) for task in owners[which]}
        return refused

    def _verify(self, old: Path | None, new: Path, tasks: Sequence[Task]) -> None:
        """Reads the new file back, before it takes the place of the old one. Raises WorkerError."""
        wanted = {self._id(task): task for task in tasks}
        columns = list(dict.fromkeys(name for task in tasks for name in task.step.attributes))
        with closing(self.store.format.open(new)) as tables:
            found = find_rows(tables, self.keys, wanted, columns)
            after = _rows_of(tables)
        for id_, task in wanted.items():
            rows = found.get(id_, [])
            if task.step.what == "delete" and not rows:
                continue
            if len(rows) != 1 or task.step.what == "delete" or not self._is(task, rows[0][1]):
                raise WorkerError(f"{self.store.where}: {id_} is not as planned in the new file; nothing was written")
        before = 0
        if old is not None:
            with closing(self.store.format.open(old)) as tables:
                before = _rows_of(tables)
        created = sum(task.step.what == "add" for task in tasks)
        if after != before + created - sum(task.step.what == "delete" for task in tasks):
            raise WorkerError(f"{self.store.where}: the new file has {after} rows, not as planned; nothing was written")

    def _is(self, task: Task, row: Row) -> bool:
        """Whether a row is as a task wants it."""
        for name, value in _values(task).items():
            form = self.store.attribute(name).decode
            same = form(value) == form(row[name]) if form and value and row[name] else value == row[name]
            if not same:
                return False
        return True

    def _looked_at(self, path: Path, tasks: Sequence[Task], note: Note) -> list[Outcome]:
        """Somebody wrote after us, or after we had begun: each row says what is true."""
        try:
            with closing(self.store.format.open(path)) as tables:
                columns = list(dict.fromkeys(name for task in tasks for name in task.step.attributes))
                found = find_rows(tables, self.keys, {self._id(task) for task in tasks}, columns)
        except PlacetError as error:
            return _all(tasks, Outcome(Result.UNCERTAIN, f"it may have been written, and cannot be read now: {error}"))
        outcomes = []
        for task in tasks:
            rows = found.get(self._id(task), [])
            done = not rows if task.step.what == "delete" else len(rows) == 1 and self._is(task, rows[0][1])
            conflict = Outcome(Result.CONFLICT, f"{self.store.where} was changed while it was written; look at it")
            outcomes.append(self._settled(task, note, Result.ALREADY_APPLIED) if done else conflict)
        return outcomes

    def _settled(self, task: Task, note: Note, result: Result) -> Outcome:
        if _name(task) in note.refused:
            refused, reason = note.refused[_name(task)]
            return Outcome(Result(refused), reason)
        return Outcome(result, version=note.after, entry_id=self._id(task))

    def _id(self, task: Task) -> str:
        if task.change.id is not None:
            return task.change.id
        values = {attribute.name: attribute.after for attribute in task.change.attributes}
        return str(row_id([next(iter(values.get(key, ())), "") for key in self.keys]))


def _all(tasks: Sequence[Task], outcome: Outcome) -> list[Outcome]:
    return [outcome for _ in tasks]


def _values(task: Task) -> dict[str, str]:
    """What a step writes, by column; the empty text clears."""
    planned = task.change.attributes
    return {a.name: next(iter(a.after), "") for a in planned if a.name in task.step.attributes}


def _name(task: Task) -> str:
    return f"{task.number}.{task.position}"


def _rows_of(tables: Tables) -> int:
    return sum(page.records.num_rows + len(page.rejected) for page in tables.pages(tables.main, ()))


def _digest(tasks: Sequence[Task]) -> str:
    """Which changes: two plans for one state of a file are two works."""
    found = sha256()
    for task in tasks:
        found.update(f"{_name(task)} ".encode() + canonical(task.change))
    return found.hexdigest()
