"""Broken rules of what is changed in a directory: what was planned, approved, and still as it was then."""

from tests.mutants.mutant import Mutant

WORKER = "services/sync-worker/src/placet_sync_worker"

WRITER = "tests/contract/directory/test_writer.py"
STRANGERS = "tests/integration/sync_worker/test_life.py::TestStrangers"
ALTERED = f"{STRANGERS}::test_altered_tables_end_the_run_as_failed"
GUARDS = "tests/integration/sync_worker/test_replicas_and_forgers.py"
DECIDING = "tests/unit/sync_worker/test_deciding.py"
PLANNING = "tests/integration/sync_worker/test_planning.py"
LOOKING = "tests/integration/sync_worker/test_looking.py"
IN_TURN = "tests/integration/sync_worker/test_removals_in_turn.py"
REREADING = "tests/integration/sync_worker/test_rereading.py"

WRITING = (
    Mutant(
        "assertion-dropped",
        f"{WORKER}/applying/operations.py",
        '_assertion(task, id_filter) if safety == "assertion" else None',
        "None",
        (f"{WRITER}::test_an_entry_with_other_values_is_not_deleted",),
    ),
    Mutant(
        "old-values-not-compared",
        f"{WORKER}/applying/operations.py",
        "if not attribute.has_equality:",
        "if attribute:",
        ("tests/contract/directory/test_window.py::test_a_hand_in_the_last_moment_is_not_overwritten",),
    ),
    Mutant(
        "keys-not-searched-before-creates",
        f"{WORKER}/applying/directory.py",
        't.step.what == "add" or look_only',
        "look_only",
        (f"{WRITER}::test_the_whole_store_is_searched_for_keys_before_creates",),
    ),
    Mutant(
        "lost-write-done-again-over-a-hand",
        f"{WORKER}/applying/judging.py",
        "if task.maybe_sent and seen.version != task.version:",
        "if False:",
        (f"{WRITER}::test_a_lost_update_that_a_hand_took_back_is_not_done_again",),
    ),
    Mutant(
        "what-was-not-compared-not-read-after",
        f"{WORKER}/applying/directory.py",
        "if seen and self._judging.are_after(changes, seen[0]):",
        "if seen:",
        (f"{WRITER}::test_what_has_no_equality_is_read_after_it_was_replaced",),
    ),
    Mutant(
        "batch-not-fenced-by-its-epoch",
        f"{WORKER}/store/batches.py",
        ".scalar_one() == batch.epoch",
        ".scalar_one() >= batch.epoch",
        (f"{GUARDS}::test_who_lost_its_batch_writes_no_results_while_the_next_one_still_writes",),
    ),
)

TRUST = (
    Mutant(
        "decision-not-verified",
        f"{WORKER}/unaltered.py",
        """decision = verifier.decision(run.decision_token or "", run.plan_token or "")
    if not decision.approved or {order.run_id, plan.run_id, decision.run_id} != {run.run_id}:""",
        "if {order.run_id, plan.run_id} != {run.run_id}:",
        (f"{ALTERED}[UPDATE sync.runs SET decision_token = decision_token || 'x']",),
    ),
    Mutant(
        "decision-about-another-plan-counts",
        "shared/src/placet_shared/chain.py",
        "if decision.plan != link_hash(plan):",
        "if False:",
        (f"{STRANGERS}::test_a_forged_decision_is_refused_and_the_true_one_goes_on",),
    ),
    Mutant(
        "changes-not-compared-with-their-batch",
        f"{WORKER}/applying/run.py",
        "            signed.require(batch, loaded)\n",
        "",
        (f"{ALTERED}[UPDATE sync.changes SET salt = 'x' WHERE number = 3]",),
    ),
    Mutant(
        "batches-not-compared-with-the-plan",
        f"{WORKER}/unaltered.py",
        "        if plan_digest(listed) == plan.digest:\n",
        "        if True:\n",
        (f"{GUARDS}::test_a_change_that_was_altered_together_with_the_digest_of_its_batch_is_not_written",),
    ),
    Mutant(
        "four-eyes-dropped",
        "services/approvals/src/placet_approvals/voting.py",
        "if caller.user == gate.requester:",
        "if False:",
        ("tests/integration/approvals/test_requests.py::test_who_may_not_decide_is_told_why",),
    ),
)

