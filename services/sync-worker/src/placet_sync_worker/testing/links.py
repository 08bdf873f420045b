"""Links in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FakeLinks:
    """The `Links` of a job: shown keys by the ids of entries, of which some are only `half_made`; `others` are the ids
    of those that other jobs are linked to. None at all unless they are given."""

    keys: Mapping[str, str] = field(default_factory=dict)
    half_made: Collection[str] = ()
    others: Collection[str] = ()

    def all(self) -> list[tuple[str, str]]:
        return list(self.keys.items())

    def of(self, keys: Sequence[str], ids: Sequence[str]) -> list[tuple[str, str]]:
        return [(id_, key) for id_, key in self.keys.items() if key in keys or id_ in ids]

    def unfinished(self) -> Collection[str]:
        return self.half_made

    def elsewhere(self, ids: Sequence[str]) -> set[str]:
        return set(ids).intersection(self.others)
