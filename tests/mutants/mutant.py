"""What a mutant is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One broken rule: `old`, which stands once in `file`, becomes `new`, and one of `tests` (node ids) must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
