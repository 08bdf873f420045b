"""`placet job run` and the noun `run`: ask for runs, follow them, read what they did."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..context import IdArgument, NameArgument, OutputOption, TokenOption, UrlOption, connect
from ..errors import DONE, USAGE, WITH_ERRORS, CommandError
from ..explaining import explanations_in_words
from ..following import Operation, Result, RunState, exit_code, follow, why
from ..output import Form, Printer, moment, show, table, visible
from ..wording import changes_in_words, job_of, rejected_in_words, run_in_words
from .objects import job

if TYPE_CHECKING:
    from rich.console import Console

    from ..client import Client

run = typer.Typer(no_args_is_help=True, help="What happened, and what waits.")

TimeoutOption = Annotated[float | None, typer.Option("--timeout", min=0, help="Seconds to wait at most.")]


@job.command("run")
def run_job(
    name: NameArgument,
    preview: Annotated[bool, typer.Option("--preview", help="Plan only: say what would happen.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end.")] = False,
    record: Annotated[
        list[str] | None,
        typer.Option(
            "--record", help="The record with this key alone; with --preview it is explained. May be repeated."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Read everything, not what changed alone (mode: changed).")
    ] = False,
    timeout: TimeoutOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Asks for a run of a job. With --preview and --record waits for the plan, and says why each attribute becomes what
    it does."""
    explain = preview and bool(record)
    if timeout is not None and not (wait or explain):
        raise CommandError("--timeout is for --wait; give both", USAGE)
    client = connect(url, token)
    body = {"job": name, "preview": preview, "records": record or [], **({"all": True} if everything else {})}
    asked = client.post("runs", body=body)
    if asked.get("joined"):
        by = f"{asked['requested_by']} at {moment(asked['requested_at'])}"
        typer.echo(visible(f"this run is open already, asked for by {by}; a job has one at a time"), err=True)
    if explain:
        _end(_explained(client, follow(client, asked, timeout)), output)
    elif wait:
        _end(follow(client, asked, timeout), output)
    else:
        show(asked, output, run_in_words(asked))


def _explained(client: "Client", document: dict[str, Any]) -> dict[str, Any]:
    """A preview with what it explains, once it has ended well."""
    if document["outcome"] != "previewed":
        return document
    return {**document, "explanations": client.items("runs", document["id"], "explanations")}


@run.command("explain")
def explain(
    run_id: IdArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """What `placet job run JOB --preview --record KEY` said of its records."""
    page = connect(url, token).first(None, "runs", run_id, "explanations")
    show(page, output, explanations_in_words(page["items"]))


@run.command("watch")
def watch(
    run_id: IdArgument,
    timeout: TimeoutOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Follows a run to its end."""
    client = connect(url, token)
    _end(follow(client, client.get("runs", run_id), timeout), output)


def _end(document: dict[str, Any], form: Form) -> None:
    """Prints a run that was waited for, and leaves with its exit code."""
    code = exit_code(document)
    if code == DONE or form is Form.TABLE:
        show(document, form, _in_words(document, with_lists=code != WITH_ERRORS))
    if code != DONE:
        raise CommandError(why(document), code, document)


def _in_words(document: dict[str, Any], *, with_lists: bool) -> Printer:
    printers = [run_in_words(document, with_lists=with_lists)]
    printers += [explanations_in_words(document["explanations"])] if "explanations" in document else []

    def print_all(console: "Console") -> None:
        for one in printers:
            one(console)

    return print_all


@run.command("list")
def list_runs(
    job: Annotated[str | None, typer.Option("--job", help="Of this job alone.")] = None,
    state: Annotated[RunState | None, typer.Option("--state", help="In this state alone.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Else the whole list.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Runs, the newest first."""
    page = connect(url, token).first(limit, "runs", job=job, state=state)
    rows = [
        {**one, "job": job_of(one), "state": (one["outcome"] or one["state"]).replace("_", " ")}
        for one in page["items"]
    ]
    columns = ("id", "job", "state", "requested_at", "requested_by", "trigger")
    show(page, output, table(rows, columns, "no such run is known" if job or state else "nothing has run yet"))


@run.command("show")
def show_run(
    run_id: IdArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """One run."""
    found = connect(url, token).get("runs", run_id)
    show(found, output, run_in_words(found))


@run.command("cancel")
def cancel(
    run_id: IdArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """Ends a run; what it has written stays."""
    found = connect(url, token).post("runs", run_id, "cancel")
    over = found["outcome"] and found["outcome"].replace("_", " ")
    typer.echo(f"run {run_id} " + (f"is over already: {over}" if over else "is being cancelled"), err=True)
    show(found, output, run_in_words(found))


@run.command("changes")
def changes(
    run_id: IdArgument,
    op: Annotated[Operation | None, typer.Option("--op", help="Changes of this kind alone.")] = None,
    result: Annotated[Result | None, typer.Option("--result", help="Those alone that ended so.")] = None,
    key: Annotated[str | None, typer.Option("--key", help="Of this record alone.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Else the whole list.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """The plan with its results, change by change, attribute by attribute."""
    client = connect(url, token)
    page = client.first(limit, "runs", run_id, "changes", op=op, result=result, key=key)
    shown, refused = page["items"], 0
    if output is Form.TABLE and op is None and result is None:  # rejected records are no changes, but people look here
        if key is None:
            refused = (client.get("runs", run_id)["plan"] or {}).get("rejected", 0)
        else:
            shown = [*shown, *client.items("runs", run_id, "changes", result=Result.REJECTED, key=key)]
    show(page, output, changes_in_words(shown, rejected_in_words(run_id, refused)))
