"""`placet up`, `down`, `status`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..context import HomeOption, OutputOption, command
from ..errors import ERROR, CommandError
from ..local.home import FIRST_PORT, Home
from ..local.status import status_of
from ..local.supervisor import Options, StackFailedError, Supervisor, running_pid, start_detached, stop
from ..output import Form, fields, show, table

DEFAULT_HOME = Path(".placet")


@command
def up(
    home: HomeOption = DEFAULT_HOME,
    port: Annotated[int, typer.Option(help="Of the API, or the next free one.")] = FIRST_PORT,
    workers: Annotated[int, typer.Option(min=1, help="How many sync-workers.")] = 1,
    detach: Annotated[bool, typer.Option("--detach", help="Return when every service is ready.")] = False,
    kafka: Annotated[str | None, typer.Option(help="HOST:PORT of a real Kafka instead of the embedded one.")] = None,
    database: Annotated[str | None, typer.Option(help="URL of a real PostgreSQL instead of the embedded one.")] = None,
) -> None:
    """Starts the local stack: PostgreSQL, Kafka, Elasticsearch, a mail catcher and every service, in one folder."""
    stack, options = Home(home.resolve()), Options(port, workers, kafka, database)
    stack.folder.mkdir(parents=True, exist_ok=True)
    if running_pid(stack) is not None:
        typer.echo(f"a stack runs in {stack.folder} already, at {status_of(stack)['url']}", err=True)
        return
    stack.prepare()
    try:
        if detach:
            start_detached(stack, options)
            typer.echo(f"Placet runs at {status_of(stack)['url']}; `placet down` ends it", err=True)
        else:
            Supervisor(stack, options, lambda url: typer.echo(f"Placet runs at {url}; Ctrl-C ends it", err=True)).run()
    except StackFailedError as error:
        raise CommandError(str(error)) from error


@command
def down(home: HomeOption = DEFAULT_HOME) -> None:
    """Ends the local stack; its data stay in the folder."""
    ran = stop(Home(home.resolve()))
    typer.echo("the stack has ended" if ran else "no stack ran here", err=True)


@command
def status(home: HomeOption = DEFAULT_HOME, output: OutputOption = Form.TABLE) -> None:
    """What runs, from the folder and the process table alone."""
    stack = Home(home.resolve())
    document = status_of(stack)
    if running_pid(stack) is None:
        raise CommandError(f"no stack runs in {stack.folder}; start it with `placet up`", ERROR, document)
    show(document, output, _people(document))


def _people(document: Mapping[str, Any]) -> Callable[[Console], None]:
    def print_both(console: Console) -> None:
        fields({name: value for name, value in document.items() if name != "services"})(console)
        console.print()
        table(document["services"], ("name", "state", "pid", "port"), "no service was started")(console)

    return print_both
