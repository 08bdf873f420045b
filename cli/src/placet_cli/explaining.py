"""Why records become what they do, for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .output import Printer, beside, visible

if TYPE_CHECKING:
    from rich.console import Console

DECISIONS = {
    "kept": "is kept",
    "only_on_create": "is not compared",
    "set": "is set",
    "cleared": "is cleared",
    "renamed": "is renamed",
    "deleted": "goes with the entry",
    "unchanged": "stays",
    "rejected": "cannot be",
}
LABEL = 10
"""So wide at least, and two spaces after it."""

NOTHING = "(nothing)"


def explanations_in_words(items: Sequence[Mapping[str, Any]]) -> Printer:
    """A paragraph a record: what would happen to it and why, then its attributes one by one."""

    def print_explanations(console: "Console") -> None:
        if not items:
            hint = "nothing is explained here; ask with `placet job run JOB --preview --record KEY`"
            console.print(hint, style="dim", markup=False)
        for one in items:
            console.print()
            console.print(visible(_head(one)), style="bold", markup=False)
            for indent, label, text in _lines(one):
                start = f"{indent}{label:<{LABEL}}  "
                console.print(start + beside(start, visible(text), console), markup=False)

    return print_explanations


def _head(one: Mapping[str, Any]) -> str:
    where = f" ({one['record']})" if one["record"] else ""
    return f"{one['key']}{where}: {(one['op'] or one['result']).replace('_', ' ')}"


def _lines(one: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "  ", "why", one["reason"]
    if entry := one["dn"] or one["id"]:
        yield "  ", "entry", entry
    if one["target"]:
        yield "  ", "is then", one["target"]
    for attribute in one["attributes"]:
        yield "  ", attribute["name"], _outcome(attribute)
        yield from (("    ", label, text) for label, text in _details(attribute))


def _outcome(attribute: Mapping[str, Any]) -> str:
    """`is set: Low → Smith`; where nothing is decided, that."""
    decision, reason = attribute["decision"], attribute["reason"]
    said = DECISIONS.get(decision, decision) if decision else "is not decided"
    if attribute["secret"]:
        said += ", and is shown to nobody"
    elif len(attribute["add"]) + len(attribute["remove"]) > 2:  # one value for another
        said += f": {_values(attribute['add'])} to add, {_values(attribute['remove'])} to remove"
    elif attribute["before"] is not None and attribute["after"] not in (None, attribute["before"]):
        said += f": {_values(attribute['before'])} → {_values(attribute['after'])}"
    return f"{said} ({reason})" if reason else said


def _details(attribute: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where it comes from, what is made of that, what the entry has."""
    if attribute["source"]:
        yield "source", ", ".join(f"{name}: {_values(some)}" for name, some in attribute["source"].items())
    if attribute["transform"]:
        yield "made", attribute["transform"]
    if attribute["secret"]:
        return
    if attribute["wanted"] is not None:
        yield "wanted", _values(attribute["wanted"])
    yield "there now", "not looked at" if attribute["before"] is None else _values(attribute["before"])


def _values(some: Sequence[str]) -> str:
    return ", ".join(some) or NOTHING
