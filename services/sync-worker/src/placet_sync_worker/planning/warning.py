"""What an approver should know about a plan besides its changes. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from placet_shared.objects import Job

SHOWN = 5


@dataclass(frozen=True)
class Findings:
    """What was noticed while a plan was made."""

    unreadable: Sequence[str] = ()
    """Where the records stand whose keys cannot be read."""
    folded: tuple[int, str] = (0, "")
    """How many keys match only when they are folded, and one of them."""
    pointed: Sequence[tuple[str, str]] = ()
    """(key, the same without its point) of new records, where the other key is there, too."""
    rekeyed: Sequence[tuple[str, str]] = ()
    """(old key, new key) of records that are taken for linked entries."""
    relinked: Sequence[tuple[str, str]] = ()
    """(key, the entry's key by now) of records whose linked entries were given other keys."""
    protected: Sequence[str] = ()
    in_the_way: Sequence[str] = ()
    """Entries that are to go while new records want their names."""
    unstamped: int = 0
    """Records without a time stamp, where all were read."""
    unstamped_come: bool = False
    """Whether each run reads these again."""
    shared: Sequence[str] = ()
    """Entries that are to go and that other jobs are linked to as well."""
    unfollowed: Sequence[str] = ()
    """Entries whose values name what is renamed, and stay: they are renamed with a unit and changed besides."""
    not_found: Sequence[str] = ()
    """Keys that the run was asked for, and the source does not have."""


def checks_of(findings: Findings) -> tuple[str, ...]:
    """Why a person should look at the plan, whatever its workflow: somebody may be taken for somebody else."""
    return tuple(_checks(findings))


def _checks(findings: Findings) -> Iterator[str]:
    if findings.rekeyed:
        pairs = _some([f"{was} → {key}" for was, key in findings.rekeyed])
        yield (
            f"{_records(findings.rekeyed)} with another key than before, but the name and the values of a linked entry,"
            f" will take it over ({pairs}): see that they are the same people"
        )
    if findings.relinked:
        pairs = _some([f"{key}: {now}" for key, now in findings.relinked])
        yield (
            f"the linked entries of {_records(findings.relinked)} have other keys by now ({pairs}):"
            " see that they were not given to other people"
        )
    if findings.in_the_way:
        yield (
            f"new records want the names of entries that are to go ({_some(findings.in_the_way)}):"
            " see whether they are the same people under other keys"
        )
    if findings.shared:
        yield (
            f"other jobs manage entries that are to go, too ({_some(findings.shared)}):"
            " see that no record of theirs stands for them"
        )


def warnings_of(job: Job, findings: Findings) -> tuple[str, ...]:
    """One sentence each."""
    return tuple(_warnings(job, findings))


def _warnings(job: Job, findings: Findings) -> Iterator[str]:
    if findings.unreadable and job.extra != "skip":
        where = _some(findings.unreadable)
        yield f"no key can be read of {_records(findings.unreadable)} ({where}): nothing is removed"
    if findings.unreadable and job.mode == "changed":
        where = _some(findings.unreadable)
        yield f"no key can be read of {_records(findings.unreadable)} ({where}): the next run reads on before them"
    if findings.unstamped:
        when = "when they get one, and by runs that read everything (`placet job run --all`)"
        yield (
            f"{findings.unstamped} of the records have no {job.time_stamp}: they are read again"
            f" {'by each run' if findings.unstamped_come else when}"
        )
    count, example = findings.folded
    if count:
        yield f"keys match only when case, spaces and accents are folded: {example}" + _more(count - 1)
    if findings.pointed:
        pairs = _some([f"{key}: {other}" for key, other in findings.pointed])
        yield (
            f"keys of new records differ from others by .0 alone ({pairs}): if they are the same people, take it off in"
            " the source or its query"
        )
    if findings.protected:
        yield f"left alone, since protected: {_some(findings.protected)}"
    if findings.unfollowed:
        yield (
            f"the run renames what {_some(findings.unfollowed)} stands below, and changes it besides: its values that"
            " name renamed entries are not changed; mend them by a run of the job that owns them"
        )
    if findings.not_found:
        yield f"the source has no record with the key {_some(findings.not_found)}"


def _records(found: Sequence[object]) -> str:
    return "1 record" if len(found) == 1 else f"{len(found)} records"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + _more(len(names) - SHOWN)


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
