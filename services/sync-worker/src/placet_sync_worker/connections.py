"""Opens providers by their type. A new connector is a file in `providers/`, or a folder with its
`provider.py`, and its line in `app.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from placet_shared.objects import Job, Provider

from .errors import WorkerError
from .ports import Destination, Source
from .providers.surroundings import Surroundings
from .tasks import Writer


class CannotDoError(WorkerError):
    """This type of provider cannot do that."""


@dataclass(frozen=True)
class Connector:
    """What a type of provider can do; `writer` gets the open destination and the job's key attributes.

    `test` tries the provider step by step (`step`, `ok`, `message`), up to the first that fails. `keyed_destination` is
    a destination that has no ids of its own: its entries are told apart by the job's key attributes, which it gets.
    """

    source: Callable[[Any, Surroundings], Source]
    test: Callable[[Any, Surroundings], list[dict[str, Any]]]
    destination: Callable[[Any, Surroundings], Destination] | None = None
    keyed_destination: Callable[[Any, Surroundings, tuple[str, ...]], Destination] | None = None
    writer: Callable[[Any, tuple[str, ...]], Writer] | None = None


@dataclass(frozen=True)
class Connections:
    """Opens what jobs refer to. `keeps_passwords`: there is a key to keep made passwords with."""

    connectors: Mapping[str, Connector]
    surroundings: Surroundings
    keeps_passwords: bool = False

    def source(self, provider: Provider) -> Source:
        return self.connectors[provider.type].source(provider, self.surroundings)

    def destination(self, provider: Provider, job: Job | None = None) -> Destination:
        """A job's destination, or a store that is only looked at."""
        connector = self.connectors[provider.type]
        if connector.keyed_destination is not None and job is not None:
            return connector.keyed_destination(provider, self.surroundings, tuple(pair.destination for pair in job.key))
        if connector.destination is None:
            raise CannotDoError(f"{provider.name}: {provider.type} can only be a source; choose another destination")
        return connector.destination(provider, self.surroundings)

    def test(self, provider: Provider) -> dict[str, Any]:
        """What `placet provider test` shows: `ok`, and the steps."""
        steps = self.connectors[provider.type].test(provider, self.surroundings)
        return {"ok": all(step["ok"] for step in steps), "steps": steps}

    def writer(self, provider: Provider, destination: Destination, keys: tuple[str, ...]) -> Writer:
        connector = self.connectors[provider.type]
        if connector.writer is None:
            raise CannotDoError(f"{provider.name}: {provider.type} cannot be written to; choose another destination")
        return connector.writer(destination, keys)
