"""`placet job run` and the noun `run`: ask for runs, follow them, read what they did."""

import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from ..client import Client
from ..context import OutputOption, TokenOption, UrlOption, command, connect
from ..errors import CANCELLED, DENIED, DONE, FAILED, TIME_UP, WAITING, WITH_ERRORS, CommandError
from ..output import Form, fields, show, table
from .objects import job

run = typer.Typer(no_args_is_help=True, help="What happened, and what waits.")

CODES = {"succeeded": DONE, "previewed": DONE, "succeeded_with_errors": WITH_ERRORS, "failed": FAILED, "denied": DENIED,
         "cancelled": CANCELLED}  # fmt: skip
POLL_SECONDS = 0.3


@job.command("run")
@command
def run_job(
    name: str,
    preview: Annotated[bool, typer.Option("--preview", help="Plan only: say what would happen.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")] = False,
    record: Annotated[list[str] | None, typer.Option("--record", help="A key; for previews.")] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds to wait at most.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Asks for a run of a job."""
    client = connect(url, token)
    asked = client.post("/runs", {"job": name, "preview": preview, "records": record or []})
    _finish(client, asked, output, timeout, wait=wait)


@run.command("watch")
@command
def watch(
    run_id: str,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds to wait at most.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Follows a run to its end."""
    client = connect(url, token)
    _finish(client, client.get(f"/runs/{run_id}"), output, timeout, wait=True)


def _finish(client: Client, document: dict[str, Any], form: Form, timeout: float | None, *, wait: bool) -> None:
    if wait:
        document = follow(client, document, timeout)
    code = exit_code(document) if wait else DONE
    if code == DONE or form is Form.TABLE:
        show(document, form, people(document))
    if code != DONE:
        raise CommandError(why(document), code, document)


def follow(client: Client, document: dict[str, Any], timeout: float | None) -> dict[str, Any]:
    """The run when it has finished, or as it is when the time is up."""
    deadline = None if timeout is None else time.monotonic() + timeout
    with Console(stderr=True).status("") as line:
        while document["state"] != "finished" and (deadline is None or time.monotonic() < deadline):
            line.update(_progress(document))
            time.sleep(POLL_SECONDS)
            document = client.get(f"/runs/{document['id']}")
    return document


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


def _progress(document: Mapping[str, Any]) -> str:
    words = f"{document['job']}: {document['state'].replace('_', ' ')}"
    if document["state"] != "applying" or not document["plan"]:
        return words
    planned = sum(document["plan"][op] for op in ("create", "update", "move", "disable", "delete"))
    return f"{words}, {sum(document['results'].values())} of {planned} changes"


def people(document: Mapping[str, Any]) -> Callable[[Console], None]:
    """A run for people: its state, the plan's counts, the results."""
    plan, results = document["plan"] or {}, document["results"]
    counted = {name: value for name, value in plan.items() if isinstance(value, int) and value}
    shown = {
        "run": document["id"],
        "job": document["job"],
        "state": document["outcome"] or document["state"].replace("_", " "),
        "reason": document["reason"],
        "asked by": f"{document['requested_by']} ({document['trigger']})",
        "request": document["request"],
        "plan": counted or ("nothing to change" if plan else None),
        "warnings": plan.get("warnings"),
        "results": {name: value for name, value in results.items() if value} or None,
    }
    return fields({name: value for name, value in shown.items() if value})


@run.command("list")
@command
def list_runs(
    job: Annotated[str | None, typer.Option("--job")] = None,
    state: Annotated[str | None, typer.Option("--state")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Runs, the newest first."""
    found = list(connect(url, token).items("/runs", job=job, state=state))
    rows = [{**one, "state": one["outcome"] or one["state"]} for one in found]
    columns = ("id", "job", "state", "trigger", "requested_by", "requested_at")
    show({"items": found, "next": None}, output, table(rows, columns, "nothing has run yet"))


@run.command("show")
@command
def show_run(run_id: str, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE) -> None:
    """One run."""
    found = connect(url, token).get(f"/runs/{run_id}")
    show(found, output, people(found))


@run.command("cancel")
@command
def cancel(run_id: str, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE) -> None:
    """Ends a run; what it has written stays."""
    found = connect(url, token).post(f"/runs/{run_id}/cancel")
    show(found, output, people(found))


@run.command("changes")
@command
def changes(
    run_id: str,
    op: Annotated[str | None, typer.Option("--op", help="create, update, move, disable or delete.")] = None,
    result: Annotated[str | None, typer.Option("--result", help="applied, conflict, failed, rejected, …")] = None,
    key: Annotated[str | None, typer.Option("--key")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Else the whole list.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """The plan with its results, change by change, attribute by attribute."""
    client, path, asked = connect(url, token), f"/runs/{run_id}/changes", {"op": op, "result": result, "key": key}
    if limit is not None and limit <= 500:
        page = client.get(path, limit=limit, **asked)
    else:
        page = {"items": list(client.items(path, **asked))[:limit], "next": None}
    show(page, output, lambda console: print_changes(console, page["items"]))


def print_changes(console: Console, items: list[dict[str, Any]]) -> None:
    """Changes for people: a line each, an indented line for each attribute."""
    if not items:
        console.print("no changes", style="dim")
    for one in items:
        name = one["dn"] or one.get("record") or ""
        outcome = f"  → {one['result']}" if one["result"] else ""
        console.print(f"{one['op'] or 'rejected':<8} {one['key'] or '?'}  {name}{outcome}", markup=False)
        if one["reason"]:
            console.print(f"           {one['reason']}", markup=False)
        for attribute in one["attributes"]:
            console.print(f"           {attribute['name']:<20} {_values(attribute)}", markup=False)


def _values(attribute: Mapping[str, Any]) -> str:
    if "count" in attribute:
        return f"{len(attribute['add'])} to add, {len(attribute['remove'])} to remove, {attribute['count']} then"
    before, after = ", ".join(attribute["before"]), ", ".join(attribute["after"])
    if not before:
        return after
    return f"{before} → {after or '(nothing)'}"
