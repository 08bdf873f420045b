"""What must hold of every plan, whatever stands on the two sides."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placet_sync_worker.changes import Change, Phase
from placet_sync_worker.providers.ldap.names import dn_key
from placet_sync_worker.testing.destination import PEOPLE, FakeEntry, fold
from tests.support.planning import Row, Scene, Seen

KEYS = st.sampled_from(["1", "2", "3", "a", "A", ""])
NAMES = st.sampled_from(["Ann", "ann", "Bob", "Cyd", "Low, Ann"])
MAILS = st.lists(st.sampled_from(["a@x", "A@x", "b@x"]), max_size=2, unique=True)
ROWS = st.lists(st.fixed_dictionaries({"id": KEYS, "first": st.just(""), "last": NAMES, "mail": MAILS}), min_size=1)
ENTRIES = st.lists(
    st.tuples(KEYS, NAMES, MAILS, st.sampled_from([None, "1", "2", "a", "9"])),
    unique_by=lambda entry: fold(entry[1]),
)
JOBS = st.fixed_dictionaries(
    {
        "missing": st.sampled_from(["create", "skip"]),
        "extra": st.sampled_from(["skip", "delete"]),
        "extra_scope": st.sampled_from(["linked", "all"]),
        "empty_values": st.sampled_from(["keep", "clear"]),
    }
)
Entry = tuple[str, str, list[str], str | None]


def in_order(change: Change) -> tuple[Phase, int, str, str]:
    """What changes of a plan are sorted by: first phase, for removals the deepest first, then key and DN."""
    phase = min(step.phase for step in change.steps)
    depth = -change.dn.count(",") if not phase < Phase.DISABLE else 0
    return phase, depth, change.key, change.dn


@contextmanager
def scene_of(rows: list[Row], entries: list[Entry]) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder), rows)
        for number, (key, name, mail, linked) in enumerate(entries):
            values = {"employeeNumber": key, "cn": name, "sn": name, "mail": mail}
            dn = f"cn={name.replace(',', chr(92) + ',')},{PEOPLE}"
            scene.store.put(f"id{number}", dn, **{name: value for name, value in values.items() if value})
            if linked:
                scene.links[f"id{number}"] = linked
        yield scene


def carry_out(scene: Scene, plan: Seen) -> None:
    """What applying the plan would make of the store and the links."""
    entries = {entry.id: entry for entry in scene.store.entries}
    scene.links |= plan.matches
    for number, change in enumerate(plan.changes):
        id_ = change.id or f"new{scene.plans}-{number}"
        if change.op == "delete":
            del entries[id_]
            continue
        values = dict(entries[id_].values) if change.id else {}
        values |= {attribute.name: attribute.after for attribute in change.attributes}
        dn = next((step.target for step in change.steps if step.target), change.dn)
        entries[id_] = FakeEntry(id_, dn, {name: some for name, some in values.items() if some}, str(scene.plans))
        scene.links[id_] = change.key
    scene.store.entries = list(entries.values())


def touched(change: Change) -> str:
    return change.id or dn_key(change.dn)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, ENTRIES, JOBS)
def test_every_plan(rows: list[Row], entries: list[Entry], job: dict[str, Any]) -> None:
    with scene_of(rows, entries) as scene:
        plan = scene.plan(**job)
        dns = {entry.id: dn_key(entry.dn) for entry in scene.store.entries}
        keys = Counter(fold(str(row["id"])) for row in rows if row["id"])

        # one change an entry and a record, in order, nothing of a rejected record
        wanted = [change for change in plan.changes if change.op != "delete"]
        assert all(count == 1 for count in Counter(map(touched, plan.changes)).values())
        assert all(count == 1 for count in Counter(fold(change.key) for change in wanted).values())
        assert plan.changes == sorted(plan.changes, key=in_order)
        assert not {one.key for one in plan.every_rejected if one.key} & {change.key for change in plan.changes}
        assert len(plan.rejected) == len(plan.every_rejected)

        # keys that stand twice or not at all are rejected
        for number, row in enumerate(rows):
            if keys[fold(str(row["id"]))] != 1:
                assert f"line {number + 2}" in plan.rejected

        # nobody gets a name that another entry has or another change wants
        targets = [
            (change.id, dn_key(dn))
            for change in plan.changes
            for dn in ([change.dn] if change.op == "create" else [step.target for step in change.steps if step.target])
        ]
        assert len({dn for _, dn in targets}) == len(targets)
        assert all(dn != held or id_ == owner for id_, dn in targets for owner, held in dns.items())

        # removals
        removed = {change.id for change in plan.changes if change.op == "delete"}
        if job["extra"] == "skip" or not all(row["id"] for row in rows):
            assert not removed
        for number, (key, _, _, linked) in enumerate(entries):
            if f"id{number}" in removed:
                assert fold(key) not in keys
                assert linked not in {row["id"] for row in rows}
                assert linked or (job["extra_scope"] == "all" and key)

        # the summary
        ops = Counter(change.op for change in plan.changes)
        assert {op: getattr(plan.counts, op) for op in ops} == ops
        assert plan.counts.changes == len(plan.changes)
        assert plan.read == (len(rows), len(entries))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, ENTRIES, JOBS)
def test_plans_come_to_an_end(rows: list[Row], entries: list[Entry], job: dict[str, Any]) -> None:
    """Names that are freed let others in by the next run; after a few runs only what is rejected is left."""
    with scene_of(rows, entries) as scene:
        for _ in range(6):
            plan = scene.plan(**job)
            if not plan.changes and not plan.matches:
                break
            carry_out(scene, plan)
        assert plan.changes == []
        assert plan.matches == {}
        assert dict(scene.plan(**job).rejected) == plan.rejected
