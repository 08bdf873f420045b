"""Runs that somebody waits for: how far they are, and with which exit code they end."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .errors import CANCELLED, DENIED, DONE, FAILED, INTERRUPTED, TIME_UP, WAITING, WITH_ERRORS, CommandError

if TYPE_CHECKING:
    from .client import Client

POLL_SECONDS = 0.3


class Operation(StrEnum):
    """What a change does to an entry."""

    CREATE = "create"
    UPDATE = "update"
    MOVE = "move"
    DISABLE = "disable"
    DELETE = "delete"


class RunState(StrEnum):
    """How far a run has come."""

    REQUESTED = "requested"
    PLANNING = "planning"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    APPLYING = "applying"
    FINISHED = "finished"


class Result(StrEnum):
    """What came of a change; rejected records have no change."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    CONFLICT = "conflict"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    REJECTED = "rejected"


OPERATIONS = tuple(Operation)
WRONG = tuple(result for result in Result if result not in (Result.APPLIED, Result.ALREADY_APPLIED))
CODES = {
    "succeeded": DONE,
    "previewed": DONE,
    "succeeded_with_errors": WITH_ERRORS,
    "failed": FAILED,
    "denied": DENIED,
    "cancelled": CANCELLED,
}


def follow(client: "Client", document: dict[str, Any], timeout: float | None) -> dict[str, Any]:
    """The run when it has finished, or as it is when the time is up. Standard error says which run it is and when it
    waits for people; a terminal has a progress bar. Raises CommandError, with the run, when somebody interrupts."""
    from rich.console import Console  # loads slowly, and most commands wait for nothing
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
    deadline = None if timeout is None else time.monotonic() + timeout
    lines = _news(client)
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", count="")
        try:
            while document["state"] != "finished" and (deadline is None or time.monotonic() < deadline):
                for line in lines(document):
                    bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
                done, planned = applied_of(document)
                bar.update(task, total=planned, completed=done, count=f"{done} of {planned}" if planned else "")
                bar.update(task, description=f"{document['job']}: {document['state'].replace('_', ' ')}")
                time.sleep(POLL_SECONDS)
                document = client.get("runs", document["id"])
        except KeyboardInterrupt as error:
            raise CommandError(goes_on(document["id"]), INTERRUPTED, document) from error
    return document


def goes_on(run_id: str) -> str:
    """What is said to who stops waiting: the run does not stop."""
    return f"run {run_id} goes on; see `placet run watch {run_id}`, or end it with `placet run cancel {run_id}`"


def _news(client: "Client") -> Callable[[Mapping[str, Any]], Iterator[str]]:
    """Gives the lines about a run that were not given yet: which one it is, and when it waits for people, for whom."""
    told = set[str]()

    def lines(document: Mapping[str, Any]) -> Iterator[str]:
        if not told:
            yield f"run {document['id']} of job {document['job']}"
        if document["state"] == "awaiting_approval" and document["state"] not in told:
            yield _waits(client, document)
        told.add(document["state"])

    return lines


def _waits(client: "Client", document: Mapping[str, Any]) -> str:
    said = f"it waits for approval; see `placet request show {document['request']}`"
    try:
        request = client.get("requests", document["request"])
    except CommandError:
        return said
    return f"{said}; who can approve: {', '.join(who_can(request)) or 'nobody'}"


def who_can(request: Mapping[str, Any]) -> list[str]:
    """Who can approve a request now; its approvers as the workflow names them where that is not known."""
    can = request.get("can_approve")
    return list(request["approvers"] if can is None else can)


def applied_of(document: Mapping[str, Any]) -> tuple[int, int | None]:
    """How many changes have a result, of how many; None while none are being applied."""
    if document["state"] != "applying" or not document["plan"]:
        return 0, None
    return sum(document["results"].values()), sum(document["plan"][op] for op in OPERATIONS)


def exit_code(document: Mapping[str, Any]) -> int:
    """The interface's exit code for a run that was waited for."""
    if document["state"] == "finished":
        return CODES[document["outcome"]]
    return WAITING if document["state"] == "awaiting_approval" else TIME_UP


def why(document: Mapping[str, Any]) -> str:
    """One sentence about a run that is not simply done."""
    run_id, outcome, reason = document["id"], document["outcome"], document["reason"]
    if document["state"] == "awaiting_approval":
        return f"run {run_id} waits for approval; see `placet request show {document['request']}`"
    if document["state"] != "finished":
        return f"run {run_id} is still {document['state']}; follow it with `placet run watch {run_id}`"
    if outcome == "succeeded_with_errors":
        wrong = went_wrong(document)
        lists = " and ".join(f"`{list_of(run_id, result)}`" for result in wrong) or f"`placet run changes {run_id}`"
        counts = ", ".join(f"{count} {result}" for result, count in wrong.items())
        return f"run {run_id} finished with errors in records" + (f", {counts}" if counts else "") + f"; see {lists}"
    if reason and reason.startswith(outcome):  # as in `denied by bob: not now`
        return f"run {run_id}: {reason}"
    return f"run {run_id} {outcome}" + (f": {reason}" if reason else "")


def went_wrong(document: Mapping[str, Any]) -> dict[str, int]:
    """How many records ended badly, by result; those that could not be planned are `rejected`."""
    counts = {**(document["results"] or {}), "rejected": (document["plan"] or {}).get("rejected", 0)}
    return {result: counts[result] for result in WRONG if counts.get(result)}


def list_of(run_id: str, result: str) -> str:
    """The command that lists the records of a run that ended so."""
    return f"placet run changes {run_id} --result {result}"
