"""What writing to a directory needs of an identity store."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ..changes import AttributeChange
from ..ports import Attribute, Directory, Naming, Safety


class DirectoryStore(Protocol):
    """An identity store, as far as writing needs it."""

    @property
    def base_dn(self) -> str: ...

    @property
    def id_attribute(self) -> str: ...

    @property
    def version_attribute(self) -> str: ...

    @property
    def directory(self) -> Directory: ...

    @property
    def naming(self) -> Naming:
        """Which DNs are the same name."""
        ...

    @property
    def unique(self) -> Sequence[str]:
        """Attributes whose values only one entry may have."""
        ...

    @property
    def guards(self) -> Sequence[str]:
        """Attributes that tell whether an entry is protected."""
        ...

    def guarded(self, values: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether the guards say that no run may touch the entry."""
        ...

    @property
    def keeps_references(self) -> bool:
        """Whether the server itself changes references to what is renamed or deleted."""
        ...

    def safety(self) -> Safety: ...

    def answers_with_entries(self) -> bool: ...

    def attribute(self, name: str) -> Attribute: ...

    def id_filter(self, id_: str) -> str: ...

    def address(self, id_: str) -> str | None: ...

    def on_wire(self, name: str) -> str: ...

    def composed(
        self, changes: Sequence[AttributeChange], now: Mapping[str, tuple[str, ...]]
    ) -> Sequence[AttributeChange]: ...

    def encode(self, name: str, values: Sequence[str]) -> tuple[bytes, ...]: ...

    def text(self, name: str, value: bytes) -> str: ...
