"""The changes of a plan, put away one by one and counted, so that memory does not grow with their number."""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import json

from ..changes import Change, Phase, Rejected
from ..plan import Draft


@dataclass
class Decisions:
    """A change is called by its position; one that is refused later stays in the file and is none any more."""

    folder: Path
    rejected: list[Rejected] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_attribute: Counter[str] = field(default_factory=Counter)
    refused: set[int] = field(default_factory=set)
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    """The records of the changes, by their places in the source."""
    lost: "array[int]" = field(default_factory=lambda: array("q"))
    """Those of which no change was made."""

    def write(self, decided: Iterator[tuple[str, int, Change | Rejected]]) -> Iterator[tuple[int, Change]]:
        """Puts away what comes as (where the record stands, its number, what becomes of it); gives what is a change
        with its position."""
        with self._path.open("wb") as file:
            for record, number, one in decided:
                if isinstance(one, Rejected):
                    self.rejected.append(one)
                    self.lost.append(number)
                    continue
                position = len(self.numbers)
                self.numbers.append(number)
                self.count(one, 1)
                draft = Draft.of(one)
                head = (record, draft.key, draft.op, draft.phases)
                file.write(b"%s\0%s\n" % (json.encode(head), draft.document))
                yield position, one

    def read(self) -> Iterator[tuple[int, str, Draft]]:
        """Position, where the record stands, the change without its image: of those that are not refused."""
        with self._path.open("rb") as file:
            for position, line in enumerate(file):
                if position not in self.refused:
                    head, _, document = line[:-1].partition(b"\0")
                    record, key, op, phases = json.decode(head)
                    yield position, record, Draft(key, op, tuple(map(Phase, phases)), document)

    def refuse(self, position: int, change: Change, rejected: Rejected) -> None:
        """The change is none, and its record is rejected."""
        self.refused.add(position)
        self.rejected.append(rejected)
        self.count(change, -1)

    def count(self, change: Change, by: int) -> None:
        """Once more, or once less."""
        self.counts[change.op] += by
        for attribute in change.attributes if change.op != "delete" else ():
            self.by_attribute[attribute.name] += by * (attribute.before != attribute.after or attribute.password)

    @property
    def _path(self) -> Path:
        return self.folder / "decisions"
