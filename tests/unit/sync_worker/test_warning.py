"""What an approver is told beside the changes."""

from placet_shared.objects import Job
from placet_sync_worker.planning.warning import Findings, warnings_of

JOB = Job.model_validate(
    {
        "name": "people", "source": {"provider": "hr"}, "destination": {"provider": "corp"},
        "key": [{"source": "id", "destination": "uid"}], "fields": [{"to": "sn", "from": "sn"}], "extra": "delete",
    }
)  # fmt: skip

REKEYED = (
    "2 records with another key than before, but the name and the values of a linked entry, will take it over"
    " (7 → 12, 8 → 13): see that they are the same people"
)


def test_nothing_special_is_nothing_to_say() -> None:
    assert warnings_of(JOB, Findings()) == ()


def test_each_finding_is_one_sentence() -> None:
    findings = Findings(["line 2"], (3, "a1"), [("7", "12"), ("8", "13")], ["cn=x"], [str(n) for n in range(7)])
    assert warnings_of(JOB, findings) == (
        "no key can be read of 1 record (line 2): nothing is removed",
        "keys match only when case, spaces and accents are folded: a1 and 2 more",
        REKEYED,
        "left alone, since protected: cn=x",
        "the source has no record with the key 0, 1, 2, 3, 4 and 2 more",
    )


def test_unreadable_keys_matter_to_removals_alone() -> None:
    assert warnings_of(JOB.model_copy(update={"extra": "skip"}), Findings(["line 2"])) == ()
