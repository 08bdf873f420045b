"""Runs and their changes for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .following import OPERATIONS
from .output import Printer, beside, fields, visible

if TYPE_CHECKING:
    from rich.console import Console

INDENT = " " * 11
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
        "requested_at": document["requested_at"],
        "finished_at": document["finished_at"],
        "request": document["request"],
        "plan": counted(plan or {}, COUNTED) or ("no records, no entries" if plan else None),
        "warnings": (plan or {}).get("warnings"),
        "results": counted(results, results),
    }
    return fields(shown)


def changes_in_words(items: Sequence[Mapping[str, Any]]) -> Printer:
    """A line for each change, an indented line for each of its attributes."""

    def print_changes(console: "Console") -> None:
        if not items:
            console.print("no changes", style="dim")
        for one in items:
            console.print(visible(_head(one)), markup=False)
            if one["reason"]:
                console.print(INDENT + beside(INDENT, visible(one["reason"]), console), markup=False)
            for attribute in one["attributes"]:
                label = f"{INDENT}{attribute['name']:<20} "
                console.print(label + beside(label, visible(_values(attribute)), console), markup=False)

    return print_changes


def _head(change: Mapping[str, Any]) -> str:
    """What is done to whom, and what came of it; a line that terminals wrap themselves, so that a DN can be copied."""
    outcome = f"  → {change['result'].replace('_', ' ')}" if change["op"] and change["result"] else ""
    whom = f"{change['key'] or '?'}  {change['dn'] or change.get('record') or ''}"
    return f"{change['op'] or 'rejected':<{len(INDENT) - 3}} {whom}{outcome}"


def counted(found: Mapping[str, Any], names: Iterable[str]) -> str:
    """Counts that are not zero: `3 create, 1 move`."""
    return ", ".join(f"{found[name]} {name.replace('_', ' ')}" for name in names if found.get(name))


def _values(attribute: Mapping[str, Any]) -> str:
    if "count" in attribute:
        return f"{len(attribute['add'])} to add, {len(attribute['remove'])} to remove, {attribute['count']} then"
    before, after = ", ".join(attribute["before"]), ", ".join(attribute["after"])
    if not before:
        return after
    return f"{before} → {after or '(nothing)'}"
