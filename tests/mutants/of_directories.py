"""Rules of reading and writing directories of either kind, by either driver."""

from tests.mutants.mutant import Mutant

PROVIDERS = "services/sync-worker/src/placet_sync_worker/providers"
UNIT = "tests/unit/sync_worker"
DOMAIN = "tests/integration/sync_worker/test_active_directory.py"
DIRECTORY = "tests/contract/directory/test_directory.py"
LDAP = "tests/integration/sync_worker/test_ldap.py"

REFERENCES = "tests/contract/directory/test_references.py"
REFERRERS = "tests/contract/directory/test_referrers.py"

OF_DIRECTORIES = (
    Mutant(
        "reference-written-under-its-planned-name",
        "services/sync-worker/src/placet_sync_worker/applying/referring.py",
        'name = places.get(_id_of(reference, task) or "")',
        "name = reference.dn",
        (f"{REFERENCES}::test_a_manager_who_was_renamed_by_hand_after_the_plan_is_still_meant",),
    ),
    Mutant(
        "membership-lost-though-nobody-was-deleted",
        "services/sync-worker/src/placet_sync_worker/applying/referring.py",
        "known[v].id in places)",
        "False)",
        (f"{REFERENCES}::test_who_was_not_deleted_stays_a_member",),
    ),
    Mutant(
        "last-member-deleted",
        "services/sync-worker/src/placet_sync_worker/planning/referring.py",
        "if name in needed:",
        "if False:",
        (f"{REFERENCES}::test_the_last_member_of_a_group_that_needs_one_is_not_deleted",),
    ),
    Mutant(
        "new-entry-keeps-an-old-name",
        "services/sync-worker/src/placet_sync_worker/planning/referrers.py",
        "if name not in made_with or a.before]",
        "if name not in made_with]",
        (f"{REFERRERS}::test_a_new_entry_that_needs_who_is_moved_away_gets_the_new_name_when_that_is_one",),
    ),
    Mutant(
        "what-is-below-a-renamed-unit-not-followed",
        "services/sync-worker/src/placet_sync_worker/planning/leaving.py",
        "if holding else []\n        self.following",
        "if False else []\n        self.following",
        (f"{REFERRERS}::test_what_names_others_below_a_unit_follows_when_that_is_renamed",),
    ),
    Mutant(
        "one-of-several-matches-taken",
        "services/sync-worker/src/placet_sync_worker/planning/resolving.py",
        "HAVING count(*) > 1",
        "HAVING count(*) > 2",
        (f"{REFERENCES}::test_who_refers_to_nobody_or_to_several_is_rejected_and_so_is_who_refers_to_that_record",),
    ),
    Mutant(
        "parts-of-values-taken-for-all",
        f"{PROVIDERS}/active_directory/directory.py",
        "while last is not None:",
        "while False:",
        (f"{UNIT}/test_ad_directory.py::test_values_that_come_in_parts_are_put_together",),
    ),
    Mutant(
        "values-of-two-versions-put-together",
        f"{PROVIDERS}/active_directory/directory.py",
        "if VERSION in entry.attributes and part",
        "if False and part",
        (f"{UNIT}/test_ad_directory.py::test_what_somebody_writes_to_meanwhile_is_read_again",),
    ),
    Mutant(
        "administrators-not-protected",
        f"{PROVIDERS}/active_directory/protected.py",
        'MARKED = "(|(adminCount=1)(isCriticalSystemObject=TRUE))"',
        'MARKED = "(isCriticalSystemObject=TRUE)"',
        (f"{DOMAIN}::test_protected_entries_are_neither_changed_nor_removed",),
    ),
    Mutant(
        "protection-not-looked-at-again",
        "services/sync-worker/src/placet_sync_worker/applying/directory.py",
        "if self.store.guarded(seen[0].values):",
        "if False:",
        (f"{DOMAIN}::test_what_became_protected_or_taken_since_the_plan_is_not_written",),
    ),
    Mutant(
        "unique-values-not-searched-before-creates",
        "services/sync-worker/src/placet_sync_worker/applying/directory.py",
        "held = {} if look_only else",
        "held = {} if True else",
        ("tests/contract/directory/test_writer.py::test_unique_values_are_searched_in_the_whole_store_before_creates",),
    ),
    Mutant(
        "new-account-enabled-without-a-word",
        f"{PROVIDERS}/active_directory/provider.py",
        'flags.setdefault(ACCOUNT_FLAGS["ACCOUNTDISABLE"], True)',
        "pass",
        (f"{DOMAIN}::test_a_new_account_may_be_made_in_steps",),
    ),
    Mutant(
        "bits-of-others-lost",
        f"{PROVIDERS}/active_directory/provider.py",
        "int(there[0]) if there else 0",
        "0x200",
        (f"{DOMAIN}::test_bits_that_somebody_else_sets_meanwhile_stay",),
    ),
    Mutant(
        "restored-domain-controller-taken-for-the-same",
        f"{PROVIDERS}/active_directory/controller.py",
        'return f"{self.dns_name} ({self.service}, invocationId {self.invocation})"',
        'return f"{self.dns_name} ({self.service})"',
        (f"{DOMAIN}::test_a_plan_is_for_one_domain_controller",),
    ),
    Mutant(
        "mark-of-another-domain-controller-trusted",
        f"{PROVIDERS}/active_directory/window.py",
        "if invocation != self.invocation or not usn.isdecimal():",
        "if not usn.isdecimal():",
        (f"{UNIT}/test_ad_schema.py::test_changes_are_asked_for_by_the_numbers_of_one_database_state",),
    ),
    Mutant(
        "hidden-attributes-taken-for-absent",
        f"{PROVIDERS}/ldap/rights.py",
        "if codes[name] == NO_RIGHT != codes[ALWAYS_READ]]",
        "if False]",
        ("tests/contract/directory/test_hidden.py::test_what_is_hidden_is_told_from_what_is_absent",),
    ),
    Mutant(
        "part-that-is-kept-elsewhere-left-out",
        f"{PROVIDERS}/ldap/libldap_directory.py",
        "if any(dn is None for dn, _ in found):",
        "if False:",
        (f"{LDAP}::test_a_part_that_is_kept_elsewhere_fails_the_read",),
    ),
    Mutant(
        "woken-after-the-lease-and-sends",
        f"{PROVIDERS}/ldap/channel.py",
        "if deadline is not None and boot_seconds() >= deadline:",
        "if False:",
        (f"{DIRECTORY}::test_nothing_leaves_a_process_that_slept_over_the_deadline",),
    ),
    Mutant(
        "woken-after-the-lease-and-sends-by-libldap",
        f"{PROVIDERS}/ldap/libldap_channel.py",
        "if boot_seconds() >= deadline:",
        "if False:",
        (f"{DIRECTORY}::test_nothing_leaves_a_process_that_slept_over_the_deadline",),
    ),
)
