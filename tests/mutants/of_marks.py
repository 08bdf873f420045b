"""Broken rules of `mode: changed`: no record that changed is passed by for ever."""

from tests.mutants.mutant import Mutant

WORKER = "services/sync-worker/src/placet_sync_worker"
UNIT = "tests/unit/sync_worker/test_stamps.py"
PLANNING = "tests/integration/sync_worker/test_planning_changed.py"
RUNS = "tests/integration/sync_worker/test_changed.py"

OF_MARKS = (
    Mutant(
        "mark-past-the-clock",
        f"{WORKER}/stamps.py",
        "at = min(self._moment(newest), self.clock) - overlap",
        "at = self._moment(newest) - overlap",
        (f"{RUNS}::test_a_stamp_from_the_future_does_not_end_it_all",),
    ),
    Mutant(
        "overlap-dropped",
        f"{WORKER}/stamps.py",
        "at = min(self._moment(newest), self.clock) - overlap",
        "at = min(self._moment(newest), self.clock)",
        (f"{RUNS}::test_what_is_committed_later_than_it_was_stamped_is_read",),
    ),
    Mutant(
        "clock-that-went-back-forgotten",
        f"{WORKER}/stamps.py",
        "for one in (at, at.astimezone(self.clock.tzinfo))",
        "for one in (at,)",
        (f"{UNIT}::test_where_clocks_went_back_or_forward_the_earlier_reading_counts",),
    ),
    Mutant(
        "mark-past-a-record-without-a-key",
        f"{WORKER}/planning/progress.py",
        "for one in (self.newest, self.held) if",
        "for one in (self.newest,) if",
        (f"{RUNS}::test_records_without_a_readable_key_hold_the_mark",),
    ),
    Mutant(
        "mark-past-a-row-that-could-not-be-read",
        f"{WORKER}/planning/records.py",
        "self.progress.stuck = True",
        "pass",
        (f"{PLANNING}::test_the_mark_does_not_pass_what_cannot_be_asked_for_by_key",),
    ),
    Mutant(
        "mark-moved-by-a-run-that-ended-early",
        f"{WORKER}/life.py",
        "            if run.ending is None:\n                await marks.move",
        "            if True:\n                await marks.move",
        (f"{RUNS}::test_the_mark_stays_unless_a_run_succeeds",),
    ),
    Mutant(
        "mark-moved-by-a-run-of-single-records",
        f"{WORKER}/planning/making.py",
        "or order.preview or order.records:",
        "or order.preview:",
        (f"{RUNS}::test_the_mark_stays_unless_a_run_succeeds",),
    ),
    Mutant(
        "mark-of-another-mapping-trusted",
        f"{WORKER}/planning/progress.py",
        'NOT_OF_JOB = {"overlap"',
        'NOT_OF_JOB = {"fields_", "overlap"',
        (f"{RUNS}::test_another_mapping_query_or_key_reads_everything_again",),
    ),
    Mutant(
        "failed-keys-forgotten",
        f"{WORKER}/store/marks.py",
        "keys = union(refused, failed)",
        "keys = union(refused, refused)",
        (f"{RUNS}::test_a_conflict_is_tried_again_by_the_next_run",),
    ),
    Mutant(
        "older-record-of-the-same-key-not-read",
        f"{WORKER}/planning/finding.py",
        "if window is not None and (rest :=",
        "if window is None and (rest :=",
        (f"{PLANNING}::test_a_record_that_shares_its_key_with_an_older_one_is_not_preferred",),
    ),
    Mutant(
        "names-of-entries-that-were-not-read-taken",
        f"{WORKER}/planning/claiming.py",
        "        for page in destination.look_up([], None, keys=self._names[NAME]):",
        "        for page in ():",
        (f"{PLANNING}::test_a_name_that_an_entry_has_which_nobody_asked_about_is_seen",),
    ),
)
