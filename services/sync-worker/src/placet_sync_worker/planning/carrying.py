"""What gets another name because an entry above it does. Pure."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..errors import InvalidNameError, UnknownAttributeError
from ..ports import Naming
from .comparing import lenient
from .referrers import Going

PLACES = 4_096
"""Entries of which it is kept in mind which renamed one carries them."""


@dataclass(frozen=True)
class Carrying:
    """`renamed` are entries that others may stand below: these are carried along."""

    renamed: Collection[Going]
    naming: Naming

    def carried(self, id_: str, dn: str) -> Going | None:
        """The entry as one that is renamed too, if it is carried."""
        try:
            parts, above = self.naming.split(dn)
        except (InvalidNameError, UnknownAttributeError):
            return None
        carrier = self._carrier(above)
        return carrier and Going(id_, dn, self.naming.join(parts, str(carrier.then)), carrier.phase)

    def named_among(self, values: Iterable[str]) -> Iterable[str]:
        """Those of the values that name what is carried, if it is there."""
        return (value for value in values if self.carried("", value)) if self.renamed else ()

    def outermost(self) -> Collection[Going]:
        """The renamed entries that no other one carries."""
        return [one for one in self.renamed if not self.carried("", one.dn)]

    @cached_property
    def _carrier(self) -> Callable[[str], Going | None]:
        """What an entry, by its name, takes those along with that stand right below it."""
        key = lenient(self.naming.key)
        by_name = {key(one.dn): one for one in self.renamed}

        @lru_cache(PLACES)
        def carrier(name: str) -> Going | None:
            return (by_name.get(key(name)) or self.carried("", name)) if name else None

        return carrier
