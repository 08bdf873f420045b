"""What every command shares: its options, the client, and how its errors leave."""

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from .client import Client, find_target
from .errors import CommandError
from .local.home import Home
from .output import Form, to_yaml

OutputOption = Annotated[Form, typer.Option("--output", "-o", help="table for people, json or yaml for programs.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Where Placet is; else PLACET_URL, else the local stack.")]
TokenOption = Annotated[
    str | None, typer.Option("--token", help="Who you are; else PLACET_TOKEN, else the local stack's.")
]
HomeOption = Annotated[
    Path, typer.Option("--home", envvar="PLACET_HOME", help="The folder of the local stack.", show_default=True)
]

P = ParamSpec("P")


def connect(url: str | None, token: str | None) -> Client:
    """A client for the options of a command."""
    return Client(find_target(url, token))


def is_local(url: str | None) -> bool:
    """Whether the target is the stack in this machine's folder."""
    home = Home(Path(os.environ.get("PLACET_HOME", ".placet")).resolve())
    known = (home.read_state() or {}).get("url")
    return known is not None and (url or os.environ.get("PLACET_URL") or known).rstrip("/") == known


def command(function: Callable[P, None]) -> Callable[P, None]:
    """Errors are one sentence on standard error; programs get a JSON document with every exit code."""

    @functools.wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            function(*arguments, **options)
        except CommandError as error:
            _leave(error, options.get("output"))
        except BrokenPipeError:
            sys.exit(0)

    return run


def _leave(error: CommandError, form: Any) -> None:
    document = error.document if error.document is not None else {"error": str(error)}
    if form is Form.JSON:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    elif form is Form.YAML:
        sys.stdout.write(to_yaml(document))
    if str(error):
        sys.stderr.write(f"placet: {error}\n")
    sys.exit(error.code)
