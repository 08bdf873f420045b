"""Runs and their changes for people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .following import OPERATIONS, Result, list_of
from .output import Printer, beside, fields, moment, visible

if TYPE_CHECKING:
    from rich.console import Console

INDENT = " " * 11
COUNTED = (*OPERATIONS, "unchanged", "rejected", "unlinked")


def run_in_words(document: Mapping[str, Any], *, with_lists: bool = True) -> Printer:
    """Its state, the plan's counts, the results, and what lists the rejected records unless that is said elsewhere."""
    plan, results = document["plan"], document["results"] or {}
    shown = {
        "run": document["id"],
        "job": job_of(document),
        "state": (document["outcome"] or document["state"]).replace("_", " "),
        "reason": document["reason"],
        "asked by": _asker(document),
        "requested_at": document["requested_at"],
        "finished_at": document["finished_at"],
        "request": document["request"],
        "plan": counted(plan or {}, COUNTED) or ("no records, no entries" if plan else None),
        "rejected": rejected_in_words(document["id"], (plan or {}).get("rejected", 0)) if with_lists else None,
        "unlinked": unlinked_in_words((plan or {}).get("unlinked", 0)),
        "warnings": (plan or {}).get("warnings"),
        "results": counted(results, results),
    }
    return fields(shown)


def mark_in_words(mark: Mapping[str, Any]) -> str:
    """How far a job that reads only what changed has read."""
    if not mark:
        return "read: nothing yet; the next run reads everything"
    where = f"up to {mark['stamp']}" if mark["stamp"] else "no stamp to go on from; the next run reads everything"
    waiting = mark["waiting"]
    tries = f"; {waiting} {'key waits' if waiting == 1 else 'keys wait'} for another try" if waiting else ""
    return f"read: {where} (run {mark['run_id']}, {moment(mark['moved_at'])}){tries}"


def request_in_words(document: Mapping[str, Any]) -> Printer:
    """A request: what would change, why people are asked, who decides and who has."""
    counts = document["counts"]
    shown = {
        "request": document["id"],
        "job": document["job"],
        "state": document["state"],
        "asked by": f"{document['requested_by']} ({document['trigger']})",
        "opened_at": document["opened_at"],
        "expires_at": document["expires_at"],
        "plan": counted(counts, COUNTED),
        "changes": f"see `placet run changes {document['run_id']}`",
        "attributes": document["by_attribute"],
        "rejected": rejected_in_words(document["run_id"], counts.get("rejected", 0)),
        "unlinked": unlinked_in_words(counts.get("unlinked", 0)),
        "safety": document["safety"],
        "warnings": document["warnings"],
        "reasons": document["reasons"],
        "approvers": document["approvers"],
        "votes": votes_of(document),
        "can approve": who_could(document),
        "said": [_vote(vote) for vote in document["votes"]],
        "decided by": document["decided_by"],
        "decided_at": document["decided_at"],
        "comment": document["comment"],
        "digest": document["digest"],
    }
    return fields(shown)


def votes_of(document: Mapping[str, Any]) -> str:
    """`1 of 2`; a denial needs no other."""
    if any(vote["decision"] == "deny" for vote in document["votes"]):
        return "denied"
    return f"{len(document['votes'])} of {document['need']}"


def who_could(document: Mapping[str, Any]) -> str | None:
    """Who can still approve an open request, and whether that is enough."""
    if document["state"] != "open" or "can_approve" not in document:
        return None
    can, voted = document["can_approve"], len(document["votes"])
    need = 1 if document["need"] == "all" else document["need"]
    names = ", ".join(can) or "nobody"
    if voted + len(can) >= need:
        return names
    return f"{names}, which is not enough; make approvers with `placet user add` or `placet user change`"


def _vote(vote: Mapping[str, Any]) -> str:
    comment = f": {vote['comment']}" if vote["comment"] else ""
    verb = "approved" if vote["decision"] == "approve" else "denied"
    return f"{vote['user']} {verb} at {moment(vote['at'])}{comment}"


def _asker(document: Mapping[str, Any]) -> str:
    """`event: new hires loaded`, `ada (manual)`."""
    by, trigger, reason = document["requested_by"], document["trigger"], document.get("trigger_reason")
    return (by if by == trigger else f"{by} ({trigger})") + (f": {reason}" if reason else "")


def job_of(document: Mapping[str, Any]) -> str:
    """A run's job, and whether it is a preview."""
    return str(document["job"]) + (" (preview)" if document["preview"] else "")


def rejected_in_words(run_id: str, count: int) -> str | None:
    """How many records have no change, and what lists them; None for none."""
    if not count:
        return None
    were = "record was" if count == 1 else "records were"
    return f"{count} {were} rejected; see `{list_of(run_id, Result.REJECTED)}`"


def unlinked_in_words(count: int) -> str | None:
    """What the count of the plan means; None for none."""
    if not count:
        return None
    return f"{count} {'entry' if count == 1 else 'entries'} without a record, never this job's: left alone"


def changes_in_words(items: Sequence[Mapping[str, Any]], rest: str | None = None) -> Printer:
    """A line for each change, an indented line for each of its attributes; `rest` is what there is besides."""

    def print_changes(console: "Console") -> None:
        if not items:
            console.print("no changes", style="dim")
        for one in items:
            console.print(visible(_head(one)), markup=False)
            for label, text in _lines(one):
                console.print(label + beside(label, visible(text), console), markup=False)
        if rest:
            console.print(rest, markup=False)

    return print_changes


def _lines(change: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What stands below a change: labels and texts."""
    if reason := change["reason"]:
        about = change.get("attribute")
        yield INDENT, reason if about is None or about in reason else f"{about}: {reason}"
    target = next((step["target"] for step in change["steps"] if step.get("target")), None)
    if target:
        yield f"{INDENT}{'is then':<20} ", target
    for attribute in filter(_tells, change["attributes"]):
        yield f"{INDENT}{attribute['name']:<20} ", _values(attribute, new=change["op"] == "create")


def _tells(attribute: Mapping[str, Any]) -> bool:
    """Not what was empty and stays so, which is a condition of a removal."""
    return any(attribute.get(name) for name in ("before", "after", "password", "count", "add", "remove"))


def _head(change: Mapping[str, Any]) -> str:
    """What is done to whom, and what came of it; a line that terminals wrap themselves, so that a DN can be copied."""
    outcome = f"  → {change['result'].replace('_', ' ')}" if change["op"] and change["result"] else ""
    whom = f"{change['key'] or '?'}  {change['dn'] or change.get('record') or ''}"
    return f"{change['op'] or 'rejected':<{len(INDENT) - 3}} {whom}{outcome}"


def counted(found: Mapping[str, Any], names: Iterable[str]) -> str:
    """Counts that are not zero: `3 create, 1 move`."""
    return ", ".join(f"{found[name]} {name.replace('_', ' ')}" for name in names if found.get(name))


def _values(attribute: Mapping[str, Any], *, new: bool) -> str:
    if "count" in attribute:
        return f"{len(attribute['add'])} to add, {len(attribute['remove'])} to remove, {attribute['count']} then"
    if attribute.get("password"):
        return "(a password, made when it is written)"
    before, after = ", ".join(attribute["before"]), ", ".join(attribute["after"])
    return after if new else f"{before or '(nothing)'} → {after or '(nothing)'}"
