"""A job with fakes on both sides, and what a run of it would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from placet_shared.events import Counts
from placet_shared.objects import Job
from placet_sync_worker.changes import Change, Rejected
from placet_sync_worker.mapping.script import ScriptEngine
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.planner import plan_run
from placet_sync_worker.planning.progress import Known
from placet_sync_worker.ports import Window
from placet_sync_worker.testing.destination import PEOPLE, FakeDestination
from placet_sync_worker.testing.links import FakeLinks
from placet_sync_worker.testing.scripts import NoScripts
from placet_sync_worker.testing.source import FakeSource

FIELDS: list[dict[str, Any]] = [
    {"to": "employeeNumber", "from": "id"},
    {"to": "cn", "join": ["first", "last"]},
    {"to": "sn", "from": "last"},
    {"to": "mail", "from": "mail"},
]
Row = dict[str, str | list[str] | None]


def person(id: str, first: str = "Ann", last: str = "Low", **more: str | list[str] | None) -> Row:
    """A source record."""
    return {"id": id, "first": first, "last": last, "mail": None, **more}


@dataclass
class Seen:
    """A plan, read to its end while both sides were closed."""

    changes: list[Change]
    rejected: dict[str, str]
    every_rejected: tuple[Rejected, ...]
    counts: Counts
    by_attribute: dict[str, int]
    warnings: tuple[str, ...]
    checks: tuple[str, ...]
    matches: dict[str, str]
    read: tuple[int, int]
    """Records, and entries."""
    explanations: tuple[Mapping[str, Any], ...]
    mark: str | None

    def ops(self) -> list[tuple[str, str]]:
        """(operation, key) of all changes, in the plan's order."""
        return [(change.op, change.key) for change in self.changes]


@dataclass
class Scene:
    """Both sides of a job. `rows` are records, `store` has the entries."""

    folder: Path
    rows: list[Row] = field(default_factory=list)
    store: FakeDestination = field(default_factory=FakeDestination)
    links: dict[str, str] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    """Entries that other jobs are linked to."""
    broken: Sequence[Rejected] = ()
    plans: int = 0
    windows: list[Window | None] = field(default_factory=list)
    """What was asked of the source."""
    unstamped_come: bool = False
    """Whether records without a time stamp are in each window of the source."""

    def entry(self, id_: str, number: str, first: str = "Ann", last: str = "Low", **more: str | Sequence[str]) -> None:
        """An entry of the store, as the job would have made it; `more` overrides."""
        dn = f"cn={first} {last},{PEOPLE}"
        self.store.put(id_, dn, **{"employeeNumber": number, "cn": f"{first} {last}", "sn": last, **more})

    def job(self, **job: Any) -> Job:
        document = {
            "name": "people",
            "object_type": "user",
            "source": {"provider": "hr"},
            "destination": {"provider": "corp", "container": PEOPLE},
            "key": [{"source": "id", "destination": "employeeNumber"}],
            "fields": FIELDS,
            **job,
        }
        return Job.model_validate(document)

    def plan(
        self,
        *,
        options: Options | None = None,
        scripts: ScriptEngine | None = None,
        known: Known | None = None,
        **job: Any,
    ) -> Seen:
        """What a run would do."""
        self.plans += 1
        spool = self.folder / f"plan-{self.plans}"
        spool.mkdir()
        names = ["id", "first", "last", "mail", "room", "boss", "region", "passwd", "at"]
        source = FakeSource(self.rows, names, self.broken, windows=self.windows, unstamped_come=self.unstamped_come)
        self.store.closed = False
        with plan_run(
            self.job(**job),
            source,
            self.store,
            FakeLinks(self.links, others=self.elsewhere),
            spool,
            scripts=scripts or NoScripts(),
            options=options or Options(),
            known=known,
        ) as run:
            self.store.close()
            drafts = list(run.changes())
            assert list(run.changes()) == drafts
            return Seen(
                changes=[draft.change() for draft in drafts],
                rejected={one.record: one.reason for one in run.rejected},
                every_rejected=run.rejected,
                counts=run.counts,
                by_attribute=dict(run.by_attribute),
                warnings=run.warnings,
                checks=run.checks,
                matches=dict(run.matches()),
                read=(run.source_read, run.destination_read),
                explanations=run.explanations,
                mark=run.mark,
            )
