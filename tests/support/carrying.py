"""Carries a plan out as workers do: phase by phase, with what became of the creates that steps refer to."""

from collections.abc import Sequence

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import PROVEN, Change, Phase, Result, worst
from placet_sync_worker.providers.ldap.store import LdapStore
from placet_sync_worker.tasks import Outcome, Task
from tests.support.directories import soon

Done = dict[tuple[int, int], Outcome]


def carry_out(store: LdapStore, changes: Sequence[Change], keys: Sequence[str]) -> list[Outcome]:
    """One outcome a change: that of its worst step. Closes the store."""
    done: Done = {}
    try:
        for phase in Phase:
            while tasks := list(_tasks(changes, phase, done)):
                outcomes = DirectoryWriter(store, keys).apply(tasks, soon() + 30)
                new = zip(tasks, outcomes, strict=True)
                settled = {(t.number, t.position): o for t, o in new if o.result is not None}
                assert settled, [outcome.reason for outcome in outcomes]
                done |= settled
    finally:
        store.close()
    return [_worst([done[number, n] for n in range(len(c.steps))]) for number, c in enumerate(changes)]


def _tasks(changes: Sequence[Change], phase: Phase, done: Done) -> "list[Task]":
    made = {c.key: done.get((number, 0), Outcome(None)) for number, c in enumerate(changes) if c.op == "create"}
    tasks = []
    for number, change in enumerate(changes):
        dn, version, entry_id = change.dn, change.version, None
        for position, step in enumerate(change.steps):
            before = done.get((number, position))
            if before is None and step.phase == phase:
                tasks.append(Task(number, position, change, False, version, dn, entry_id=entry_id, made=made))
            elif before is not None and before.result in PROVEN:
                dn, version, entry_id = step.target or dn, before.version or version, before.entry_id or entry_id
            elif before is not None and any((number, n) not in done for n in range(position, len(change.steps))):
                done |= {(number, n): Outcome(Result.SKIPPED) for n in range(position + 1, len(change.steps))}
    return tasks


def _worst(outcomes: Sequence[Outcome]) -> Outcome:
    bad = worst([outcome.result for outcome in outcomes if outcome.result is not None])
    return next(outcome for outcome in outcomes if outcome.result == bad)