PLANS = (
    Mutant(
        "truncated-read-taken-for-complete",
        f"{WORKER}/providers/ldap/ldap3_directory.py",
        "if ending.code != 0:",
        "if ending.code not in (0, 4):",
        ("tests/integration/sync_worker/test_ldap.py::test_a_size_limit_fails_the_read_and_is_named",),
    ),
    Mutant(
        "protected-entries-removed",
        f"{WORKER}/planning/drafting.py",
        "if destination.protected(entry.dn, removing=True):",
        "if False:",
        (f"{PLANNING}::test_protected_entries_stay_and_are_named",),
    ),
    Mutant(
        "passwords-explained",
        f"{WORKER}/planning/explaining.py",
        "return _secretive(told) if is_secret(target) else told",
        "return told",
        ("tests/unit/sync_worker/test_explaining.py::test_passwords_are_shown_to_nobody",),
    ),
    Mutant(
        "half-made-entry-left-alone",
        f"{WORKER}/planning/deciding.py",
        "if entry.id in self.half_made else {}",
        "if False else {}",
        (f"{DECIDING}::test_what_is_left_of_a_creation_that_was_only_begun_is_a_create_still",),
    ),
    Mutant(
        "extras-removed-despite-an-unreadable-key",
        f"{WORKER}/planning/planner.py",
        'job.extra != "skip" and not records.unreadable and',
        'job.extra != "skip" and',
        (f"{PLANNING}::test_a_key_that_cannot_be_read_stops_all_removals_and_the_plan_says_so",),
    ),
)

LOOKS = (
    Mutant(
        "old-plan-written-without-a-look-at-the-source",
        f"{WORKER}/life.py",
        "if self._look_is_due(run, phase, work.now):",
        "if False:",
        (f"{LOOKING}::test_nothing_is_written_before_the_source_was_read_again",),
    ),
    Mutant(
        "source-not-read-again-before-removals",
        f"{WORKER}/life.py",
        "(run.phase is None or phase in REMOVAL_PHASES)",
        "run.phase is None",
        (f"{LOOKING}::test_the_source_is_read_again_before_removals_and_not_between_batches",),
    ),
    Mutant(
        "look-settled-by-who-lost-the-run",
        f"{WORKER}/applying/looking.py",
        """if not await runs.mine(work, run):
                log.warning("look_fenced")""",
        """if False:
                log.warning("look_fenced")""",
        (f"{LOOKING}::test_who_lost_the_run_while_looking_settles_nothing",),
    ),
    Mutant(
        "plan-made-to-look-younger",
        f"{WORKER}/unaltered.py",
        "if run.planned_at != plan.planned_at:",
        "if False:",
        (f"{LOOKING}::test_a_plan_that_was_made_to_look_younger_is_not_written",),
    ),
    Mutant(
        "record-with-other-values-taken-for-the-planned-one",
        f"{WORKER}/planning/rereading.py",
        "if digest != record_digest(design, key, record, new=new) or",
        "if",
        (f"{REREADING}::test_a_record_that_moved_keeps_its_change_from_being_written[another value]",),
    ),
    Mutant(
        "extra-removed-although-its-record-is-back",
        f"{WORKER}/planning/rereading.py",
        "{THERE: _numbers(views, _THERE)}",
        "{}",
        (f"{REREADING}::test_a_record_that_moved_keeps_its_change_from_being_written[an extra that is back]",),
    ),
    Mutant(
        "extra-removed-although-a-key-cannot-be-read-now",
        f"{WORKER}/planning/rereading.py",
        "    if readable:\n",
        "    if True:\n",
        (f"{REREADING}::test_a_record_that_moved_keeps_its_change_from_being_written[a key that cannot be read]",),
    ),
)

TURNS = (
    Mutant(
        "removals-of-two-runs-at-once",
        f"{WORKER}/life.py",
        "if phase in REMOVAL_PHASES and not await",
        "if False and not await",
        (f"{IN_TURN}::test_removals_wait_until_those_of_another_run_are_over",),
    ),
    Mutant(
        "removals-asked-for-without-a-queue",
        f"{WORKER}/store/runs.py",
        "    await work.connection.execute(select(turn))\n",
        "",
        (f"{IN_TURN}::test_of_two_that_ask_at_once_one_has_the_removals_of_a_store",),
    ),
    Mutant(
        "entry-of-another-job-removed-unsaid",
        f"{WORKER}/planning/warning.py",
        "    if findings.shared:\n",
        "    if False:\n",
        (f"{PLANNING}::test_a_removal_of_what_another_job_manages_too_is_looked_at_by_a_person",),
    ),
)

PLACES = (
    Mutant(
        "moved-to-a-place-that-was-not-made",
        f"{WORKER}/store/batches.py",
        "    if not numbers:\n",
        "    if True:\n",
        (f"{IN_TURN}::test_what_is_moved_to_a_place_that_could_not_be_made_is_skipped",),
    ),
    Mutant(
        "place-linked-like-a-record",
        f"{WORKER}/applying/directory.py",
        " and not task.change.container\n    return linked",
        "\n    return linked",
        (f"{WRITER}::test_a_container_is_made_once_and_belongs_to_no_record",),
    ),
)

OF_CHANGES = WRITING + TRUST + PLANS + LOOKS + TURNS + PLACES
