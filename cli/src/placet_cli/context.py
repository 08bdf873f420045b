"""What every command shares: its options, the client, and how its errors leave."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .errors import CommandError
from .local.home import Home
from .output import Form, to_yaml
from .target import find_target, is_local

if TYPE_CHECKING:
    from .client import Client

OutputOption = Annotated[Form, typer.Option("--output", "-o", help="table for people, json or yaml for programs.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Where Placet is; else PLACET_URL, else the local stack.")]
TokenOption = Annotated[
    str | None, typer.Option("--token", help="Who you are; else PLACET_TOKEN, else the local stack's.")
]
HomeOption = Annotated[
    Path,
    typer.Option(
        "--home", envvar="PLACET_HOME", help="The folder of the local stack.", show_default=True, file_okay=False
    ),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
DEFAULT_HOME = Path(".placet")


def connect(url: str | None, token: str | None) -> "Client":
    """A client for the options of a command. Raises CommandError."""
    from .client import Client  # its library loads slowly, and not every command calls

    return Client(find_target(url, token, os.environ, _home()))


def speaks_to_local_stack(url: str | None) -> bool:
    """Whether a command's calls go to the stack in this machine's folder."""
    return is_local(url or os.environ.get("PLACET_URL"), _home())


def wanted_form(arguments: Sequence[str]) -> Form:
    """The form that a command line asks for, however wrong the rest of it is."""
    for before, word in zip(("", *arguments), (*arguments, ""), strict=True):
        value = word.partition("=")[2] if word.startswith("--output=") else word if before in ("--output", "-o") else ""
        if value in list(Form):
            return Form(value)
    return Form.TABLE


def leave(error: CommandError, form: Form) -> NoReturn:
    """One sentence on standard error; programs get a JSON document with every exit code."""
    document = error.document if error.document is not None else {"error": str(error)}
    if form is Form.JSON:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    elif form is Form.YAML:
        sys.stdout.write(to_yaml(document))
    if str(error):
        sys.stderr.write(f"placet: {error}\n")
    sys.exit(error.code)


def _home() -> Home:
    return Home(Path(os.environ.get("PLACET_HOME") or DEFAULT_HOME).resolve())
