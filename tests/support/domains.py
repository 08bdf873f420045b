"""A part of an Active Directory domain for one test, with another hand at work, and jobs that are carried out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

from placet_shared.objects import ActiveDirectoryProvider, Job
from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import Change
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.planner import plan_run
from placet_sync_worker.ports import Answer, Directory, Entry, Operation
from placet_sync_worker.providers.active_directory.directory import DOMAIN_SCOPE
from placet_sync_worker.providers.active_directory.provider import AdStore, open_ad
from placet_sync_worker.providers.ldap.connecting import Target
from placet_sync_worker.providers.ldap.ldap3_directory import open_directory
from placet_sync_worker.tasks import Outcome, Task
from placet_sync_worker.testing.links import FakeLinks
from placet_sync_worker.testing.scripts import NoScripts
from placet_sync_worker.testing.source import FakeSource
from tests.support.directories import soon, surroundings
from tests.support.planning import Row
from tests.support.proxy import Proxy, running_proxy
from tests.support.samba import BIND_DN, DOMAIN_DN, PASSWORD, Samba

FIELDS: list[dict[str, Any]] = [
    {"to": "employeeID", "from": "id"},
    {"to": "cn", "from": "name"},
    {"to": "sAMAccountName", "from": "login"},
    {"to": "sn", "from": "last"},
    {"to": "title", "from": "title"},
    {"to": "otherTelephone", "from": "phones"},
]
COLUMNS = ["id", "name", "login", "last", "title", "phones"]
_units = count(1)


@dataclass
class Domain:
    """`base` is an organizational unit with OU=People and OU=Groups in it."""

    samba: Samba
    proxy: Proxy
    base: str
    folder: Path
    fields: list[dict[str, Any]] = field(default_factory=lambda: list(FIELDS))
    columns: list[str] = field(default_factory=lambda: list(COLUMNS))
    links: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    @property
    def people(self) -> str:
        return f"OU=People,{self.base}"

    @property
    def groups(self) -> str:
        return f"OU=Groups,{self.base}"

    def provider(self, **differing: Any) -> ActiveDirectoryProvider:
        usual = {
            "name": "corp", "type": "active_directory", "url": f"ldaps://localhost:{self.proxy.port}",
            "bind_dn": BIND_DN, "password": {"env": "PLACET_SECRET_CORP"}, "base_dn": self.base,
            "tls": {"ca_file": str(self.samba.ca_file)},
        }  # fmt: skip
        return ActiveDirectoryProvider.model_validate(usual | differing)

    def open(self, **differing: Any) -> AdStore:
        return open_ad(self.provider(**differing), surroundings(PLACET_SECRET_CORP=PASSWORD))

    # ---- somebody else -----------------------------------------------------------------------------------------------

    def hand(self) -> Directory:
        """A connection of somebody else, who does not look around first."""
        target = Target(self.samba.url, BIND_DN, PASSWORD, str(self.samba.ca_file), search_controls=(DOMAIN_SCOPE,))
        return open_directory(target)

    def write(self, *operations: Operation) -> list[Answer]:
        """Somebody else's writes."""
        with closing(self.hand()) as hand:
            return hand.write(operations, soon() + 60)

    def add(
        self, name: str, kind: str = "user", place: str | None = None, /, **values: str | bytes | Sequence[str]
    ) -> str:
        """Somebody else's entry; its DN."""
        texts = {key: (value,) if isinstance(value, str | bytes) else value for key, value in values.items()}
        octets = {key: tuple(map(_octets, some)) for key, some in texts.items()}
        rdn = "OU" if kind == "organizationalUnit" else "CN"
        dn = f"{rdn}={name},{place or self.people}"
        (answer,) = self.write(Operation("add", dn, attributes={"objectClass": (kind.encode(),), **octets}))
        assert answer.done, answer.message
        return dn

    def find(self, query: str, *names: str) -> list[Entry]:
        with closing(self.hand()) as hand:
            return [entry for page in hand.search(self.base, "subtree", query, list(names)) for entry in page]

    def value(self, query: str, name: str) -> list[str]:
        """The values of one entry's attribute, in order."""
        (entry,) = self.find(query, name)
        return sorted(one.decode() for one in entry.attributes.get(name, ()))

    # ---- a job -------------------------------------------------------------------------------------------------------

    def plan(self, rows: Iterable[Row], **job: Any) -> tuple[list[Change], dict[str, str], tuple[str, ...]]:
        """The changes, the reasons of rejected records by where they stand, the warnings; `half_made` are ids."""
        self.runs += 1
        folder = self.folder / str(self.runs)
        folder.mkdir()
        settings, half_made = job.pop("provider", {}), job.pop("half_made", ())
        store, source = self.open(**settings), FakeSource(list(rows), self.columns)
        try:
            found = plan_run(
                self.job(**job), source, store, FakeLinks(self.links, half_made), folder, scripts=NoScripts(),
                options=Options.of(self.provider(**settings)),
            )  # fmt: skip
        finally:
            store.close()
        with found as planned:
            changes = [draft.change() for draft in planned.changes()]
            return changes, {one.record: one.reason for one in planned.rejected}, planned.warnings

    def job(self, **fields: Any) -> Job:
        return Job.model_validate(
            {"name": "people", "object_type": "user", "source": {"provider": "hr"},
             "destination": {"provider": "corp", "container": self.people},
             "key": [{"source": "id", "destination": "employeeID"}], "fields": self.fields} | fields
        )  # fmt: skip

    def apply(
        self,
        changes: Sequence[Change],
        *,
        maybe_sent: bool = False,
        deadline: float | None = None,
        keys: Sequence[str] = ("employeeID",),
        passwords: Mapping[str, str] = MappingProxyType({}),
        **provider: Any,
    ) -> list[Outcome]:
        """One outcome a step."""
        tasks = [
            Task(number, position, change, maybe_sent, change.version, change.dn, password=passwords.get(change.key))
            for number, change in enumerate(changes)
            for position in range(len(change.steps))
        ]
        store = self.open(**provider)
        try:
            outcomes = DirectoryWriter(store, keys).apply(tasks, deadline or soon())
        finally:
            store.close()
        made = {o.entry_id: t.change.key for t, o in zip(tasks, outcomes, strict=True) if o.entry_id}
        self.links |= {str(id_): key for id_, key in made.items()}
        return outcomes

    def run(self, rows: Iterable[Row], **job: Any) -> list[str]:
        """Plans and applies; what was done, as in `update 7: applied`, and `rejected line 3: …`."""
        changes, rejected, _ = self.plan(rows, **job)
        keys = [pair.destination for pair in self.job(**{k: v for k, v in job.items() if k != "provider"}).key]
        outcomes = iter(self.apply(changes, keys=keys))
        done = [f"{change.op} {change.key}: {_worst([next(outcomes) for _ in change.steps])}" for change in changes]
        return done + [f"rejected {record}: {reason}" for record, reason in rejected.items()]


def _octets(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _worst(outcomes: Sequence[Outcome]) -> str:
    bad = [f"{one.result}: {one.reason}" for one in outcomes if str(one.result) not in ("applied", "already_applied")]
    return bad[0] if bad else str(outcomes[-1].result)


@contextmanager
def domain_for(samba: Samba, folder: Path) -> Iterator[Domain]:
    """A unit of a test's own behind a proxy of its own."""
    base = f"OU=t{next(_units)},{DOMAIN_DN}"
    with samba.hand() as hand:
        for dn in (base, f"OU=People,{base}", f"OU=Groups,{base}"):
            assert hand.add(dn, ["organizationalUnit"]), hand.result
    with running_proxy(samba.socket) as proxy:
        yield Domain(samba, proxy, base, folder)
