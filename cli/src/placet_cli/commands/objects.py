"""The catalogue: `placet apply`, `export`, and the nouns `provider`, `query`, `job`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..context import OutputOption, TokenOption, UrlOption, command, connect, is_local
from ..errors import USAGE, CommandError
from ..files import read_objects
from ..output import Form, fields, show, table, to_yaml

PLURALS = {"provider": "providers", "schedule": "schedules", "workflow": "workflows", "job": "jobs"}
"""In the order in which objects refer to each other."""

provider = typer.Typer(no_args_is_help=True, help="Connections to identity stores and data sources.")
query = typer.Typer(no_args_is_help=True, help="Queries, before they are used.")
job = typer.Typer(no_args_is_help=True, help="What is copied from where to where.")

FileOption = Annotated[Path, typer.Option("-f", "--file", help="A YAML or JSON file, or a folder of them.")]


@command
def apply(
    file: FileOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; save nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete what the files do not name.")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Creates or updates the objects in files, all or nothing."""
    objects = read_objects(file, local=is_local(url))
    answer = connect(url, token).post("/apply", {"objects": objects, "dry_run": dry_run, "prune": prune})
    show(answer, output, table(answer["results"], ("kind", "name", "result"), "nothing was asked for"))
    for one in answer["results"]:
        _remarks(one)


def _remarks(saved: dict[str, Any]) -> None:
    who = f"{saved['kind']} {saved['name']}"
    for warning in saved["warnings"]:
        typer.echo(f"warning: {who}: {warning}", err=True)
    if saved["ended_run"]:
        typer.echo(
            f"{who}: its undecided run {saved['ended_run']} ends, since it was planned before this edit", err=True
        )
    if saved["preview"]:
        typer.echo(f"{who}: preview {saved['preview']}; watch it with `placet run watch {saved['preview']}`", err=True)


@command
def export(
    kind: Annotated[str | None, typer.Argument(help="provider, schedule, workflow or job.")] = None,
    name: Annotated[str | None, typer.Argument()] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.YAML,
) -> None:
    """The same documents back; applying them changes nothing."""
    if kind is not None and kind not in PLURALS:
        raise CommandError(f"{kind}: no such kind; known are {', '.join(PLURALS)}", USAGE)
    client = connect(url, token)
    if kind and name:
        found = [client.get(f"/{PLURALS[kind]}/{name}")]
    else:
        found = [one for each in ([kind] if kind else PLURALS) for one in client.items(f"/{PLURALS[each]}")]
    ordered = [{"kind": one["kind"], "name": one["name"], **one} for one in found]
    if output is Form.JSON:
        show(ordered, output, lambda _console: None)
    else:
        sys.stdout.write("---\n".join(to_yaml(one) for one in ordered))


def _noun(noun: typer.Typer, kind: str, columns: tuple[str, ...]) -> None:
    """`list`, `show` and `delete` of one kind."""
    plural = PLURALS[kind]

    @noun.command("list")
    @command
    def list_all(url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE) -> None:
        """All of them."""
        found = list(connect(url, token).items(f"/{plural}"))
        show({"items": found, "next": None}, output, table(found, columns, f"there is no {kind} yet"))

    @noun.command("show")
    @command
    def show_one(
        name: str, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
    ) -> None:
        """One, whole."""
        found = connect(url, token).get(f"/{plural}/{name}")
        show(found, output, fields(found))

    @noun.command("delete")
    @command
    def delete(name: str, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE) -> None:
        """Deletes it; what happened stays on record."""
        saved = connect(url, token).delete(f"/{plural}/{name}")
        show(saved, output, table([saved], ("kind", "name", "result"), ""))
        _remarks(saved)


_noun(provider, "provider", ("name", "type", "url", "path"))
_noun(job, "job", ("name", "source", "destination", "workflow", "schedule"))


@provider.command("test")
@command
def try_provider(
    name: str, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """Connects, binds, reads one page; says what is wrong and how to mend it."""
    answer = connect(url, token).post("/provider-tests", {"provider": name})
    rows = [{**step, "ok": "ok" if step["ok"] else "failed"} for step in answer["steps"]]
    if not answer["ok"]:
        raise CommandError(next(step["message"] for step in answer["steps"] if not step["ok"]), document=answer)
    show(answer, output, table(rows, ("step", "ok", "message"), ""))


@query.command("test")
@command
def try_query(
    provider: str,
    query: Annotated[str | None, typer.Option("--query", help="SQL, or an LDAP filter; else the default.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """The rows or entries that a query gives, before it is used."""
    answer = connect(url, token).post("/query-tests", {"provider": provider, "query": query, "limit": limit})
    rows = [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
    show(answer, output, table(rows, answer["columns"], "the query gives nothing"))


@job.command("review")
@command
def review(
    name: Annotated[str | None, typer.Argument()] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", help="A job that is not saved yet.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """The whole job in words, with its queries, next times and warnings."""
    if (name is None) == (file is None):
        raise CommandError("give the name of a saved job, or -f FILE", USAGE)
    client = connect(url, token)
    if file is not None:
        reviews = client.post("/reviews", {"objects": read_objects(file, local=is_local(url))})
    else:
        reviews = [client.post(f"/jobs/{name}/review")]
    document = reviews[0] if len(reviews) == 1 else reviews
    errors = [error for one in reviews for error in one.get("errors", [])]
    show(document, output, lambda console: console.print("\n\n".join(one["text"] for one in reviews), markup=False))
    if errors:
        raise CommandError(errors[0])
