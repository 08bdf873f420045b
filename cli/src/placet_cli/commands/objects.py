"""The catalogue: `placet apply`, `export`, and the nouns `provider`, `schedule`, `workflow`, `query`, `job`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..context import NameArgument, OutputOption, TokenOption, UrlOption, connect, speaks_to_local_stack
from ..errors import USAGE, CommandError
from ..output import Form, Printer, data_table, nothing, show, table, to_yaml, visible
from ..wording import mark_in_words

PLURALS = {"provider": "providers", "schedule": "schedules", "workflow": "workflows", "job": "jobs"}
"""In the order in which objects refer to each other."""

provider = typer.Typer(no_args_is_help=True, help="Connections to identity stores and data sources.")
schedule = typer.Typer(no_args_is_help=True, help="When jobs start by themselves.")
workflow = typer.Typer(no_args_is_help=True, help="Who approves plans.")
query = typer.Typer(no_args_is_help=True, help="Queries, before they are used.")
job = typer.Typer(no_args_is_help=True, help="What is copied from where to where.")

FileOption = Annotated[Path, typer.Option("-f", "--file", help="A YAML or JSON file, or a folder of them.")]


def apply(
    file: FileOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; save nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete what the files do not name.")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Creates or updates the objects in files, all or nothing."""
    answer = _send(file, url, token, "apply", dry_run=dry_run, prune=prune)
    show(answer, output, _results(answer["results"], dry_run=dry_run))
    for one in answer["results"]:
        _remarks(one)


def _results(results: list[dict[str, Any]], *, dry_run: bool) -> Printer:
    """What became of each object, or would, and which fields of an updated one are other then."""
    rows = [
        one | {"result": f"would be {one['result']}" if dry_run and one["result"] != "unchanged" else one["result"]}
        for one in results
    ]
    columns = ("kind", "name", "result", *(["changed"] if any(one.get("changed") for one in results) else []))
    return table(rows, columns, "nothing was asked for")


def _send(file: Path, url: str | None, token: str | None, path: str, **more: Any) -> Any:
    """Posts the objects of files. Raises CommandError that names the file and line at fault."""
    from ..files import located, read_documents  # the models of all kinds load slowly

    documents, local = read_documents(file), speaks_to_local_stack(url)
    objects = [document.as_seen_from_here() if local else document.value for document in documents]
    try:
        return connect(url, token).post(path, body={"objects": objects, **more})
    except CommandError as error:
        raise located(error, documents) from error


def _remarks(saved: dict[str, Any]) -> None:
    who = f"{saved['kind']} {saved['name']}"
    for warning in saved["warnings"]:
        typer.echo(f"warning: {who}: {warning}", err=True)
    if saved["ending_run"]:
        run = saved["ending_run"]
        typer.echo(f"{who}: run {run} was planned before this; it is asked to end, unless it is approved", err=True)
    if saved["preview"]:
        typer.echo(f"{who}: follow its preview with `placet run watch {saved['preview']}`", err=True)


def export(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="provider, schedule, workflow or job.")] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One of this kind.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.YAML,
) -> None:
    """The same documents back; applying them changes nothing."""
    if kind is not None and kind not in PLURALS:
        raise CommandError(f"{kind}: no such kind; known are {', '.join(PLURALS)}", USAGE)
    client = connect(url, token)
    if kind and name:
        found = [client.get(PLURALS[kind], name)]
    else:
        found = [one for each in ([kind] if kind else PLURALS) for one in client.items(PLURALS[each])]
    ordered = [{"kind": one["kind"], "name": one["name"], **one} for one in found]
    if output is Form.JSON:
        show(ordered, output, nothing)
    else:
        sys.stdout.write("---\n".join(to_yaml(one) for one in ordered))


def _as_written(found: dict[str, Any]) -> Printer:
    """An object as a file has it; how far a job has read is a comment there."""
    written = {name: value for name, value in found.items() if name != "mark"}
    text = to_yaml({"kind": found["kind"], "name": found["name"], **written})
    text += f"# {mark_in_words(found['mark'])}\n" if "mark" in found else ""
    lines = "\n".join(map(visible, text.rstrip("\n").split("\n")))
    return lambda console: console.print(lines, markup=False)


def _noun(noun: typer.Typer, kind: str, columns: tuple[str, ...]) -> None:
    """`list`, `show` and `delete` of one kind."""
    plural = PLURALS[kind]

    @noun.command("list")
    def list_all(url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE) -> None:
        """All of them."""
        found = connect(url, token).items(plural)
        show({"items": found, "next": None}, output, table(found, columns, f"there is no {kind} yet"))

    @noun.command("show")
    def show_one(
        name: NameArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
    ) -> None:
        """One, whole."""
        client = connect(url, token)
        found = client.get(plural, name)
        if found.get("mode") == "changed":
            found["mark"] = client.get(plural, name, "mark")
        show(found, output, _as_written(found))

    @noun.command("delete")
    def delete(
        name: NameArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
    ) -> None:
        """Deletes it; what happened stays on record."""
        saved = connect(url, token).delete(plural, name)
        show(saved, output, table([saved], ("kind", "name", "result")))
        _remarks(saved)


_noun(provider, "provider", ("name", "type", "url", "path"))
_noun(schedule, "schedule", ("name", "time_zone", "triggers"))
_noun(workflow, "workflow", ("name", "stages", "requester_may_approve"))
_noun(job, "job", ("name", "source", "destination", "workflow", "schedule"))


@provider.command("test")
def try_provider(
    name: NameArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """Connects, binds, reads one page; says what is wrong and how to mend it."""
    answer = connect(url, token).post("provider-tests", body={"provider": name})
    if not answer["ok"]:
        raise CommandError(next(step["message"] for step in answer["steps"] if not step["ok"]), document=answer)
    show(answer, output, table(answer["steps"], ("step", "ok", "message")))


@query.command("test")
def try_query(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", show_default=False)],
    query: Annotated[str | None, typer.Option("--query", help="SQL, or an LDAP filter; else the default.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Rows at most.")] = 20,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """The rows or entries that a query gives, before it is used."""
    answer = connect(url, token).post("query-tests", body={"provider": provider, "query": query, "limit": limit})
    show(answer, output, data_table(answer["columns"], answer["rows"], "the query gives nothing"))


@job.command("review")
def review(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A saved job.")] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="A job that is not saved yet.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """The whole job in words, with its queries, next times and warnings."""
    if (name is None) == (file is None):
        raise CommandError("give the name of a saved job, or -f FILE", USAGE)
    if file is not None:
        reviews = _send(file, url, token, "reviews")
    else:
        reviews = [connect(url, token).post("jobs", str(name), "review")]
    document = reviews[0] if len(reviews) == 1 else reviews
    errors = [error for one in reviews for error in one.get("errors", [])]
    if not errors or output is Form.TABLE:
        lines = "\n".join(map(visible, "\n\n".join(one["text"] for one in reviews).split("\n")))
        show(document, output, lambda console: console.print(lines, markup=False))
    if errors:
        raise CommandError(errors[0], document=document)
