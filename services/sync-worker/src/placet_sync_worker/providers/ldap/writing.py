"""Operations of one call on their way: many in flight, none before what it depends on, none after its deadline."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from placet_shared.clock import boot_seconds

from ...ports import Answer, Operation
from .errors import UnreachableError
from .names import dn_keys
from .wire import Ending
from .words import refusal

IN_FLIGHT = 100


class Wire(Protocol):
    """A connection that carries writes. `deadline` is on CLOCK_BOOTTIME. Both raise UnreachableError, after which
    nothing more goes over it."""

    def post(self, operations: Sequence[Operation], deadline: float) -> list[int]:
        """Sends all; a number for each."""
        ...

    def endings(self, deadline: float) -> list[tuple[int, Ending]]:
        """Waits until something has come: how operations ended, by their numbers."""
        ...


@dataclass
class Writing:
    """An operation waits for those in flight at the entry above and below its own."""

    wire: Wire
    operations: Sequence[Operation]
    deadline: float
    _in_flight: dict[int, int] = field(default_factory=dict)
    _endings: dict[int, Ending] = field(default_factory=dict)
    _keys: dict[int, tuple[str, str]] = field(default_factory=dict)
    _at: Counter[str] = field(default_factory=Counter)
    _below: Counter[str] = field(default_factory=Counter)
    """How many are in flight at an entry, and below it."""
    _sent: int = 0

    def answers(self) -> list[Answer]:
        """One answer each, in order."""
        why = "the time of the batch was up before it was sent"
        try:
            self._run()
        except UnreachableError as error:
            why = str(error)
        return [self._answer(place, why) for place in range(len(self.operations))]

    def _run(self) -> None:
        """Until every operation is answered, or none may be sent any more. Raises UnreachableError."""
        while self._sent < len(self.operations) or self._in_flight:
            if boot_seconds() < self.deadline:
                self._send_some()
            elif not self._in_flight:
                return
            for number, ending in self.wire.endings(self.deadline):
                place = self._in_flight.pop(number)
                self._endings[place] = ending
                own, above = self._keys.pop(place)
                self._at[own] -= 1
                self._below[above] -= 1

    def _send_some(self) -> None:
        """As many as may be in flight, in one go."""
        first = self._sent
        while self._sent < len(self.operations) and len(self._keys) < IN_FLIGHT:
            own, above = dn_keys(self.operations[self._sent].dn)
            if self._at[above] or self._at[own] or self._below[own]:
                break
            self._keys[self._sent] = own, above
            self._at[own] += 1
            self._below[above] += 1
            self._sent += 1
        if self._sent > first:
            numbers = self.wire.post(self.operations[first : self._sent], self.deadline)
            self._in_flight |= dict(zip(numbers, range(first, self._sent), strict=True))

    def _answer(self, place: int, why: str) -> Answer:
        ending = self._endings.get(place)
        if ending is None:
            return Answer(None, why, sent=place < self._sent)
        message = "" if ending.code == 0 else refusal(ending.code, ending.diagnostic, self.operations[place])
        return Answer(ending.code, message, diagnostic=ending.diagnostic, entry=ending.entry)
