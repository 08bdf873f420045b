"""Runs that somebody waits for: how far they are, and with which exit code they end."""

import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .errors import CANCELLED, DENIED, DONE, FAILED, TIME_UP, WAITING, WITH_ERRORS

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
CODES = {
    "succeeded": DONE,
    "previewed": DONE,
    "succeeded_with_errors": WITH_ERRORS,
    "failed": FAILED,
    "denied": DENIED,
    "cancelled": CANCELLED,
}


def follow(client: "Client", document: dict[str, Any], timeout: float | None) -> dict[str, Any]:
    """The run when it has finished, or as it is when the time is up; a progress bar for a terminal."""
    from rich.console import Console  # loads slowly, and most commands wait for nothing
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
    deadline = None if timeout is None else time.monotonic() + timeout
    silent = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=silent) as bar:
        task = bar.add_task("", count="")
        while document["state"] != "finished" and (deadline is None or time.monotonic() < deadline):
            done, planned = applied_of(document)
            bar.update(task, total=planned, completed=done, count=f"{done} of {planned}" if planned else "")
            bar.update(task, description=f"{document['job']}: {document['state'].replace('_', ' ')}")
            time.sleep(POLL_SECONDS)
            document = client.get("runs", document["id"])
    return document


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
    run_id = document["id"]
    if document["state"] == "awaiting_approval":
        return f"run {run_id} waits for approval; see `placet request show {document['request']}`"
    if document["state"] != "finished":
        return f"run {run_id} is still {document['state']}; follow it with `placet run watch {run_id}`"
    if document["outcome"] == "succeeded_with_errors":
        return f"run {run_id} finished with errors in records; see `placet run changes {run_id}`"
    return f"run {run_id} {document['outcome']}" + (f": {document['reason']}" if document["reason"] else "")
