"""From changes to a plan: salted hashes, batches of one phase, digests. Pure and deterministic."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from msgspec import json

from placet_shared.chain import sha256

from .changes import Change, Op, Phase

BATCH_SIZE = 200
SALT_SIZE = 16

Item = tuple[int, tuple[int, ...]]
"""The position of a change in the plan, and the numbers of its steps that are meant."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 200 changes of one phase, or a whole plan. `index` counts within the phase."""

    phase: Phase
    index: int
    items: tuple[Item, ...]
    digest: str


canonical = json.Encoder(order="sorted").encode
"""RFC 8785 for changes, and for documents of texts, small integers, nulls, lists and objects with ASCII names.

Raises ValueError for a lone surrogate. It is what rfc8785.dumps gives, fifty times as fast; a property test holds it to
that."""

parse_change = json.Decoder(Change).decode
"""A change from its JSON, canonical or not. Raises ValueError where it is none."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A change as it is hashed and stored. `phases` are those of its steps; `document` is canonical."""

    key: str
    op: Op
    phases: tuple[Phase, ...]
    document: bytes

    @classmethod
    def of(cls, change: Change) -> Self:
        return cls(change.key, change.op, tuple(step.phase for step in change.steps), canonical(change))

    def change(self) -> Change:
        return parse_change(self.document)


def change_hash(document: bytes, salt: bytes) -> str:
    """The hash of a canonical change, also of one that was read back from the database."""
    return sha256(salt + document)


def batch_digest(phase: Phase, index: int, items: Iterable[tuple[str, Sequence[int]]]) -> str:
    """Over the phase, the index and, in order, the changes' hashes and step numbers."""
    document = [phase.value, index, [[hash_, [*steps]] for hash_, steps in items]]
    return sha256(canonical(document))


def plan_digest(batches: Iterable[tuple[Phase, int, str]]) -> str:
    """Over the ordered list of (phase, index, digest)."""
    document = [[phase.value, index, digest] for phase, index, digest in batches]
    return sha256(canonical(document))


def arrange(changes: Iterable[tuple[str, Sequence[Phase]]]) -> tuple[Batch, ...]:
    """The batches of changes that come as (hash, phase of each step), in the order of the plan and of the phases."""
    waiting: dict[Phase, list[tuple[Item, str]]] = {phase: [] for phase in Phase}
    for position, (hash_, phases) in enumerate(changes):
        for phase in dict.fromkeys(phases):
            numbers = tuple(number for number, one in enumerate(phases) if one is phase)
            waiting[phase].append(((position, numbers), hash_))
    return tuple(batch for phase in Phase for batch in _batches(phase, waiting[phase]))


def arrange_whole(changes: Iterable[tuple[str, Sequence[Phase]]]) -> tuple[Batch, ...]:
    """All changes as one batch, of any number and of all phases: for what is written as a whole, as a file is."""
    items = [((number, tuple(range(len(phases)))), hash_) for number, (hash_, phases) in enumerate(changes)]
    return (_batch(Phase.UPDATE, 0, items),) if items else ()


def _batches(phase: Phase, items: list[tuple[Item, str]]) -> Iterator[Batch]:
    for index, first in enumerate(range(0, len(items), BATCH_SIZE)):
        yield _batch(phase, index, items[first : first + BATCH_SIZE])


def _batch(phase: Phase, index: int, items: list[tuple[Item, str]]) -> Batch:
    digest = batch_digest(phase, index, [(hash_, steps) for (_, steps), hash_ in items])
    return Batch(phase, index, tuple(item for item, _ in items), digest)
