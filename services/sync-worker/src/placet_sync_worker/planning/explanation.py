"""What is told of one record, or of an entry without one. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..changes import Op
from .comparing import Values

LONGEST = 1_000
"""Characters of a value that are kept."""

MatchedBy = Literal["key", "folding", "link"]
Verdict = Literal["planned", "unchanged", "rejected", "left_alone", "not_found"]
Decision = Literal["unchanged", "set", "cleared", "kept", "only_on_create", "renamed", "deleted", "rejected"]


@dataclass(frozen=True, slots=True)
class ExplainedAttribute:
    """One attribute. `source`: the cells that it is made of; `wanted`: what the transform makes of them; `before`: what
    the entry has, None where that is not looked at; `after`: what it has then, None where nothing is decided.

    Of a password only the decision is told (`secret`).
    """

    name: str
    transform: str | None = None
    source: Mapping[str, Values] = field(default_factory=dict)
    wanted: Values | None = None
    before: Values | None = None
    after: Values | None = None
    add: Values = ()
    remove: Values = ()
    decision: Decision | None = None
    reason: str | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """One record and its entry, or an entry without a record. `record`: where it stands in the source; `target`: the
    entry's name after the change, where that is another."""

    key: str
    result: Verdict
    reason: str
    record: str | None = None
    op: Op | None = None
    id: str | None = None
    dn: str | None = None
    target: str | None = None
    matched_by: MatchedBy | None = None
    attributes: tuple[ExplainedAttribute, ...] = ()

    def document(self) -> dict[str, Any]:
        """In the shape that is stored and shown: plain JSON, without NUL characters, long values cut."""
        cut: dict[str, Any] = _cut(asdict(self))
        return cut


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        text = value.replace("\0", "\\00")
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
    if isinstance(value, Mapping):
        return {name: _cut(one) for name, one in value.items()}
    return [_cut(one) for one in value] if isinstance(value, list | tuple) else value
