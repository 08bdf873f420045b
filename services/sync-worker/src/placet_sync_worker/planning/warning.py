"""What an approver should know about a plan besides its changes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from placet_shared.objects import Job

SHOWN = 5


@dataclass(frozen=True)
class Findings:
    """What was noticed while a plan was made."""

    unreadable: Sequence[str] = ()
    folded: tuple[int, str] = (0, "")
    rekeyed: Sequence[tuple[str, str]] = ()
    protected: Sequence[str] = ()
    not_found: Sequence[str] = ()


def warnings_of(job: Job, findings: Findings) -> tuple[str, ...]:
    """One sentence each."""
    return tuple(_warnings(job, findings))


def _warnings(job: Job, findings: Findings) -> Sequence[str]:
    found = []
    if findings.unreadable and job.extra != "skip":
        where = _some(findings.unreadable)
        found.append(f"the keys of {len(findings.unreadable)} records cannot be read ({where}): nothing is removed")
    if findings.folded[0]:
        count, example = findings.folded
        found.append(
            f"{count} records match their entries only when case, spaces and accents are folded, such as {example}"
        )
    if findings.rekeyed:
        pairs = _some([f"{was} → {key}" for was, key in findings.rekeyed])
        found.append(
            f"{len(findings.rekeyed)} linked entries are taken over by records of the same name and values with another"
            f" key ({pairs}): see that they are the same people"
        )
    if findings.protected:
        found.append(f"{len(findings.protected)} protected entries are left alone: {_some(findings.protected)}")
    if findings.not_found:
        found.append(f"the source has no record with the key {_some(findings.not_found)}")
    return found


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
