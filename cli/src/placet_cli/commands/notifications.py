"""The noun `notification`: who was told what, and the mail settings of identity stores."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from ..context import IdArgument, OutputOption, TokenOption, UrlOption, connect
from ..errors import USAGE, CommandError
from ..output import Form, show, table


class Security(StrEnum):
    """How a connection to a mail server is kept secret."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


notification = typer.Typer(no_args_is_help=True, help="Deliveries, and the mail settings of identity stores.")

COLUMNS = ("id", "recipient", "state", "reason", "job", "sent_at")


@notification.command("list")
def list_deliveries(
    run: Annotated[str | None, typer.Option("--run", help="About this run alone.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Deliveries, the newest first."""
    found = connect(url, token).items("notifications", run=run)
    show({"items": found, "next": None}, output, table(found, COLUMNS, "nobody was told anything yet"))


@notification.command("resend")
def resend(
    delivery_id: IdArgument,
    force: Annotated[bool, typer.Option("--force", help="Also one that was sent.")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Sends a held, failed or uncertain delivery again."""
    found = connect(url, token).post("notifications", delivery_id, "resend", body={"force": force})
    show(found, output, table([found], COLUMNS))


@notification.command("configure")
def configure(
    store: Annotated[str, typer.Argument(metavar="STORE", show_default=False)],
    host: Annotated[str, typer.Option("--host", help="The mail server.")],
    sender: Annotated[str, typer.Option("--sender", help="The address that mails come from.")],
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 587,
    security: Annotated[Security, typer.Option("--security")] = Security.STARTTLS,
    username: Annotated[str | None, typer.Option("--username", help="If the server wants one.")] = None,
    password_env: Annotated[str | None, typer.Option("--password-env", help="PLACET_SECRET_…")] = None,
    password_file: Annotated[str | None, typer.Option("--password-file", help="A name in the secrets folder.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Sets the mail settings of an identity store."""
    if password_env and password_file:
        raise CommandError("give one of --password-env and --password-file", USAGE)
    if bool(username) != bool(password_env or password_file):
        raise CommandError("--username and one of --password-env and --password-file go together", USAGE)
    if "@" not in sender:
        raise CommandError(f"--sender {sender}: this is no address; write placet@example.org", USAGE)
    settings: dict[str, Any] = {"host": host, "port": port, "security": security, "sender": sender}
    if username:
        settings["username"] = username
    if password_env or password_file:
        settings["password"] = {"env": password_env} if password_env else {"file": password_file}
    saved = connect(url, token).put("providers", store, "notifications", body=settings)
    show(saved, output, table([saved], ("kind", "name", "result")))
