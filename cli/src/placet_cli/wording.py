"""Runs and their changes for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .following import OPERATIONS
from .output import Printer, fields

if TYPE_CHECKING:
    from rich.console import Console

COUNTED = (*OPERATIONS, "unchanged", "rejected", "unlinked")


def run_in_words(document: Mapping[str, Any]) -> Printer:
    """Its state, the plan's counts, the results."""
    plan, results = document["plan"], document["results"] or {}
    shown = {
        "run": document["id"],
        "job": document["job"] + (" (preview)" if document["preview"] else ""),
        "state": (document["outcome"] or document["state"]).replace("_", " "),
        "reason": document["reason"],
        "asked by": f"{document['requested_by']} ({document['trigger']})",
        "request": document["request"],
        "plan": _counts(plan or {}, COUNTED) or ("no records, no entries" if plan else None),
        "warnings": (plan or {}).get("warnings"),
        "results": _counts(results, results),
    }
    return fields(shown)


def changes_in_words(items: Sequence[Mapping[str, Any]]) -> Printer:
    """A line for each change, an indented line for each of its attributes."""

    def print_changes(console: "Console") -> None:
        if not items:
            console.print("no changes", style="dim")
        for one in items:
            outcome = f"  → {one['result'].replace('_', ' ')}" if one["op"] and one["result"] else ""
            head = f"{one['op'] or 'rejected':<8} {one['key'] or '?'}  {one['dn'] or one.get('record') or ''}{outcome}"
            console.print(head, markup=False)
            if one["reason"]:
                console.print(f"           {one['reason']}", markup=False)
            for attribute in one["attributes"]:
                console.print(f"           {attribute['name']:<20} {_values(attribute)}", markup=False)

    return print_changes


def _counts(found: Mapping[str, Any], names: Iterable[str]) -> str:
    return ", ".join(f"{found[name]} {name.replace('_', ' ')}" for name in names if found.get(name))


def _values(attribute: Mapping[str, Any]) -> str:
    if "count" in attribute:
        return f"{len(attribute['add'])} to add, {len(attribute['remove'])} to remove, {attribute['count']} then"
    before, after = ", ".join(attribute["before"]), ", ".join(attribute["after"])
    if not before:
        return after
    return f"{before} → {after or '(nothing)'}"
