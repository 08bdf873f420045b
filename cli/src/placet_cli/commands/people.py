"""The nouns `user` and `token`."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..context import NameArgument, OutputOption, TokenOption, UrlOption, connect
from ..errors import USAGE, CommandError
from ..output import Form, show, table

if TYPE_CHECKING:
    from ..client import Client

user = typer.Typer(no_args_is_help=True, help="Local users.")
token_noun = typer.Typer(no_args_is_help=True, help="Tokens of users.")

COLUMNS = ("name", "email", "roles", "groups", "disabled")


class Role(StrEnum):
    """What a user may do; every role reads."""

    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMIN = "admin"


UserArgument = Annotated[str, typer.Argument(metavar="USER", show_default=False)]
RolesOption = Annotated[list[Role], typer.Option("--role", help="May be repeated.")]
GroupsOption = Annotated[list[str] | None, typer.Option("--group", help="For workflows: group:NAME. May be repeated.")]


@user.command("add")
def add(
    name: NameArgument,
    email: Annotated[str, typer.Option("--email", help="Where mails for approvers go.")],
    role: RolesOption,
    group: GroupsOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Adds a user."""
    body = {"name": name, "email": email, "roles": role, "groups": group or []}
    found = connect(url, token).post("users", body=body)
    show(found, output, table([found], COLUMNS))


@user.command("change")
def change(
    name: NameArgument,
    email: Annotated[str | None, typer.Option("--email", help="Else as it was.")] = None,
    role: Annotated[list[Role] | None, typer.Option("--role", help="These, and no others. May be repeated.")] = None,
    group: Annotated[list[str] | None, typer.Option("--group", help="These, and no others. May be repeated.")] = None,
    no_groups: Annotated[bool, typer.Option("--no-groups", help="In no group any more.")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Changes what is given; the rest stays."""
    given = {"email": email, "roles": role or None, "groups": [] if no_groups else group or None}
    if all(value is None for value in given.values()):
        raise CommandError("say what to change: --email, --role, --group or --no-groups", USAGE)
    client = connect(url, token)
    before = _find(client, name)
    body = {field: before[field] if value is None else value for field, value in given.items()}
    found = client.put("users", name, body=body)
    show(found, output, table([found], COLUMNS))


def _find(client: "Client", name: str) -> dict[str, Any]:
    found: dict[str, Any] | None = next((one for one in client.items("users") if one["name"] == name), None)
    if found is None:
        raise CommandError(f"there is no user {name}; see `placet user list`")
    return found


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


@user.command("enable")
def enable(
    name: NameArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """Lets a disabled user in again, with the tokens that they had."""
    found = connect(url, token).post("users", name, "enable")
    show(found, output, table([found], COLUMNS))


@token_noun.command("create")
def create_token(
    name: UserArgument,
    expires: Annotated[str | None, typer.Option("--expires", help="Such as 90d; else never.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Makes a token; it is printed once, as the last word."""
    _check_length(expires)
    found: dict[str, Any] = connect(url, token).post("users", name, "tokens", body={"expires": expires})
    words = f"token {found['id']} of {name}, shown this once: {found['token']}"
    show(found, output, lambda console: console.print(words, markup=False))


def _check_length(text: str | None) -> None:
    from placet_shared.objects.base import parse_duration  # the models load slowly

    if text is not None:
        try:
            parse_duration(text)
        except ValueError as error:
            raise CommandError(f"--expires {text}: {error}", USAGE) from error


@token_noun.command("list")
def list_tokens(
    name: UserArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """A user's tokens, without what is secret about them."""
    found = connect(url, token).get("users", name, "tokens")
    columns = ("id", "created_at", "expires_at", "revoked_at", "last_used_at")
    show({"items": found, "next": None}, output, table(found, columns, f"{name} has no token"))


@token_noun.command("revoke")
def revoke(
    name: UserArgument,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `placet token list` shows it.")],
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Ends a token, at once and for ever."""
    connect(url, token).post("users", name, "tokens", token_id, "revoke")
    said = {"user": name, "id": token_id, "result": "revoked"}
    show(said, output, table([said], ("user", "id", "result")))
