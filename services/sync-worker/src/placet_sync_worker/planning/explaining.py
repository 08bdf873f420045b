"""Why a record or an entry becomes what it does, attribute by attribute. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from placet_shared.objects.wording import transform_in_words

from ..changes import AttributeChange, Change, Rejected
from ..mapping.script import columns_of as script_columns
from ..ports import PASSWORDS
from .comparing import Values
from .deciding import Entry
from .design import Design, Target
from .explanation import ExplainedAttribute, Explanation, MatchedBy, Verdict
from .sightings import Sighting

FOUND: Mapping[MatchedBy, str] = {
    "key": "its entry is found by the key",
    "folding": "its entry is found by the key, but only when case, spaces and accents are folded",
    "link": "its entry is found by the link of an earlier run: the key of the entry is another by now",
}

TAKEN_OVER = "a run of the whole job takes it for the same under another key, if no other record is like it"


def explain_record(
    design: Design,
    key: str,
    sighting: Sighting,
    found: tuple[Entry, MatchedBy] | None,
    decided: Change | Rejected | None,
    likeness: str | None = None,
) -> Explanation:
    """A record of the source. `decided` is what the plan has of it; None: nothing. `likeness`: the linked entry that a
    run of the whole job may take for its own."""
    entry, matched_by = found or (None, None)
    attributes = tuple(
        _of_target(design, number, sighting, entry, decided, hidden_columns(design))
        for number in range(len(design.targets))
    )
    change = decided if isinstance(decided, Change) else None
    if change is not None and change.op == "create":
        attributes += _given(design, change)
    result, reason = _verdict(design, matched_by, decided)
    if likeness is not None:
        reason += f"; but it has the name and the values of {likeness}, whose record is gone: {TAKEN_OVER}"
    return Explanation(
        key=key,
        record=sighting.record,
        result=result,
        reason=reason,
        op=change.op if change else None,
        id=entry.id if entry else None,
        dn=entry.dn if entry else change.dn if change else None,
        target=_target_of(change),
        matched_by=matched_by,
        attributes=attributes,
    )


def explain_extra(design: Design, key: str, entry: Entry, decided: Change | Rejected | str) -> Explanation:
    """An entry without a record. `decided`: what a run of the whole job does with it, or why it is left alone."""
    change = decided if isinstance(decided, Change) else None
    result: Verdict = "planned" if change else "rejected" if isinstance(decided, Rejected) else "left_alone"
    no_record = "no record of the source has this key"
    reason = f"{no_record}; extra: {design.job.extra}, in a run of the whole job" if change else ""
    if isinstance(decided, Rejected):
        reason = f"{no_record}, and {decided.attribute or 'its entry'} stands in the way: {decided.reason}"
    elif isinstance(decided, str):
        reason = f"{no_record}, and its entry is left alone: {decided}"
    values = zip(design.read, entry.values, strict=True)
    attributes = tuple(_of_extra(design, name, before, change) for name, before in values)
    return Explanation(
        key=key,
        result=result,
        reason=reason,
        op=change.op if change else None,
        id=entry.id,
        dn=entry.dn,
        target=_target_of(change),
        attributes=attributes,
    )


def explain_nothing(key: str) -> Explanation:
    """A key that neither side has."""
    reason = "no record of the source has this key, and no entry that the job's query finds; see how the key is written"
    return Explanation(key=key, result="not_found", reason=reason)


def hidden_columns(design: Design) -> frozenset[str]:
    """Columns of the source that are shown to nobody: passwords, and what passwords are made of."""
    used = [columns_of(design, target) for target in design.targets if is_secret(target)]
    named = [column for column in design.columns if _names_password(column)]
    return frozenset(named).union(*used)


def columns_of(design: Design, target: Target) -> Collection[str]:
    """The columns that an attribute is made of: of a script all that are read, where its text does not tell."""
    script = target.field.script
    if script is None:
        return target.field.columns
    named = _named_in(script)
    return design.columns if named is None else named


@cache
def _named_in(script: str) -> Collection[str] | None:
    named = script_columns(script)
    return None if named is None else sorted(named)


def is_secret(target: Target) -> bool:
    """Whether an attribute is shown to nobody."""
    return not target.attribute.readable or _names_password(target.name)


def _names_password(name: str) -> bool:
    return any(word in name.lower() for word in PASSWORDS)


def _verdict(design: Design, matched_by: MatchedBy | None, decided: Change | Rejected | None) -> tuple[Verdict, str]:
    place = FOUND[matched_by] if matched_by else "no entry has this key"
    match decided:
        case Rejected():
            return "rejected", _refusal(design, decided)
        case Change(op="create"):
            return "planned", f"{place}; missing: create"
        case Change():
            return "planned", f"{place}, and does not have all that the record wants"
        case _ if matched_by:
            return "unchanged", f"{place}, and has all that the record wants"
        case _:
            return "left_alone", f"{place}; missing: {design.job.missing}"


def _refusal(design: Design, rejected: Rejected) -> str:
    name = rejected.attribute
    if name is not None and any(target.name == name and is_secret(target) for target in design.targets):
        return f"{name}: its value cannot be used"
    return rejected.reason if name is None or name in rejected.reason else f"{name}: {rejected.reason}"


def _target_of(change: Change | None) -> str | None:
    return next((step.target for step in change.steps if step.target), None) if change else None


def _of_target(
    design: Design,
    number: int,
    sighting: Sighting,
    entry: Entry | None,
    decided: Change | Rejected | None,
    hidden: frozenset[str],
) -> ExplainedAttribute:
    target, wanted = design.targets[number], sighting.values[number]
    place = design.place.get(target.name)
    before = () if entry is None else None if place is None else entry.values[place]
    columns = columns_of(design, target)
    told = ExplainedAttribute(
        name=target.name,
        transform=transform_in_words(target.field),
        source={name: sighting.cells[name] for name in columns if name in sighting.cells and name not in hidden},
        wanted=wanted,
        before=before,
    )
    problem = sighting.problems.get(target.name) or next(
        (f"{name}: {reason}" for name, reason in sighting.faults.items() if name in columns), None
    )
    if isinstance(decided, Rejected):
        if decided.attribute == target.name:
            problem = problem or decided.reason
        told = replace(told, decision="rejected" if problem else None, reason=problem)
    elif target.field.only_on_create and entry is not None:
        reason = "only_on_create: it is written when the entry is made, and never after"
        told = replace(told, after=before, decision="only_on_create", reason=reason)
    elif isinstance(decided, Change) and (change := _change_of(decided, target.name)):
        told = _changed(design, told, change, decided)
    elif entry is not None or isinstance(decided, Change):
        told = _as_it_is(design, told, target, is_new=entry is None)
    return _secretive(told) if is_secret(target) else told


def _change_of(change: Change, name: str) -> AttributeChange | None:
    return next((one for one in change.attributes if one.name == name), None)


def _changed(design: Design, told: ExplainedAttribute, change: AttributeChange, whole: Change) -> ExplainedAttribute:
    told = replace(told, after=change.after, add=change.add, remove=change.remove)
    rename = next((step for step in whole.steps if step.what == "rename" and change.name in step.attributes), None)
    if rename is not None:
        return replace(told, decision="renamed", reason=f"it names the entry, which is {rename.target} then")
    if change.password:
        return replace(told, decision="set", reason="a password is made when the entry is written")
    if not change.after:
        return replace(told, decision="cleared", reason="the record gives no value, and empty_values: clear")
    names = whole.op == "create" and design.rdn is not None and design.rdn.name == change.name
    return replace(told, decision="set", reason="it names the new entry" if names else None)


def _as_it_is(design: Design, told: ExplainedAttribute, target: Target, *, is_new: bool) -> ExplainedAttribute:
    told = replace(told, after=told.before)
    if not told.wanted and told.before:
        return replace(told, decision="kept", reason="the record gives no value, and empty_values: keep")
    if is_new or not told.wanted:
        return replace(told, decision="unchanged", reason="the record gives no value")
    if set(told.wanted) == set(told.before or ()):
        return replace(told, decision="unchanged")
    if target.field.resolve is not None:
        return replace(told, decision="unchanged", reason="it refers to whom the record means")
    loose = target.field.compare == "matching_rule"
    how = "compare: matching_rule takes both for the same" if loose else "both are the same value, written differently"
    return replace(told, decision="unchanged", reason=how)


def _given(design: Design, change: Change) -> tuple[ExplainedAttribute, ...]:
    """What a new entry gets besides its fields."""
    targets = {target.name for target in design.targets}
    return tuple(
        ExplainedAttribute(
            name=one.name, before=(), after=one.after, add=one.add, decision="set",
            reason=f"each new {design.job.object_type or 'entry'} is given it",
        )
        for one in change.attributes
        if one.name not in targets
    )  # fmt: skip


def _of_extra(design: Design, name: str, before: Values, change: Change | None) -> ExplainedAttribute:
    told = ExplainedAttribute(name=name, before=before, after=before, decision="unchanged")
    if change is not None and change.op == "delete":
        told = replace(told, after=(), remove=before, decision="deleted" if before else "unchanged")
    elif change is not None and (one := _change_of(change, name)) and one.before != one.after:
        told = replace(told, after=one.after, add=one.add, remove=one.remove, decision="set")
    secret = _names_password(name) or any(target.name == name and is_secret(target) for target in design.targets)
    return _secretive(told) if secret else told


def _secretive(told: ExplainedAttribute) -> ExplainedAttribute:
    reason = None if told.decision == "rejected" else told.reason
    nothing: dict[str, Any] = {"source": {}, "wanted": None, "before": None, "after": None, "add": (), "remove": ()}
    return replace(told, **nothing, reason=reason, secret=True)
