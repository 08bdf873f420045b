"""The nouns `user` and `token`."""

from typing import Annotated, Any

import typer

from ..context import NameArgument, OutputOption, TokenOption, UrlOption, connect
from ..output import Form, show, table

user = typer.Typer(no_args_is_help=True, help="Local users.")
token_noun = typer.Typer(no_args_is_help=True, help="Tokens of users.")

COLUMNS = ("name", "email", "roles", "groups", "disabled")


@user.command("add")
def add(
    name: NameArgument,
    email: Annotated[str, typer.Option("--email", help="Where mails for approvers go.")],
    role: Annotated[
        list[str], typer.Option("--role", help="viewer, editor, approver, operator or admin. May be repeated.")
    ],
    group: Annotated[
        list[str] | None, typer.Option("--group", help="For workflows: group:NAME. May be repeated.")
    ] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Adds a user."""
    body = {"name": name, "email": email, "roles": role, "groups": group or []}
    found = connect(url, token).post("users", body=body)
    show(found, output, table([found], COLUMNS))


@user.command("list")
def list_users(url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE) -> None:
    """All users."""
    found = connect(url, token).items("users")
    show({"items": found, "next": None}, output, table(found, COLUMNS, "there are no users"))


@user.command("disable")
def disable(
    name: NameArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """Disables a user and their tokens."""
    found = connect(url, token).post("users", name, "disable")
    show(found, output, table([found], COLUMNS))


@token_noun.command("create")
def create_token(
    name: Annotated[str, typer.Argument(metavar="USER")],
    expires: Annotated[str | None, typer.Option("--expires", help="Such as 90d; else never.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Makes a token; it is printed once, as the last word."""
    found: dict[str, Any] = connect(url, token).post("users", name, "tokens", body={"expires": expires})
    words = f"token of {name}, shown this once: {found['token']}"
    show(found, output, lambda console: console.print(words, markup=False))
