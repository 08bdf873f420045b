"""`placet run passwords`: takes the passwords that a run made, once."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..context import IdArgument, OutputOption, TokenOption, UrlOption, connect
from ..output import Form, Printer, moment, show, table, visible

if TYPE_CHECKING:
    from rich.console import Console

    from ..client import Client

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
    taken = take(client, run_id)
    nothing = f"there are none to take; see `placet run passwords {run_id} --list`"
    show({"items": taken, "next": None}, output, _whole_lines(taken, nothing))
    sys.stdout.flush()
    if before := next((one["taken_at"] for one in taken if one["taken_at"]), None):
        typer.echo(f"they were handed over to you before, at {moment(before)}", err=True)
    if taken:
        client.post("runs", run_id, "passwords", "received")
        typer.echo("these passwords are shown once; Placet has erased them", err=True)


def _whole_lines(taken: Sequence[Mapping[str, Any]], nothing: str) -> Printer:
    """A line each, of which nothing is left out however narrow the terminal is: it is not shown again."""

    def print_lines(console: "Console") -> None:
        for one in taken:
            said = "  ".join((one["key"], one["password"], one["attribute"], one["dn"]))
            console.print(visible(said), markup=False)
        if not taken:
            console.print(nothing, markup=False)

    return print_lines


def take(client: "Client", run_id: str) -> list[dict[str, Any]]:
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
