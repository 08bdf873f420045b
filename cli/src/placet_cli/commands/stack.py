"""`placet up`, `down`, `status`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..context import DEFAULT_HOME, HomeOption, OutputOption
from ..errors import ERROR, CommandError
from ..local.control import Options, StackFailedError, start_detached, stop, wait_ready
from ..local.home import FIRST_PORT, Home
from ..local.status import running_pid, status_of
from ..output import Form, Printer, fields, nothing, show, table

if TYPE_CHECKING:
    from rich.console import Console


def up(
    home: HomeOption = DEFAULT_HOME,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the API, or the next free one.")] = FIRST_PORT,
    workers: Annotated[int, typer.Option(min=1, help="How many sync-workers.")] = 1,
    detach: Annotated[bool, typer.Option("--detach", help="Return when every service is ready.")] = False,
    kafka: Annotated[str | None, typer.Option(help="HOST:PORT of a real Kafka instead of the embedded one.")] = None,
    database: Annotated[str | None, typer.Option(help="URL of a real PostgreSQL instead of the embedded one.")] = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Starts the local stack: PostgreSQL, Kafka, Elasticsearch, a mail catcher and every service, in one folder."""
    stack, options = Home(home.resolve()), Options(port, workers, kafka, database)
    try:
        if running_pid(stack) is not None:
            _tell_that_one_runs(stack, wait=detach)
        elif detach:
            start_detached(stack, options)
            _tell(f"Placet runs at {status_of(stack)['url']}; `placet down` ends it")
        else:
            _run(stack, options)
    except StackFailedError as error:
        raise CommandError(str(error)) from error
    show(status_of(stack), output, nothing)


def _run(stack: Home, options: Options) -> None:
    from ..local.preparing import prepare  # these know PostgreSQL and cryptography, and load slowly
    from ..local.supervisor import Supervisor

    with stack.alone() as alone:
        if alone:
            prepare(stack)
            Supervisor(stack, options, _tell).run()
        else:
            _tell_that_one_runs(stack, wait=False)


def _tell_that_one_runs(stack: Home, *, wait: bool) -> None:
    if wait:
        wait_ready(stack)
    where = status_of(stack)["url"]
    _tell(f"a stack runs in {stack.folder} already" + (f", at {where}" if where else ""))


def _tell(line: str) -> None:
    typer.echo(line, err=True)


def down(home: HomeOption = DEFAULT_HOME, output: OutputOption = Form.TABLE) -> None:
    """Ends the local stack; its data stay in the folder."""
    stack = Home(home.resolve())
    _tell("the stack has ended" if stop(stack) else "no stack ran here")
    show(status_of(stack), output, nothing)


def status(home: HomeOption = DEFAULT_HOME, output: OutputOption = Form.TABLE) -> None:
    """What runs, from the folder and the process table alone."""
    stack = Home(home.resolve())
    document = status_of(stack)
    if running_pid(stack) is None:
        raise CommandError(f"no stack runs in {stack.folder}; start it with `placet up`", ERROR, document)
    show(document, output, _people(document))


def _people(document: Mapping[str, Any]) -> Printer:
    def print_both(console: "Console") -> None:
        fields({name: value for name, value in document.items() if name != "services"})(console)
        console.print()
        table(document["services"], ("name", "state", "pid", "port"), "no service was started")(console)

    return print_both
