"""`placet run passwords`: takes the passwords that a run made, once."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..context import IdArgument, OutputOption, TokenOption, UrlOption, connect
from ..output import Form, moment, show, table

if TYPE_CHECKING:
    from ..client import Client

COLUMNS = ("key", "dn", "attribute", "password")
STATES = ("key", "dn", "attribute", "state", "taken_by", "taken_at", "expires_at")
PROVEN = ("applied", "already_applied")


def passwords(
    run_id: IdArgument,
    only_list: Annotated[
        bool, typer.Option("--list", help="Take none: say what became of them, and who took them.")
    ] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    output: OutputOption = Form.TABLE,
) -> None:
    """Takes the passwords that a run made: they are printed once, and then erased."""
    client = connect(url, token)
    if only_list:
        found = client.items("runs", run_id, "passwords")
        rows = [{**one, "state": _state(one)} for one in found]
        show({"items": found, "next": None}, output, table(rows, STATES, "the run made no passwords"))
        return
    taken = _take(client, run_id)
    nothing = f"there are none to take; see `placet run passwords {run_id} --list`"
    show({"items": taken, "next": None}, output, table(taken, COLUMNS, nothing, whole=COLUMNS))
    sys.stdout.flush()
    if before := next((one["taken_at"] for one in taken if one["taken_at"]), None):
        typer.echo(f"they were handed over to you before, at {moment(before)}", err=True)
    if taken:
        client.post("runs", run_id, "passwords", "received")
        typer.echo("these passwords are shown once; Placet has erased them", err=True)


def _take(client: "Client", run_id: str) -> list[dict[str, Any]]:
    """Encrypted to a key that no other process has; the API and what is between sees none of them."""
    from joserfc import jwe  # loads slowly
    from joserfc.jwk import OKPKey

    key = OKPKey.generate_key("X25519")
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"cursor": cursor} if cursor else {}
        page = client.post("runs", run_id, "passwords", body={"recipient": key.as_dict(private=False)}, **query)
        found += [json.loads(jwe.decrypt_compact(one["sealed"], key).plaintext or b"") for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return found


def _state(one: dict[str, Any]) -> str:
    if one["erased"]:
        return str(one["erased"])
    return "can be taken" if one["result"] in PROVEN else "not proven yet"
