"""Much, a part at a time. Pure."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")


def chunks(items: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    """Parts of a sequence, each of `size` but for the last."""
    return (items[first : first + size] for first in range(0, len(items), size))
