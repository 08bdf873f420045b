"""What an approver is told beside the changes."""

from placet_shared.objects import Job
from placet_sync_worker.planning.warning import Findings, checks_of, warnings_of

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

RELINKED = (
    "the linked entries of 1 record have other keys by now (5: left-5): see that they were not given to other people"
)
SHARED = "other jobs manage entries that are to go, too (cn=Bob): see that no record of theirs stands for them"
IN_THE_WAY = (
    "new records want the names of entries that are to go (cn=Ann,dc=x):"
    " see whether they are the same people under other keys"
)


def test_nothing_special_is_nothing_to_say() -> None:
    assert warnings_of(JOB, Findings()) == ()


def test_each_finding_is_one_sentence() -> None:
    pointed = [("1.0", "1"), ("2.00", "2")]
    findings = Findings(["line 2"], (3, "a1"), pointed, protected=["cn=x"], not_found=[str(n) for n in range(7)])
    assert warnings_of(JOB, findings) == (
        "no key can be read of 1 record (line 2): nothing is removed",
        "keys match only when case, spaces and accents are folded: a1 and 2 more",
        (
            "keys of new records differ from others by .0 alone (1.0: 1, 2.00: 2): if they are the same people, take it"
            " off in the source or its query"
        ),
        "left alone, since protected: cn=x",
        "the source has no record with the key 0, 1, 2, 3, 4 and 2 more",
    )


def test_whoever_may_be_taken_for_somebody_else_is_for_a_person_to_look_at() -> None:
    findings = Findings(
        rekeyed=[("7", "12"), ("8", "13")],
        relinked=[("5", "left-5")],
        in_the_way=["cn=Ann,dc=x"],
        shared=["cn=Bob"],
        protected=["cn=x"],
    )
    assert checks_of(findings) == (
        REKEYED,
        RELINKED,
        IN_THE_WAY,
        SHARED,
    )
    assert checks_of(Findings(["line 2"], protected=["cn=x"])) == ()


def test_unreadable_keys_matter_to_removals_alone() -> None:
    assert warnings_of(JOB.model_copy(update={"extra": "skip"}), Findings(["line 2"])) == ()
