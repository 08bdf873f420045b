"""What mails say, in words and numbers: pure. The templates only lay it out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from placet_shared.events import ApprovalRequested, Counts, RunFinished

LONGEST_SUBJECT = 200
OPERATIONS = {"create": "created", "update": "updated", "move": "moved", "disable": "disabled", "delete": "deleted"}
"""Operations in the order of their phases, and what they are called when they are done."""

NOT_WRITTEN = {"failed": "failed", "conflict": "in conflict", "uncertain": "uncertain"}
LEFT_OUT = {"skipped": "skipped", "expired": "expired"}
OUTCOMES: Mapping[str, tuple[str, str]] = {
    "succeeded": ("good", "is done"),
    "succeeded_with_errors": ("fair", "is done, with errors"),
    "failed": ("bad", "failed"),
    "denied": ("still", "was denied"),
    "cancelled": ("still", "was cancelled"),
}


@dataclass(frozen=True)
class Number:
    """A line of a table, such as 300 created."""

    count: int
    word: str

    def __str__(self) -> str:
        return f"{self.count} {self.word}"


@dataclass(frozen=True)
class Command:
    """A command, and what it does."""

    purpose: str
    line: str


@dataclass(frozen=True)
class Report:
    """The mail about a finished run. `tone` is good, fair, bad or still; `lead` stands where there are no numbers."""

    subject: str
    tone: str
    title: str
    summary: str
    numbers: str
    lead: str | None
    reason: str | None
    written: tuple[Number, ...]
    missing: tuple[Number, ...]
    problems: tuple[str, ...]
    more_problems: int
    commands: tuple[Command, ...]
    footer: str


@dataclass(frozen=True)
class Question:
    """The mail to an approver. `rejected` is None where every record could be planned."""

    subject: str
    title: str
    summary: str
    until: str
    need: str
    planned: tuple[Number, ...]
    reasons: tuple[str, ...]
    approve: Command
    deny: Command
    look: Command
    rejected: Command | None
    footer: str


def report_of(event: RunFinished) -> Report:
    """What is said about a finished run."""
    tone, verb = OUTCOMES.get(event.outcome, ("still", event.outcome))
    bad = missing(event)
    problems = tuple(one_line(problem) for problem in event.problems)
    started = {
        "manual": f"Asked for by {event.requested_by}",
        "schedule": "Started by its schedule",
        "event": "Started by an event",
    }.get(event.trigger, "Started")
    return Report(
        subject=report_subject(event),
        tone=tone,
        title=one_line(f"Job {event.job} {verb}"),
        summary=summary(event),
        numbers=_listed((*written(event), *bad)),
        lead=_lead(event),
        reason=one_line(event.reason, 500) if event.reason else None,
        written=written(event),
        missing=bad,
        problems=problems,
        more_problems=max(0, sum(number.count for number in bad) - len(problems)) if problems else 0,
        commands=_commands(event),
        footer=one_line(f"{started} on {moment(event.requested_at)}; ended on {moment(event.finished_at)}."),
    )


def question_of(event: ApprovalRequested) -> Question:
    """What an approver is asked."""
    planned, rejected = _planned(event.counts), event.counts.rejected
    need = "all approvers" if event.need == "all" else "one approver" if event.need == 1 else f"{event.need} approvers"
    asker = {"schedule": "Its schedule", "event": "An event"}.get(event.requested_by, event.requested_by)
    return Question(
        subject=_subject(event.job, f"approval needed, {_listed(planned)}"),
        title=one_line(f"Job {event.job} waits for your approval"),
        summary=one_line(f"{asker} asked for this run. Nothing is changed unless it is approved."),
        until=moment(event.expires_at),
        need=need,
        planned=planned,
        reasons=tuple(one_line(reason) for reason in event.reasons),
        approve=Command("Approve", f"placet request approve {event.request_id}"),
        deny=Command("Deny, and say why", f'placet request deny {event.request_id} --comment "…"'),
        look=Command("See every change first", f"placet run changes {event.run_id}"),
        rejected=_rejected(event.run_id, rejected) if rejected else None,
        footer=one_line(
            f"You are asked because you are among the approvers of job {event.job}. Plan {event.digest[:19]}."
        ),
    )


def _rejected(run_id: str, count: int) -> Command:
    records = "1 record was rejected and changes" if count == 1 else f"{count} records were rejected and change"
    return Command(f"{records} nothing; see why", f"placet run changes {run_id} --result rejected")


def report_subject(event: RunFinished) -> str:
    """As in `[Placet] people: 300 created, 2 failed`: what was written by operation, then what went wrong."""
    return _subject(event.job, summary(event))


def summary(event: RunFinished) -> str:
    """A run in one line. Its outcome comes first where that is not plain from the numbers."""
    done, bad = written(event), missing(event)
    if event.outcome in ("succeeded", "succeeded_with_errors"):
        return _listed((*done, *bad)) or "nothing to change"
    return f"{event.outcome}; {_listed((*done, *bad))}" if done else event.outcome


def written(event: RunFinished) -> tuple[Number, ...]:
    """What was written. Changes whose operation nobody told are applied, all in one."""
    by_operation = _numbers((event.applied.get(name, 0), word) for name, word in OPERATIONS.items())
    rest = event.results.written - sum(number.count for number in by_operation)
    return (*by_operation, *_numbers([(rest, "applied")]))


def missing(event: RunFinished) -> tuple[Number, ...]:
    """What was planned, or should have been, and was not written."""
    results, rejected = event.results.model_dump(), (event.counts or Counts()).rejected
    failed = [(results[name], word) for name, word in NOT_WRITTEN.items()]
    left_out = [(results[name], word) for name, word in LEFT_OUT.items()]
    return _numbers([*failed, (rejected, "rejected"), *left_out])


def moment(time: datetime) -> str:
    """`23 Nov 2026, 14:05 UTC`."""
    return f"{time.day} {time:%b %Y, %H:%M} UTC"


def one_line(text: str, longest: int = 300) -> str:
    """Text of others as it may stand in one line: nothing in it can look like a line of ours."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def _lead(event: RunFinished) -> str | None:
    if event.outcome in ("succeeded", "succeeded_with_errors"):
        quiet = not written(event) and not missing(event)
        return "Both sides agree: there was nothing to change." if quiet else None
    if any(event.results.model_dump().values()):
        return None
    planned = _listed(_planned(event.counts or Counts()))
    return "Nothing was changed." + (f" It was planned: {planned}." if planned else "")


def _planned(counts: Counts) -> tuple[Number, ...]:
    found = counts.model_dump()
    return _numbers((found[operation], f"to {operation}") for operation in OPERATIONS)


def _commands(event: RunFinished) -> tuple[Command, ...]:
    show = Command("See the run", f"placet run show {event.run_id}")
    results = event.results.model_dump() | {"rejected": (event.counts or Counts()).rejected}
    bad = [name for name in ("failed", "conflict", "uncertain", "rejected") if results[name]]
    lists = [
        Command(f"Every change that {word}", f"placet run changes {event.run_id} --result {name}")
        for name in bad[:2]
        for word in [_THAT[name]]
    ]
    return (show, *lists)


_THAT = {
    "failed": "failed",
    "conflict": "is in conflict",
    "uncertain": "is uncertain",
    "rejected": "was rejected",
}


def _subject(job: str, text: str) -> str:
    return one_line(f"[Placet] {job}: {text}", LONGEST_SUBJECT)


def _numbers(pairs: Iterable[tuple[int, str]]) -> tuple[Number, ...]:
    return tuple(Number(count, word) for count, word in pairs if count > 0)


def _listed(numbers: Sequence[Number]) -> str:
    return ", ".join(map(str, numbers))
