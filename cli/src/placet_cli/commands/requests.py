"""The noun `request`: plans that wait for people."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from ..context import IdArgument, OutputOption, TokenOption, UrlOption, connect
from ..following import OPERATIONS
from ..output import Form, fields, show, table
from ..wording import counted, request_in_words, votes_of


class RequestState(StrEnum):
    """What became of a request."""

    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


request = typer.Typer(no_args_is_help=True, help="Plans that wait for their approvers.")


@request.command("list")
def list_requests(
    state: Annotated[RequestState | None, typer.Option("--state", help="In this state alone.")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Requests, the newest first."""
    found = connect(url, token).items("requests", state=state)
    rows = [{**one, "changes": counted(one["counts"], OPERATIONS), "votes": votes_of(one)} for one in found]
    columns = ("id", "job", "state", "changes", "votes", "expires_at", "requested_by")
    show({"items": found, "next": None}, output, table(rows, columns, _none(state)))


def _none(state: RequestState | None) -> str:
    if state is RequestState.OPEN:
        return "no request is open: nothing waits for approval"
    return f"no request is {state}" if state else "there is no request yet"


@request.command("show")
def show_request(
    request_id: IdArgument, url: UrlOption = None, token: TokenOption = None, output: OutputOption = Form.TABLE
) -> None:
    """One request: what would change, why it is asked, who decides."""
    found = connect(url, token).get("requests", request_id)
    show(found, output, request_in_words(found))


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
    comment: Annotated[
        str, typer.Option("--comment", help="Why: `placet run show` says it, and the mail about the run.")
    ],
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Says no; the run ends and nothing is written."""
    _decide(request_id, {"decision": "deny", "comment": comment}, url, token, output)


def _decide(request_id: str, ballot: dict[str, Any], url: str | None, token: str | None, form: Form) -> None:
    found = connect(url, token).post("requests", request_id, "decisions", body=ballot)
    said = {"id": found["id"], "job": found["job"], "state": found["state"], "votes": votes_of(found)}
    show(found, form, fields(said))
