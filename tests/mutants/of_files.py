"""Broken rules of what is written to files and reached by SQL."""

from tests.mutants.mutant import Mutant

WORKER = "services/sync-worker/src/placet_sync_worker"
FILES = "tests/contract/files/test_destination.py"
SQL = "tests/integration/sync_worker/test_file_sql.py"
EXCEL = "tests/integration/sync_worker/test_excel.py"

OF_FILES = (
    Mutant(
        "checksum-not-compared",
        f"{WORKER}/applying/files.py",
        "if any(now != task.change.version for task in tasks):",
        "if not tasks:",
        (f"{FILES}::test_a_file_that_was_changed_after_the_plan_is_not_touched[csv]",),
    ),
    Mutant(
        "own-work-not-known",
        f"{WORKER}/applying/files.py",
        "if note is not None and note.work == work",
        "if note is not None and not work",
        (f"{FILES}::test_a_repeat_knows_its_own_work[csv]",),
    ),
    Mutant(
        "another-plans-work-taken-for-ones-own",
        f"{WORKER}/applying/files.py",
        "note.work == work and any",
        "any",
        (f"{FILES}::test_what_another_plan_wrote_is_nobody_elses_work[csv]",),
    ),
    Mutant(
        "file-not-locked",
        f"{WORKER}/applying/file_notes.py",
        "except BlockingIOError:\n        return False",
        "except BlockingIOError:\n        return True",
        (f"{FILES}::test_one_worker_writes_at_a_time[csv]",),
    ),
    Mutant(
        "note-written-after-the-rename",
        f"{WORKER}/applying/files.py",
        'write_note(beside(path, "note"), note)',
        "pass",
        (
            "tests/contract/files/test_crashes.py::test_a_killed_worker_leaves_the_old_file_or_the_new_one[csv-after-already_applied]",
        ),
    ),
    Mutant(
        "formulas-not-escaped",
        f"{WORKER}/providers/csv/writing.py",
        "escaped(value) if provider.escape_formulas else value",
        "value",
        ("tests/integration/sync_worker/test_csv.py::test_what_a_spreadsheet_would_run_is_escaped",),
    ),
    Mutant(
        "sql-reads-other-files",
        f"{WORKER}/providers/files/sql.py",
        '"enable_external_access = false", ',
        "",
        (f"{SQL}::test_nothing_else_is_reached",),
    ),
    Mutant(
        "sql-of-several-statements",
        f"{WORKER}/providers/files/sql.py",
        "if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:",
        "if not statements:",
        (f"{SQL}::test_nothing_else_is_reached",),
    ),
    Mutant(
        "errors-in-cells-taken-for-nothing",
        f"{WORKER}/providers/excel/reading.py",
        'if cell.kind == "e":',
        'if cell.kind == "error":',
        (f"{EXCEL}::test_a_cell_that_cannot_be_trusted_rejects_its_record",),
    ),
)
