"""Rules of made passwords."""

from tests.mutants.mutant import Mutant

WORKER = "services/sync-worker/src/placet_sync_worker"
UNIT = "tests/unit/sync_worker"
RUNS = "tests/integration/sync_worker/test_password_runs.py"

OF_PASSWORDS = (
    Mutant(
        "password-of-another-place-opened",
        f"{WORKER}/passwords/keys.py",
        "if {name: content.get(name) for name in _claims(place)} != _claims(place):",
        "if False:",
        (f"{UNIT}/test_passwords.py::test_a_sealed_password_is_opened_at_its_place_alone",),
    ),
    Mutant(
        "another-password-for-the-same-step",
        f"{WORKER}/passwords/keeping.py",
        "elif task.maybe_sent or task.number in kept or job.password is None:",
        "elif job.password is None:",
        (f"{RUNS}::test_a_password_that_may_have_been_sent_and_is_gone_is_not_made_anew",),
    ),
    Mutant(
        "password-not-noted-before-it-is-sent",
        f"{WORKER}/passwords/keeping.py",
        "if new and job.password is not None:",
        "if False:",
        (f"{RUNS}::test_each_try_sends_the_same_password_and_no_table_can_be_read_for_it",),
    ),
    Mutant(
        "unproven-password-kept",
        f"{WORKER}/life.py",
        "await passwords.erase_unproven(work, run.run_id)",
        "pass",
        (f"{RUNS}::test_what_was_not_proven_is_erased_when_the_run_ends",),
    ),
    Mutant(
        "password-erased-that-may-still-be-sent",
        f"{WORKER}/store/passwords.py",
        'passwords.c.run_id, runs.c.state == "finished")',
        "passwords.c.run_id)",
        (f"{RUNS}::test_what_nobody_took_is_erased_once_its_run_is_over",),
    ),
    Mutant(
        "password-for-every-role",
        f"{WORKER}/passwords/handing.py",
        "_require_meant(caller, policy)\n",
        "pass\n",
        (f"{RUNS}::test_no_other_role_takes_passwords",),
    ),
    Mutant(
        "password-for-a-second-user",
        f"{WORKER}/passwords/handing.py",
        "if row.taken_by not in (None, caller.user)",
        "if False",
        (f"{RUNS}::test_passwords_are_taken_once_by_one_user",),
    ),
    Mutant(
        "password-of-an-altered-change",
        f"{WORKER}/passwords/handing.py",
        "await only_signed(work, run, found, self.verifier)\n            documents",
        "documents",
        (f"{RUNS}::test_whose_password_it_is_cannot_be_altered_in_the_tables",),
    ),
    Mutant(
        "entry-made-without-its-password",
        f"{WORKER}/applying/directory.py",
        "if task.password is None:\n        raise",
        "if task.password is None:\n        return task\n        raise",
        ("tests/contract/directory/test_writer.py::test_a_password_goes_in_with_the_create_and_is_never_asked_for",),
    ),
    Mutant(
        "password-where-everybody-reads-it",
        f"{WORKER}/planning/examining.py",
        "if not attribute.password:",
        "if False:",
        (f"{UNIT}/test_examining.py::test_a_field_that_cannot_be_is_named",),
    ),
    Mutant(
        "editor-gives-passwords-away",
        "services/scheduler/src/placet_scheduler/rights.py",
        'GUARDS = ("workflow", "limits", "deliver_to")',
        'GUARDS = ("workflow", "limits")',
        ("tests/unit/scheduler/test_rights.py::test_an_editor_may_not_change_how_a_job_is_guarded",),
    ),
)
