"""A run's way through the worker on a real PostgreSQL: what is written, what is refused, how it ends."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
from msgspec import structs

from placet_shared.clock import boot_seconds
from placet_shared.errors import ForgedEventError, PermanentError, ReplayedEventError
from placet_shared.events import RunApproved, RunCancelled, RunDenied
from placet_sync_worker.changes import AttributeChange, Change, Image, Phase, Reference, Rejected, Result, Step
from placet_sync_worker.plan import canonical, change_hash
from placet_sync_worker.ports import Attribute
from placet_sync_worker.store import links
from placet_sync_worker.sweeping import end_stranded
from placet_sync_worker.tasks import Outcome, Task
from placet_sync_worker.unaltered import AlteredError
from tests.support.worker import LEASE, ReadyPlan, ScriptedWriter, WorkerHarness, a_delete, an_update


def a_create(key: str, phase: Phase, refers_to: str | None = None, later: Phase | None = None) -> Change:
    """A new entry, perhaps with a reference to that of another key, or with a second step."""
    dn = f"cn={key},dc=example,dc=org"
    references = (Reference(f"cn={refers_to}", key=refers_to),) if refers_to else ()
    attributes = (AttributeChange("cn", (), (key,)), AttributeChange("member", (), ("cn=x",), references=references))
    steps = (Step("add", phase, attributes=("cn", "member")),)
    return Change(
        key, "create", dn, attributes, (*steps, Step("modify", later, attributes=("member",))) if later else steps
    )


async def finished(worker: WorkerHarness, run_id: str) -> dict[str, object]:
    """The one run-finished of a run."""
    ends = [event for event in await worker.published("placet.run-finished") if event["run_id"] == run_id]
    assert len(ends) == 1
    return ends[0]


async def test_an_approved_plan_is_written_and_linked(worker: WorkerHarness) -> None:
    run_id = await worker.planned([an_update(n) for n in range(450)] + [a_delete(1000)])
    assert worker.store.asked == []
    await worker.approve(run_id)
    await worker.apply_all()
    end = await finished(worker, run_id)
    assert end["outcome"] == "succeeded"
    assert end["applied"] == {"update": 450, "delete": 1}
    assert len(worker.store.asked) == 451
    assert worker.store.asked[-1][0].step.what == "delete"
    links = await worker.rows("SELECT entry_id, source_key FROM sync.links")
    assert {"entry_id": "id7", "source_key": "7"} in links


async def test_who_was_only_half_made_stays_known_until_all_steps_are_done(
    worker: WorkerHarness, database_url: str
) -> None:
    late = AttributeChange("title", (), ("Dr",))
    steps = (Step("add", Phase.CREATE, attributes=("sn",)), Step("modify", Phase.UPDATE, attributes=("title",)))
    create = Change("7", "create", "cn=p7", (AttributeChange("sn", (), ("Low",)), late), steps)
    left = structs.replace(create, attributes=(late,), steps=steps[1:], id="id7", version="v1")
    made = Outcome(Result.APPLIED, entry_id="id7", version="v1")
    for change, last, half_made in ((create, Result.FAILED, {"id7"}), (left, Result.APPLIED, set[str]())):
        ends = {"add": made, "modify": Outcome(last)}
        worker.store.answers = lambda task, ends=ends: ends[task.step.what]  # type: ignore[misc]  # it takes a task
        run_id = await worker.planned([change])
        await worker.approve(run_id)
        await worker.apply_all()
        assert await worker.results(run_id) == [last]
        url = database_url.replace("+psycopg", "")
        assert links.JobLinks(url, "corp", "job-1").unfinished() == half_made
    assert (await finished(worker, run_id))["applied"] == {"create": 1}


@pytest.mark.parametrize("end", ["previewed", "denied", "cancelled", "failed", "succeeded"])
async def test_matches_become_links_at_the_end_of_a_run_that_was_written_and_never_before(
    worker: WorkerHarness, end: str
) -> None:
    if end == "previewed":
        run_id, worker.plan = "preview", ReadyPlan([an_update(1)])
        await worker.tell(worker.requested(run_id, worker.order(run_id, preview=True), preview=True))
        await worker.planner.step()
    else:
        run_id = await worker.planned([an_update(1)], give_up_after="0s")
    assert await worker.rows("SELECT 1 FROM sync.links") == []
    if end == "denied":
        decision = worker.decision(run_id, (await worker.run(run_id))["plan_token"], approved=False)
        await worker.tell(RunDenied(run_id=run_id, request_id=None, decided_by="bob", decision=decision))
    elif end == "cancelled":
        await worker.tell(TestEnds.cancel(worker, run_id))
    elif end != "previewed":
        await worker.approve(run_id)
        assert await worker.rows("SELECT 1 FROM sync.links") == []
        worker.store.answers = lambda _task: Outcome(None if end == "failed" else Result.APPLIED)
        await worker.apply_all()
    assert (await finished(worker, run_id))["outcome"] == end
    linked = await worker.rows("SELECT store, entry_id, job_id, source_key FROM sync.links")
    there = {"store": "corp", "entry_id": "id1", "job_id": "job-1", "source_key": "1"}
    assert linked == ([there] if end == "succeeded" else [])


async def test_links_of_a_job_are_not_those_of_another_that_has_its_name(
    worker: WorkerHarness, database_url: str
) -> None:
    async with worker.database.transaction() as work:
        await links.link(work, "corp", "job-1", [("a", "1", True)])
    url = database_url.replace("+psycopg", "")
    for job_id, known in (("job-1", [("a", "1")]), ("job-2", [])):
        of_job = links.JobLinks(url, "corp", job_id)
        assert list(of_job.all()) == known
        assert of_job.of(["1"], ["a"]) == known
        assert of_job.unfinished() == {id_ for id_, _ in known}


async def test_a_retry_goes_on_at_the_first_step_that_is_not_proven(worker: WorkerHarness) -> None:
    name, sn = AttributeChange("cn", ("p1",), ("q1",)), AttributeChange("sn", ("Old",), ("New",))
    new = "cn=q1,ou=People,dc=example,dc=org"
    steps = (Step("rename", Phase.UPDATE, new, ("cn",)), Step("modify", Phase.UPDATE, None, ("sn",)))
    run_id = await worker.planned([structs.replace(an_update(1), op="move", attributes=(name, sn), steps=steps)])
    await worker.approve(run_id)
    renamed = Outcome(Result.APPLIED, version="v2")
    worker.store.answers = lambda task: renamed if task.step.what == "rename" else Outcome(None, "no answer")
    await worker.apply_all()
    assert await worker.results(run_id) == [None]
    worker.store.answers = lambda _task: Outcome(Result.APPLIED)
    await TestEnds.make_due(worker)
    await worker.apply_all()
    *first, again = [task for task, _ in worker.store.asked]
    assert [task.step.what for task in first] == ["rename", "modify"]
    assert (again.step.what, again.maybe_sent, again.dn, again.version) == ("modify", True, new, "v2")
    assert await worker.results(run_id) == ["applied"]
    assert (await finished(worker, run_id))["applied"] == {"move": 1}


async def test_each_change_has_a_salt_of_its_own_and_results_are_no_part_of_its_hash(worker: WorkerHarness) -> None:
    run_id = await worker.planned([an_update(1), an_update(2)])
    before = await worker.rows("SELECT number, hash, salt, document FROM sync.changes ORDER BY number")
    assert [len(row["salt"]) for row in before] == [16, 16]
    assert before[0]["salt"] != before[1]["salt"]
    for row in before:
        assert row["hash"] == change_hash(canonical(row["document"]), row["salt"])
        assert row["document"].keys() == {"key", "id", "version", "dn", "op", "attributes", "steps", "image"}
    await worker.approve(run_id)
    worker.store.answers = lambda _task: Outcome(Result.CONFLICT, "it is another one by now")
    await worker.apply_all()
    assert await worker.rows("SELECT number, hash, salt, document FROM sync.changes ORDER BY number") == before
    assert [row.result for row in await worker.shown(run_id)] == ["conflict", "conflict"]


async def test_events_have_ids_and_counts_and_no_values(worker: WorkerHarness) -> None:
    """Neither those of the plan nor those that reasons name."""
    secrets = ("Byron-Before", "Byron-After", "Byron-Hand", "Byron-Record", "Byron-Image")
    change = structs.replace(
        an_update(1), attributes=(AttributeChange("sn", secrets[:1], secrets[1:2]),),
        image=(Image("title", secrets[4:]),),
    )  # fmt: skip
    run_id = await worker.planned(
        [change, an_update(2)], [Rejected("line 3", "3", "sn", f"sn takes no {secrets[3]!r}")]
    )  # fmt: skip
    await worker.approve(run_id)
    conflict = Outcome(Result.CONFLICT, f"sn: planned from {secrets[0]!r} to {secrets[1]!r}, but it is {secrets[2]!r}")
    worker.store.answers = lambda task: Outcome(Result.APPLIED) if task.number else conflict
    await worker.apply_all()
    assert (await finished(worker, run_id))["outcome"] == "succeeded_with_errors"
    sent = [bytes(row["body"]).decode() for row in await worker.rows("SELECT body FROM sync.outbox")]
    assert len(sent) == 4
    for text in sent:
        tokens = [part for part in re.findall(r"[\w-]{40,}", text) if part.startswith("eyJ")]
        opened = [text, *(urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode() for part in tokens)]
        assert not [one for one in secrets for shown in opened if one in shown]


async def test_a_rejected_record_makes_a_run_with_errors(worker: WorkerHarness) -> None:
    run_id = await worker.planned([an_update(1)], [Rejected("line 3", "9", "sn", "sn has no value")])
    await worker.approve(run_id)
    await worker.apply_all()
    end = await finished(worker, run_id)
    assert end["outcome"] == "succeeded_with_errors"
    assert end["problems"] == ["9: rejected (sn)"]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("user needs sn, and the record gives no value for it", "9: rejected (sn, no value)"),
        ("the key stands in other records as well: line 501", "9: rejected (sn, several records have its key)"),
        ("KeyError: 'Jane'", "9: rejected (sn)"),
        ("sn: no entry has employeeNumber 17", "9: rejected (sn, no match for a reference)"),
    ],
)
async def test_a_problem_says_of_which_kind_it_is_and_no_value(worker: WorkerHarness, reason: str, told: str) -> None:
    run_id = await worker.planned([], [Rejected("line 3", "9", "sn", reason)])
    await worker.approve(run_id)
    assert (await finished(worker, run_id))["problems"] == [told]


async def test_steps_know_what_became_of_the_creates_that_they_refer_to(worker: WorkerHarness) -> None:
    """Also in the same batch: one comes again until the other has its result."""
    changes = [
        a_create("a", Phase.REFERENCES, refers_to="b"),
        a_create("b", Phase.REFERENCES),
        a_create("c", Phase.CREATE),
        a_create("d", Phase.REFERENCES, refers_to="c"),
    ]
    results = {"b": Outcome(Result.APPLIED, entry_id="id-b"), "c": Outcome(Result.CONFLICT, "it is there already")}
    told: list[tuple[str, Outcome]] = []

    def answer(task: Task) -> Outcome:
        made = next(iter(task.made.values()), None)
        if made is not None:
            told.append((task.change.key, made))
            return Outcome(made.result and Result.SKIPPED)
        return results[task.change.key]

    worker.store.answers = answer
    run_id = await worker.planned(changes)
    await worker.approve(run_id)
    while (await worker.run(run_id))["state"] != "finished":
        await worker.rows("UPDATE sync.batches SET next_at = now() RETURNING batch_id")
        await worker.apply_all()
    assert told == [
        ("a", Outcome(None)), ("d", Outcome(Result.CONFLICT)), ("a", Outcome(Result.APPLIED, entry_id="id-b")),
    ]  # fmt: skip


async def test_a_new_entry_is_known_by_its_id_in_later_steps(worker: WorkerHarness) -> None:
    worker.store.answers = lambda task: Outcome(Result.APPLIED, version="v2", entry_id="id-a")
    run_id = await worker.planned([a_create("a", Phase.CREATE, later=Phase.REFERENCES)])
    await worker.approve(run_id)
    await worker.apply_all()
    assert [(task.entry_id, task.version) for task, _ in worker.store.asked] == [(None, None), ("id-a", "v2")]


async def test_what_failed_counts_before_removals_also_where_a_step_follows_after_them(worker: WorkerHarness) -> None:
    last = Step("modify", Phase.REFERRERS, None, ("member",))
    changes = [structs.replace(an_update(n), steps=(*an_update(n).steps, last)) for n in range(4)]
    worker.store.answers = lambda task: Outcome(Result.FAILED if task.change.op == "update" else Result.APPLIED)
    run_id = await worker.planned([*changes, a_delete(9)])
    await worker.approve(run_id)
    await worker.apply_all()
    assert await worker.results(run_id) == ["failed"] * 4 + ["skipped"]


async def test_a_preview_ends_by_itself(worker: WorkerHarness) -> None:
    run_id = "preview"
    await worker.tell(worker.requested(run_id, worker.order(run_id, preview=True), preview=True))
    await worker.planner.step()
    assert (await finished(worker, run_id))["outcome"] == "previewed"
    await worker.approve(run_id)
    await worker.apply_all()
    assert worker.store.asked == []


async def test_an_empty_plan_succeeds(worker: WorkerHarness) -> None:
    run_id = await worker.planned([])
    await worker.approve(run_id)
    assert (await finished(worker, run_id))["outcome"] == "succeeded"


async def test_what_cannot_be_planned_fails_with_its_reason(worker: WorkerHarness) -> None:
    run_id = "broken"
    worker.plan = PermanentError("the source is empty")
    await worker.tell(worker.requested(run_id, worker.order(run_id)))
    await worker.planner.step()
    end = await finished(worker, run_id)
    assert (end["outcome"], end["reason"]) == ("failed", "the source is empty")


async def test_what_nobody_foresaw_while_planning_ends_the_run_too(worker: WorkerHarness) -> None:
    worker.plan = RuntimeError("a bug")
    await worker.tell(worker.requested("odd", worker.order("odd")))
    assert await worker.planner.step()
    assert await worker.published("placet.run-finished") == []
    await worker.rows("UPDATE sync.runs SET next_at = now(), first_attempt_at = now() - interval '1 min'")
    assert await worker.planner.step()
    end = await finished(worker, "odd")
    assert end["outcome"] == "failed"
    assert "RuntimeError('a bug')" in str(end["reason"])


async def test_what_nobody_foresaw_while_writing_comes_again_until_the_run_gives_up(worker: WorkerHarness) -> None:
    run_id = await worker.planned([an_update(1)], give_up_after="0s")
    await worker.approve(run_id)

    def broken(_task: Task) -> Outcome:
        raise KeyError("entryCSN")

    worker.store.answers = broken
    await worker.apply_all()
    end = await finished(worker, run_id)
    assert end["outcome"] == "failed"
    assert "entryCSN" in str(end["reason"])
    assert await worker.results(run_id) == ["uncertain"]


CALLED_APPLIED = (
    "INSERT INTO sync.steps (run_id, number, step, result) SELECT run_id, number, 0, 'applied' FROM sync.changes"
)
CALLED_DONE = (
    f"WITH done AS ({CALLED_APPLIED} RETURNING *) INSERT INTO sync.outcomes (run_id, number, result)"
    " SELECT run_id, number, result FROM done"
)

MALFORMED = [
    "UPDATE sync.changes SET document = NULL WHERE number = 1",
    "UPDATE sync.changes SET document = '{}' WHERE number = 0",
    "UPDATE sync.changes a SET document = b.document FROM sync.changes b WHERE a.number = 0 AND b.number = 1",
    "UPDATE sync.batches SET items = '7' WHERE ordinal = 0",
    "UPDATE sync.batches SET items = '[[\"x\", [0]]]' WHERE ordinal = 0",
    "UPDATE sync.batches SET items = '[[4294967296, [0]]]' WHERE ordinal = 0",
    "UPDATE sync.batches SET phase = 99 WHERE ordinal = 0",
]
"""What a plan was never saved as."""


class TestStrangers:
    """Whoever can write to Kafka or to the tables starts nothing and changes nothing."""

    async def test_a_forged_order_is_refused(self, worker: WorkerHarness) -> None:
        order = worker.sign["approvals"].sign(worker.verifier.order(worker.order("x")))
        with pytest.raises(ForgedEventError):
            await worker.tell(worker.requested("x", order))
        assert await worker.rows("SELECT 1 FROM sync.runs") == []

    async def test_an_order_of_another_run_is_refused(self, worker: WorkerHarness) -> None:
        with pytest.raises(ForgedEventError):
            await worker.tell(worker.requested("y", worker.order("x")))

    async def test_a_forged_decision_is_refused_and_the_true_one_goes_on(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        plan = (await worker.run(run_id))["plan_token"]
        for decision in (
            worker.decision(run_id, plan, signer="scheduler"),
            worker.decision(run_id, plan + "x"),
            worker.decision(run_id, plan, approved=False),
            worker.decision("another", plan),
            "nonsense",
        ):
            event = RunApproved(run_id=run_id, request_id=None, decided_by="eve", decision=decision)
            with pytest.raises(ForgedEventError):
                await worker.tell(event)
        await worker.apply_all()
        assert worker.store.asked == []
        await worker.approve(run_id)
        await worker.apply_all()
        assert (await finished(worker, run_id))["outcome"] == "succeeded"

    async def test_an_old_approval_played_again_is_refused(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        event = await worker.approved(run_id)
        await worker.tell(event)
        await worker.apply_all()
        with pytest.raises(ReplayedEventError):
            await worker.tell(event)
        second = await worker.planned([an_update(2)])
        with pytest.raises(ForgedEventError):
            await worker.tell(event.model_copy(update={"run_id": second}))
        assert len(worker.store.asked) == 1

    async def test_a_forged_cancellation_is_refused(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        forged = worker.sign["approvals"].signed(RunCancelled, run_id=run_id, cancelled_by="eve", reason="")
        with pytest.raises(ForgedEventError):
            await worker.tell(forged)
        assert (await worker.run(run_id))["state"] == "planned"

    @pytest.mark.parametrize(
        "alteration",
        [
            "UPDATE sync.changes SET document = jsonb_set(document, '{attributes,0,after,0}', '7') WHERE number = 3",
            "UPDATE sync.changes SET document = jsonb_set(document, '{dn}', '\"cn=ceo\"') WHERE number = 3",
            "UPDATE sync.changes SET salt = 'x' WHERE number = 3",
            "DELETE FROM sync.batches WHERE ordinal = 1",
            "UPDATE sync.batches SET ordinal = ordinal + 1 WHERE ordinal = 1",
            "UPDATE sync.batches SET items = items - 0 WHERE ordinal = 0",
            "UPDATE sync.batches SET digest = 'sha256:0' WHERE ordinal = 1",
            "UPDATE sync.runs SET plan_token = plan_token || 'x'",
            "UPDATE sync.runs SET order_token = order_token || 'x'",
            "UPDATE sync.runs SET decision_token = decision_token || 'x'",
            "UPDATE sync.runs SET plan_token = NULL",
            CALLED_DONE,
            *MALFORMED,
        ],
    )
    async def test_altered_tables_end_the_run_as_failed(self, worker: WorkerHarness, alteration: str) -> None:
        run_id = await worker.planned([an_update(n) for n in range(300)])
        await worker.approve(run_id)
        await worker.rows(alteration)
        await worker.apply_all()
        end = await finished(worker, run_id)
        assert end["outcome"] == "failed"
        assert "run the job again" in str(end["reason"]) or "signature does not hold" in str(end["reason"])
        assert worker.store.asked == []

    async def test_a_batch_whose_change_is_altered_later_is_not_written(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(n) for n in range(300)])
        await worker.approve(run_id)
        assert await worker.applier.step()
        await worker.rows("UPDATE sync.changes SET salt = 'x' WHERE number = 250")
        await worker.apply_all()
        assert (await finished(worker, run_id))["outcome"] == "failed"
        assert [task.number for task, _ in worker.store.asked] == list(range(200))
        assert await worker.results(run_id) == ["applied"] * 200 + ["failed"] * 100

    @pytest.mark.parametrize("alteration", [*MALFORMED, "UPDATE sync.runs SET plan_token = NULL", CALLED_APPLIED])
    async def test_tables_that_are_altered_before_the_approval_end_the_run_too(
        self, worker: WorkerHarness, alteration: str
    ) -> None:
        run_id = await worker.planned([an_update(n) for n in range(3)])
        event = await worker.approved(run_id)
        await worker.rows(alteration)
        await worker.tell(event)
        await worker.apply_all()
        end = await finished(worker, run_id)
        assert end["outcome"] == "failed"
        assert "run the job again" in str(end["reason"])
        assert worker.store.asked == []

    @pytest.mark.parametrize("alteration", ["DELETE FROM sync.batches", "UPDATE sync.batches SET state = 'done'"])
    @pytest.mark.parametrize("approved", [False, True])
    async def test_a_plan_without_batches_is_not_taken_for_done(
        self, worker: WorkerHarness, alteration: str, approved: bool
    ) -> None:
        run_id = await worker.planned([an_update(n) for n in range(3)])
        event = await worker.approved(run_id)
        if approved:
            await worker.tell(event)
            await end_stranded(worker.database, worker.verifier, worker.life)
            assert await worker.published("placet.run-finished") == []
        await worker.rows(alteration)
        if not approved:
            await worker.tell(event)
        await worker.apply_all()
        await end_stranded(worker.database, worker.verifier, worker.life)
        assert (await finished(worker, run_id))["outcome"] == "failed"
        assert worker.store.asked == []

    @pytest.mark.parametrize(
        "alteration",
        [
            "UPDATE sync.changes SET document = jsonb_set(document, '{attributes,0,after,0}', '\"Clerk\"')",
            "UPDATE sync.changes SET document = '{}' WHERE number = 0",
            "UPDATE sync.changes SET hash = 'sha256:0' WHERE number = 0",
            "UPDATE sync.batches SET items = '[]'",
            "UPDATE sync.batches SET items = '7'",
            "DELETE FROM sync.batches",
            "UPDATE sync.runs SET plan_token = plan_token || 'x'",
        ],
    )
    async def test_nobody_is_shown_what_is_not_in_the_plan(self, worker: WorkerHarness, alteration: str) -> None:
        run_id = await worker.planned([an_update(n) for n in range(3)])
        assert len(await worker.shown(run_id)) == 3
        await worker.rows(alteration)
        with pytest.raises(AlteredError, match="run the job again"):
            await worker.shown(run_id)

    async def test_values_that_were_erased_are_not_shown_and_nothing_is_wrong(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        await worker.rows("UPDATE sync.changes SET document = NULL, salt = NULL")
        assert [row.document for row in await worker.shown(run_id)] == [None]

    async def test_one_malformed_plan_holds_up_no_other_run(self, worker: WorkerHarness) -> None:
        bad, good = await worker.planned([an_update(1)]), await worker.planned([an_update(2)])
        for run_id in (bad, good):
            await worker.approve(run_id)
        await worker.rows("UPDATE sync.changes SET document = NULL WHERE run_id = :run", run=bad)
        await worker.apply_all()
        assert (await finished(worker, bad))["outcome"] == "failed"
        assert (await finished(worker, good))["outcome"] == "succeeded"

    async def test_another_destination_ends_the_run_as_failed(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        await worker.approve(run_id)
        worker.store.identity_now = worker.store.identity_now.model_copy(update={"url": "ldaps://elsewhere"})
        await worker.apply_all()
        assert (await finished(worker, run_id))["outcome"] == "failed"
        assert worker.store.asked == []

    async def test_a_destination_that_is_written_to_less_safely_than_approved_ends_the_run(
        self, worker: WorkerHarness
    ) -> None:
        run_id = await worker.planned([an_update(1)])
        await worker.approve(run_id)
        worker.store.safety_now = "value"
        await worker.apply_all()
        assert (await finished(worker, run_id))["outcome"] == "failed"
        assert worker.store.asked == []

    async def test_what_cannot_be_compared_is_written_as_it_was_approved(
        self, worker: WorkerHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def without_equality(_store: ScriptedWriter, name: str) -> Attribute:
            return Attribute(name, True, True, True, name != "sn", str.lower)

        monkeypatch.setattr(ScriptedWriter, "attribute", without_equality)
        worker.store.safety_now = "value"
        for approved, outcome in (("value", "failed"), ("read_back", "succeeded")):
            worker.planned_safety = approved  # type: ignore[assignment]  # one of them
            run_id = await worker.planned([an_update(1)])
            await worker.approve(run_id)
            await worker.apply_all()
            assert (await finished(worker, run_id))["outcome"] == outcome
        assert len(worker.store.asked) == 1

    async def test_another_server_settles_no_outcome_that_is_unknown(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1), a_delete(2)])
        await worker.approve(run_id)
        worker.store.answers = lambda _task: Outcome(None, "no answer")
        await worker.apply_all()
        asked = len(worker.store.asked)
        worker.store.identity_now = worker.store.identity_now.model_copy(update={"server": "the other one"})
        worker.store.answers = lambda _task: Outcome(Result.APPLIED)
        await TestEnds.make_due(worker)
        await worker.apply_all()
        end = await finished(worker, run_id)
        assert (end["outcome"], len(worker.store.asked)) == ("failed", asked)
        assert "is not what the plan was approved for; run the job again" in str(end["reason"])
        assert await worker.results(run_id) == ["uncertain", "failed"]


class TestEnds:
    """Every state has an exit."""

    async def test_denied(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        decision = worker.decision(run_id, (await worker.run(run_id))["plan_token"], approved=False)
        await worker.tell(RunDenied(run_id=run_id, request_id=None, decided_by="bob", decision=decision))
        assert (await finished(worker, run_id))["outcome"] == "denied"

    async def test_cancelled_before_the_approval(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        await worker.tell(self.cancel(worker, run_id))
        assert (await finished(worker, run_id))["outcome"] == "cancelled"
        await worker.approve(run_id)
        await worker.apply_all()
        assert worker.store.asked == []

    async def test_cancelled_while_writing(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(n) for n in range(400)])
        await worker.approve(run_id)
        await worker.applier.step()
        await worker.tell(self.cancel(worker, run_id))
        end = await finished(worker, run_id)
        assert end["outcome"] == "cancelled"
        assert await worker.results(run_id) == ["applied"] * 200 + ["skipped"] * 200

    async def test_a_cancelled_batch_that_may_have_been_sent_is_looked_at(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1), an_update(2)])
        await worker.approve(run_id)
        worker.store.answers = lambda _task: Outcome(None, "no answer")
        await worker.applier.step()
        await worker.tell(self.cancel(worker, run_id))
        assert await worker.published("placet.run-finished") == []
        worker.store.answers = lambda task: Outcome(Result.ALREADY_APPLIED if task.number else Result.SKIPPED)
        await self.make_due(worker)
        await worker.apply_all()
        assert worker.store.asked[-1][1] is True
        assert await worker.results(run_id) == ["skipped", "already_applied"]
        assert (await finished(worker, run_id))["outcome"] == "cancelled"

    async def test_an_edit_that_comes_after_the_approval_ends_nothing(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        edit = {"cancelled_by": "ada", "reason": "job people was edited", "unless_approved": True}
        await worker.approve(run_id)
        await worker.tell(worker.sign["scheduler"].signed(RunCancelled, run_id=run_id, **edit))
        await worker.apply_all()
        assert (await finished(worker, run_id))["outcome"] == "succeeded"

    async def test_an_edit_before_the_approval_cancels(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        edit = {"cancelled_by": "ada", "reason": "job people was edited", "unless_approved": True}
        await worker.tell(worker.sign["scheduler"].signed(RunCancelled, run_id=run_id, **edit))
        assert (await finished(worker, run_id))["outcome"] == "cancelled"

    async def test_an_approval_from_before_a_restore_is_void(self, worker: WorkerHarness) -> None:
        waiting, writing = await worker.planned([an_update(1)]), await worker.planned([an_update(2)])
        await worker.approve(writing)
        restored = worker.another_applier(worker.store, epoch=2)
        while await restored.step():
            pass
        assert (await finished(worker, writing))["outcome"] == "failed"
        worker.epoch = 2
        with pytest.raises(ReplayedEventError, match="epoch"):
            await worker.approve(waiting)
        assert worker.store.asked == []

    async def test_a_key_without_end_stays_out_of_the_events(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([], [Rejected("line 2", "x" * 200_000, "sn", "too long")] * 5)
        await worker.approve(run_id)
        problems = (await finished(worker, run_id))["problems"]
        assert all(len(problem) < 150 for problem in problems)  # type: ignore[attr-defined]  # texts

    async def test_a_reason_that_no_database_takes_is_mended(self, worker: WorkerHarness) -> None:
        worker.plan = PermanentError("a script said \0 and \ud800")
        await worker.tell(worker.requested("odd", worker.order("odd")))
        assert await worker.planner.step()
        assert (await finished(worker, "odd"))["reason"] == "a script said \ufffd and ?"

    async def test_expired(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        await worker.approve(run_id)
        run = await worker.run(run_id)
        plan = worker.verifier.plan(run["plan_token"], run["order_token"])
        worker.verifier.plan = lambda *_a, **_k: plan.model_copy(update={"valid_until": plan.planned_at})  # type: ignore[method-assign] # a plan of long ago
        await worker.apply_all()
        assert (await finished(worker, run_id))["outcome"] == "succeeded_with_errors"
        assert await worker.results(run_id) == ["expired"]

    async def test_what_is_left_when_the_time_of_a_plan_is_up_expires(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(n) for n in range(300)])
        await worker.approve(run_id)
        await worker.applier.step()
        run = await worker.run(run_id)
        plan = worker.verifier.plan(run["plan_token"], run["order_token"])
        worker.verifier.plan = lambda *_a, **_k: plan.model_copy(update={"valid_until": plan.planned_at})  # type: ignore[method-assign] # a plan of long ago
        late = worker.another_applier(worker.store)
        while await late.step():
            pass
        assert len(worker.store.asked) == 200
        assert await worker.results(run_id) == ["applied"] * 200 + ["expired"] * 100

    async def test_gives_up_when_nothing_moves(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)], give_up_after="0s")
        await worker.approve(run_id)
        worker.store.answers = lambda _task: Outcome(None, "the directory is down")
        await worker.apply_all()
        end = await finished(worker, run_id)
        assert end["outcome"] == "failed"
        assert "the directory is down" in str(end["reason"])
        assert await worker.results(run_id) == ["uncertain"]

    async def test_removals_wait_after_too_many_failures(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1), an_update(2), a_delete(3)])
        await worker.approve(run_id)
        worker.store.answers = lambda task: Outcome(Result.CONFLICT if task.number == 0 else Result.APPLIED, "moved")
        await worker.apply_all()
        assert await worker.results(run_id) == ["conflict", "applied", "skipped"]
        assert (await finished(worker, run_id))["outcome"] == "succeeded_with_errors"

    async def test_what_was_not_removed_stays_linked_so_that_the_next_run_plans_it_again(
        self, worker: WorkerHarness, database_url: str
    ) -> None:
        async with worker.database.transaction() as work:
            await links.link(work, "corp", "job-1", [("id3", "3", False)])
        for bad, linked in ((True, [("id3", "3")]), (False, [])):
            run_id = str(uuid4())
            worker.plan = Unmatched([an_update(1), a_delete(3)])
            await worker.tell(worker.requested(run_id, worker.order(run_id)))
            await worker.planner.step()
            await worker.approve(run_id)
            first = Result.CONFLICT if bad else Result.APPLIED
            worker.store.answers = lambda task, first=first: Outcome(Result.APPLIED if task.number else first)  # type: ignore[misc]  # it takes a task
            await worker.apply_all()
            assert await worker.results(run_id) == [first, "skipped" if bad else "applied"]
            url = database_url.replace("+psycopg", "")
            assert list(links.JobLinks(url, "corp", "job-1").all()) == linked

    @staticmethod
    def cancel(worker: WorkerHarness, run_id: str) -> RunCancelled:
        return worker.sign["scheduler"].signed(RunCancelled, run_id=run_id, cancelled_by="ada", reason="")

    @staticmethod
    async def make_due(worker: WorkerHarness) -> None:
        await worker.rows("UPDATE sync.batches SET next_at = now() - interval '1 s', lease_until = NULL")


class Unmatched(ReadyPlan):
    """A plan that found no entry of a record."""

    def matches(self) -> Iterator[tuple[str, str]]:
        return iter(())


class TestReplicas:
    """A batch belongs to who holds its epoch."""

    async def test_all_sends_of_a_batch_end_before_its_lease(
        self, worker: WorkerHarness, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deadlines: list[float] = []

        def apply(_writer: ScriptedWriter, tasks: Sequence[Task], deadline: float, **_how: bool) -> list[Outcome]:
            deadlines.append(deadline)
            return [Outcome(Result.APPLIED) for _ in tasks]

        monkeypatch.setattr(ScriptedWriter, "apply", apply)
        before = boot_seconds()
        await worker.approve(await worker.planned([an_update(1)]))
        await worker.apply_all()
        (deadline,) = deadlines
        assert before < deadline < before + LEASE.total_seconds()

    async def test_what_comes_after_waits_while_an_outcome_is_unknown(self, worker: WorkerHarness) -> None:
        await worker.approve(await worker.planned([an_update(1), a_delete(2)]))
        worker.store.answers = lambda _task: Outcome(None, "no answer")
        for _ in range(2):
            await worker.apply_all()
            await TestEnds.make_due(worker)
        assert {task.step.what for task, _ in worker.store.asked} == {"modify"}
        worker.store.answers = lambda _task: Outcome(Result.ALREADY_APPLIED)
        await worker.apply_all()
        assert worker.store.asked[-1][0].step.what == "delete"

    async def test_a_dead_worker_leaves_its_intents(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        await worker.approve(run_id)
        worker.store.answers = lambda _task: Outcome(None, "died")
        await worker.applier.step()
        await TestEnds.make_due(worker)
        worker.store.answers = lambda _task: Outcome(Result.APPLIED)
        await worker.apply_all()
        assert [task.maybe_sent for task, _ in worker.store.asked] == [False, True]

    async def test_a_sleeper_that_wakes_up_writes_no_results(self, worker: WorkerHarness) -> None:
        run_id = await worker.planned([an_update(1)])
        await worker.approve(run_id)
        other = worker.another_applier(worker.store)
        began = []

        def overtaken(task: Task) -> Outcome:
            began.append(task)
            return Outcome(Result.FAILED, "what the sleeper believes")

        sleeper = worker.another_applier(replace(worker.store, answers=overtaken, asked=[]))
        original = sleeper._apply

        async def slow(job: object) -> None:
            await TestEnds.make_due(worker)
            assert await other.step()
            await original(job)  # type: ignore[arg-type] # the job that it was called with

        sleeper._apply = slow  # type: ignore[method-assign] # the pause between claim and write
        await sleeper.step()
        assert began
        assert await worker.results(run_id) == ["applied"]
        assert (await finished(worker, run_id))["outcome"] == "succeeded"
