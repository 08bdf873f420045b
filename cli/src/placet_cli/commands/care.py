"""For operators: the nouns `dead-letter` and `audit`."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..context import IdArgument, OutputOption, TokenOption, UrlOption, connect
from ..errors import CommandError
from ..output import Form, fields, show, table

if TYPE_CHECKING:
    from ..client import Client

dead_letter = typer.Typer(no_args_is_help=True, help="Messages that can never succeed.")
audit = typer.Typer(no_args_is_help=True, help="The chain of decisions.")

LETTERS = "dead-letters"
ServiceOption = Annotated[str | None, typer.Option("--service", help="Whose letter it is, if several have the id.")]


@dead_letter.command("list")
def list_letters(url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE) -> None:
    """Dead letters of all services."""
    found = connect(url, token).items(LETTERS)
    columns = ("id", "service", "topic", "reason")
    show({"items": found, "next": None}, output, table(found, columns, "no message is dead"))


@dead_letter.command("show")
def show_letter(
    letter_id: IdArgument,
    service: ServiceOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """One message, with its bytes."""
    client = connect(url, token)
    found = client.get(LETTERS, _owner(client, letter_id, service), letter_id)
    show(found, output, fields(found))


@dead_letter.command("replay")
def replay(
    letter_id: IdArgument,
    service: ServiceOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Sends the message again, as it was."""
    client = connect(url, token)
    found = client.post(LETTERS, _owner(client, letter_id, service), letter_id, "replay")
    show(found, output, fields(found))


def _owner(client: "Client", letter_id: str, service: str | None) -> str:
    """The service that has the letter. Raises CommandError when it is none, or several."""
    if service is not None:
        return service
    found = [one["service"] for one in client.items(LETTERS) if one["id"] == letter_id]
    if len(found) != 1:
        known = "no dead letter has this id" if not found else f"{', '.join(found)} have it; say which by --service"
        raise CommandError(f"{letter_id}: {known}; see `placet dead-letter list`")
    return str(found[0])


@audit.command("verify")
def verify(url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE) -> None:
    """Checks the signatures of every order, plan and decision on record; not each change that a plan lists."""
    found = connect(url, token).get("audit")
    if not found["ok"]:
        first = found["problems"][0]
        raise CommandError(
            f"{len(found['problems'])} of {found['runs']} chains do not hold, first: {first}", document=found
        )
    show(found, output, lambda console: console.print(f"all {found['runs']} chains of decisions hold"))
