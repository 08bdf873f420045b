"""The noun `request`: plans that wait for people."""

from typing import Annotated, Any

import typer

from ..context import IdArgument, OutputOption, TokenOption, UrlOption, connect
from ..following import OPERATIONS
from ..output import Form, fields, show, table
from ..wording import counted

request = typer.Typer(no_args_is_help=True, help="Plans that wait for their approvers.")


@request.command("list")
def list_requests(
    state: Annotated[str | None, typer.Option("--state", help="open, approved, denied or withdrawn.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Requests, the newest first."""
    found = connect(url, token).items("requests", state=state)
    rows = [{**one, "changes": counted(one["counts"], OPERATIONS)} for one in found]
    columns = ("id", "job", "state", "changes", "expires_at", "requested_by")
    show({"items": found, "next": None}, output, table(rows, columns, "there is no such request"))


@request.command("show")
def show_request(
    request_id: IdArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """One request: what would change, why it is asked, who decides."""
    found = connect(url, token).get("requests", request_id)
    show(found, output, fields(found))


@request.command("approve")
def approve(
    request_id: IdArgument,
    comment: Annotated[str, typer.Option("--comment", help="Stays on record.")] = "",
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Says yes to exactly this plan."""
    _decide(request_id, {"decision": "approve", "comment": comment}, url, token, output)


@request.command("deny")
def deny(
    request_id: IdArgument,
    comment: Annotated[str, typer.Option("--comment", help="Why: who asked will read it.")],
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Says no; the run ends and nothing is written."""
    _decide(request_id, {"decision": "deny", "comment": comment}, url, token, output)


def _decide(request_id: str, ballot: dict[str, Any], url: str | None, token: str | None, form: Form) -> None:
    found = connect(url, token).post("requests", request_id, "decisions", body=ballot)
    show(found, form, fields({name: found.get(name) for name in ("id", "job", "state", "votes")}))
