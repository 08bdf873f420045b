"""The `placet` command."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from .local.home import FIRST_PORT, Home
from .local.supervisor import Options, StackFailedError, Supervisor, running_pid, start_detached, stop

app = typer.Typer(no_args_is_help=True, add_completion=False)
HomeOption = Annotated[Path, typer.Option("--home", envvar="PLACET_HOME", help="The folder of the local stack.")]


@app.command()
def up(
    home: HomeOption = Path(".placet"),
    port: int = FIRST_PORT,
    workers: int = 1,
    detach: bool = False,
    kafka: str | None = None,
    database: str | None = None,
) -> None:
    """Starts the local stack."""
    stack, options = Home(home.resolve()), Options(port, workers, kafka, database)
    stack.folder.mkdir(parents=True, exist_ok=True)
    if running_pid(stack) is not None:
        typer.echo("runs already")
        return
    stack.prepare()
    try:
        if detach:
            start_detached(stack, options)
        else:
            Supervisor(stack, options).run()
    except StackFailedError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


@app.command()
def down(home: HomeOption = Path(".placet")) -> None:
    """Ends the local stack."""
    stop(Home(home.resolve()))


if __name__ == "__main__":
    app()
