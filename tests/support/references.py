"""Jobs with references whose plans are carried out against a directory."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from placet_shared.objects import Job
from placet_sync_worker.changes import Change
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.planner import plan_run
from placet_sync_worker.ports import Operation
from placet_sync_worker.providers.ldap.provider import store_over
from placet_sync_worker.providers.ldap.store import LdapStore
from placet_sync_worker.testing.links import FakeLinks
from placet_sync_worker.testing.scripts import NoScripts
from placet_sync_worker.testing.source import FakeSource
from tests.support.carrying import carry_out
from tests.support.directories import GROUPS, World, provider
from tests.support.planning import Row
from tests.support.slapd import PEOPLE

PERSONS: dict[str, Any] = {
    "object_type": "user",
    "destination": {"provider": "corp", "container": PEOPLE},
    "key": [{"source": "id", "destination": "employeeNumber"}],
    "fields": [
        {"to": "employeeNumber", "from": "id"},
        {"to": "cn", "from": "name"},
        {"to": "sn", "from": "name"},
        {"to": "title", "from": "title"},
        {"to": "manager", "resolve": {"from": "boss", "match": "employeeNumber"}},
    ],
}
GROUPED: dict[str, Any] = {
    "object_type": "group",
    "destination": {"provider": "corp", "container": GROUPS},
    "key": [{"source": "id", "destination": "cn"}],
    "fields": [
        {"to": "cn", "from": "id"},
        {"to": "description", "from": "title"},
        {"to": "member", "resolve": {"from": "members", "match": "cn"}, "split": ";"},
    ],
}
OPTIONS = Options(referring=("member", "manager", "owner", "seeAlso"), kept=False)
COLUMNS = ["id", "name", "title", "boss", "members"]


@dataclass
class Sync:
    """Jobs whose plans are carried out, and their links."""

    world: World
    folder: Path
    links: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    runs: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    kept: bool = False
    """Whether the server itself changes references."""

    def run(self, rows: Iterable[Row], job: dict[str, Any] = PERSONS, **more: Any) -> list[str]:
        """What was done, as in `update 7: applied`, and why records were rejected."""
        done = self.plan(rows, job, **more)
        return self.apply(job) + done

    def plan(self, rows: Iterable[Row], job: dict[str, Any] = PERSONS, **more: Any) -> list[str]:
        """Keeps the changes; gives why records were rejected."""
        self.runs += 1
        folder = self.folder / str(self.runs)
        folder.mkdir()
        parsed = Job.model_validate({"name": "people", "source": {"provider": "hr"}, **job, **more})
        with closing(self.open()) as store:
            source = FakeSource(list(rows), COLUMNS)
            found = plan_run(
                parsed,
                source,
                store,
                FakeLinks(self.links),
                folder,
                scripts=NoScripts(),
                options=replace(OPTIONS, kept=self.kept),
            )
        with found as planned:
            self.changes = [draft.change() for draft in planned.changes()]
            self.links |= dict(planned.matches())
            self.warnings = planned.warnings
            self.counts = {name: count for name, count in planned.counts.model_dump().items() if count}
            return [f"{one.key}: {one.reason}" for one in planned.rejected]

    def apply(self, job: dict[str, Any] = PERSONS) -> list[str]:
        """Carries the kept plan out."""
        keys = [pair["destination"] for pair in job["key"]]
        outcomes = carry_out(self.open(), self.changes, keys)
        made = zip(self.changes, outcomes, strict=True)
        return [f"{c.op} {c.key}: {o.result}{f' ({o.reason})' if o.reason else ''}" for c, o in made]

    def open(self) -> LdapStore:
        settings = provider("ldap://127.0.0.1").model_copy(update={"referential_integrity": self.kept})
        return store_over(settings, self.world.open())

    def link(self, *keys: str, attribute: str = "employeeNumber") -> None:
        """Links the entries that have these keys."""
        with closing(self.open()) as store:
            rows = [row for page in store.read([attribute], f"({attribute}=*)") for row in page.to_pylist()]
        self.links |= {row["@id"]: row[attribute][0] for row in rows if row[attribute][0] in keys}

    def value(self, name: str, dn: str) -> list[str]:
        """An attribute's values."""
        with closing(self.world.open()) as directory:
            pages = directory.search(dn, "base", "(objectClass=*)", [name])
            return sorted(one.decode() for page in pages for entry in page for one in entry.attributes.get(name, ()))


def row(id: str, name: str, boss: str | None = None, **more: str) -> Row:
    return {"id": id, "name": name, "boss": boss, **more}


def dn(name: str) -> str:
    return f"cn={name},{PEOPLE}"


def of(name: str) -> str:
    return f"cn={name},{GROUPS}"


def group(name: str, *members: str) -> Operation:
    """The add of a group below ou=Groups."""
    octets = tuple(member.encode() for member in members)
    values = {"objectClass": (b"groupOfNames",), "cn": (name.encode(),), "member": octets}
    return Operation("add", of(name), attributes=values)
