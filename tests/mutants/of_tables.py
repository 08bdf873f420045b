"""Broken rules of tables of databases: what was read is what is compared, and a lost answer makes no row twice."""

from tests.mutants.mutant import Mutant

WORKER = "services/sync-worker/src/placet_sync_worker"
RUNS = "tests/integration/sync_worker/test_sql_runs.py"

OF_TABLES = (
    Mutant(
        "old-values-of-a-row-not-compared",
        f"{WORKER}/providers/sql/writing.py",
        'parts.append(column.holds(texts, f"{OLD}{n}"))',
        "continue",
        (f"{RUNS}::test_a_row_that_a_hand_changed_since_the_plan_is_not_deleted",),
    ),
    Mutant(
        "rows-created-without-a-unique-key",
        f"{WORKER}/providers/sql/store.py",
        "if self.shape.key.enforced or self.keeps_applied:",
        "if self.shape:",
        (f"{RUNS}::test_a_table_without_a_unique_key_takes_new_rows_only_beside_placet_applied",),
    ),
    Mutant(
        "lost-connection-taken-for-the-end",
        f"{WORKER}/providers/sql/postgresql.py",
        "if known in words), Trouble.LOST)",
        "if known in words), Trouble.OTHER)",
        (f"{RUNS}::test_a_database_that_drops_the_connection_at_row_40000_is_asked_again",),
    ),
)
