"""What becomes of one attribute of an entry. Pure."""

from collections.abc import Callable, Iterable, Sequence

from ..changes import AttributeChange, Phase, Step
from ..ports import Attribute
from .design import Target

MOST_VALUES = 1_000
"""Values that one modify adds and removes."""

Values = tuple[str, ...]


class Refused(Exception):  # noqa: N818  # the way out of a decision, not an error of the worker
    """A record cannot be planned: which attribute is at fault, if one is, and why."""

    def __init__(self, attribute: str | None, reason: str) -> None:
        super().__init__(reason)
        self.attribute, self.reason = attribute, reason


def lenient(form: Callable[[str], str] | None) -> Callable[[str], str]:
    """The form of a value; the value itself where the syntax does not allow it, since a store may have such values."""

    def of(value: str) -> str:
        try:
            return form(value) if form else value
        except ValueError:
            return value

    return of


def compare(target: Target, before: Values, after: Values, *, clear: bool, required: bool) -> AttributeChange | None:
    """The change from one set of values to another; None where they are equal, or empty ones are to be kept."""
    if any("\0" in value for value in before):
        raise Refused(target.name, "its entry has a NUL character in it; mend the entry by hand")
    if not after:
        if not before or not clear:
            return None
        if required:
            raise Refused(target.name, f"{target.name} cannot be cleared: the object type needs it")
        return AttributeChange(target.name, before, ())
    form = lenient(target.form)
    old, new = {form(value): value for value in before}, {form(value): value for value in after}
    if old.keys() == new.keys():
        return None
    return AttributeChange(target.name, before, tuple(old.get(key, value) for key, value in new.items()))


def compare_name(
    target: Target, before: Values, after: Values, named: str, *, clear: bool
) -> tuple[AttributeChange | None, str]:
    """The change of an attribute that names its entry, and the value that names it then.

    One wanted value takes the place of the one in the DN; the attribute's other values are kept.
    """
    form, fold = lenient(target.form), lenient(target.attribute.fold)
    if not after and clear:
        raise Refused(target.name, f"{target.name} cannot be cleared: it names the entry")
    if not after:
        return None, named
    if len(after) > 1:
        change = compare(target, before, after, clear=False, required=True)
        if change is not None and form(named) not in {form(value) for value in change.after}:
            reason = f"{target.name} names the entry and is to change among {len(after)} values; map one value to it"
            raise Refused(target.name, reason)
        return change, named
    new = next((value for value in before if fold(value) == fold(after[0]) != fold(named)), after[0])
    kept = tuple(value for value in before if fold(value) not in (fold(named), fold(new)))
    change = AttributeChange(target.name, before, (new, *kept))
    if form(after[0]) != form(named):
        return change, after[0]
    return (None if form(new) in {form(value) for value in before} else change), named


def modifies(changes: Iterable[AttributeChange], attribute: Callable[[str], Attribute], phase: Phase) -> list[Step]:
    """Steps that write these changes, with at most 1,000 values in each; a replace cannot be cut into parts."""
    steps: list[Step] = []
    together: list[str] = []
    values = 0
    for change in changes:
        size = len(change.add) + len(change.remove)
        if size > MOST_VALUES and attribute(change.name).has_equality:
            steps += _parts(change.name, size, phase)
            continue
        if together and values + size > MOST_VALUES:
            steps.append(Step("modify", phase, attributes=tuple(together)))
            together, values = [], 0
        together.append(change.name)
        values += size
    if together:
        steps.append(Step("modify", phase, attributes=tuple(together)))
    return steps


def _parts(name: str, size: int, phase: Phase) -> Sequence[Step]:
    return [
        Step("modify", phase, attributes=(name,), part=(first, min(first + MOST_VALUES, size)))
        for first in range(0, size, MOST_VALUES)
    ]
