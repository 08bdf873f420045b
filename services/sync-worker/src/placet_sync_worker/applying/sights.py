"""Looks for the entries of tasks in the whole store: by id, by key, or by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from placet_shared.chunks import chunks

from ..plan import BATCH_SIZE
from ..ports import Entry
from ..providers.ldap.errors import NoSuchEntryError, SearchRefusedError
from ..providers.ldap.filter import Compare, all_of, render
from ..tasks import Task
from .directory_store import DirectoryStore
from .judging import Seen


@dataclass(frozen=True)
class Sights:
    """`keys` are the destination's key attributes of the job. Methods raise DirectoryErrors."""

    store: DirectoryStore
    keys: Sequence[str]

    def places(self, ids: Sequence[str]) -> dict[str, str]:
        """The names that entries have now, by their ids."""
        places: dict[str, str] = {}
        for some in chunks(ids, BATCH_SIZE):
            query = "".join(map(self.store.id_filter, some))
            asked = [self.store.id_attribute, self.store.version_attribute]
            for page in self.store.directory.search(self.store.base_dn, "subtree", f"(|{query})", asked):
                places |= {self.seen(entry, ()).entry_id: entry.dn for entry in page}
        return places

    def look(self, tasks: Sequence[Task], *, values: bool = True) -> dict[int, list[Seen]]:
        """What is in the whole store for each task: by name for containers, by key for other new entries, by id for the
        others; `values` of all that is planned, or of the keys alone."""
        found: dict[int, list[Seen]] = {task.number: [] for task in tasks}
        for task in (t for t in tasks if t.change.container):
            found[task.number] += self._named(task)
        for some in chunks([t for t in tasks if t.change.id is None and not t.change.container], BATCH_SIZE):
            self._collect(some, values, self._key_filter, self._keys_of_task, self._keys_of_entry, found)
        for some in chunks([t for t in tasks if t.change.id is not None], BATCH_SIZE):
            self._collect(
                some, values, self._id_filter, lambda t: [(str(t.change.id),)], lambda seen: [(seen.entry_id,)], found
            )
        return found

    def _named(self, task: Task) -> list[Seen]:
        names = self._names([task])
        asked = map(self.store.on_wire, [*names, self.store.id_attribute, self.store.version_attribute])
        search = self.store.directory.search(task.change.dn, "base", "(objectClass=*)", list(dict.fromkeys(asked)))
        try:
            return [self.seen(entry, names) for page in search for entry in page]
        except NoSuchEntryError:
            return []

    def _collect(
        self,
        tasks: Sequence[Task],
        values: bool,
        filter_of: Callable[[Task], str],
        of_task: Callable[[Task], Iterable[tuple[str, ...]]],
        of_entry: Callable[[Seen], Iterable[tuple[str, ...]]],
        found: dict[int, list[Seen]],
    ) -> None:
        wanted: dict[tuple[str, ...], list[int]] = {}
        for task in tasks:
            for key in of_task(task):
                wanted.setdefault(key, []).append(task.number)
        names = self._names(tasks if values else ())
        asked = map(self.store.on_wire, [*names, self.store.id_attribute, self.store.version_attribute])
        query = "(|" + "".join(filter_of(task) for task in tasks) + ")"
        for page in self.store.directory.search(self.store.base_dn, "subtree", query, list(dict.fromkeys(asked))):
            for entry in page:
                seen = self.seen(entry, names)
                for number in {number for key in of_entry(seen) for number in wanted.get(key, ())}:
                    found[number].append(seen)

    def _names(self, tasks: Iterable[Task]) -> list[str]:
        """What is looked at: the keys, what is planned, and what of that travels under another name."""
        changed = (a.name for task in tasks for a in task.change.attributes)
        planned = [name for name in dict.fromkeys(changed) if self.store.attribute(name).readable]
        return list(dict.fromkeys([*self.keys, *self.store.guards, *planned, *map(self.store.on_wire, planned)]))

    def seen(self, entry: Entry, names: Iterable[str]) -> Seen:
        raw = {name.lower(): values for name, values in entry.attributes.items()}
        there = {name: raw.get(self.store.on_wire(name).lower(), ()) for name in names}
        values = {name: tuple(self.store.text(name, value) for value in some) for name, some in there.items()}
        shown = [self.store.text(name, value) for name in self.operational for value in raw.get(name.lower(), ())]
        if len(shown) != len(self.operational):
            missing = " and ".join(self.operational)
            raise SearchRefusedError(f"the directory does not show {missing} of {entry.dn}; let the account read them")
        return Seen(shown[0], shown[1], entry.dn, values)

    @property
    def operational(self) -> tuple[str, str]:
        return self.store.id_attribute, self.store.version_attribute

    def _id_filter(self, task: Task) -> str:
        return self.store.id_filter(str(task.change.id))

    def _key_filter(self, task: Task) -> str:
        after = {a.name: a.after for a in task.change.attributes}
        keys = product(*(after[name] for name in self.keys))
        return "".join(self._conjunction(zip(self.keys, key, strict=True)) for key in keys)

    def _conjunction(self, parts: Iterable[tuple[str, str]]) -> str:
        return render(all_of([Compare(n, "=", self.store.encode(n, [value])[0]) for n, value in parts]))

    def _keys_of_task(self, task: Task) -> Iterable[tuple[str, ...]]:
        return self._keys({a.name: a.after for a in task.change.attributes})

    def _keys_of_entry(self, seen: Seen) -> Iterable[tuple[str, ...]]:
        return self._keys(seen.values)

    def _keys(self, values: Mapping[str, Sequence[str]]) -> Iterable[tuple[str, ...]]:
        """Every key that is answered to, folded: key attributes may have several values."""
        folds = (self.store.attribute(name).fold for name in self.keys)
        return product(*([fold(value) for value in values[name]] for name, fold in zip(self.keys, folds, strict=True)))
