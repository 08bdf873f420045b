"""The circuit breaker: a server that does not work is left alone for a moment by everything that goes its way."""

from .deliveries import Later, Outcome, Unusable
from .ports import Route

REST_SECONDS = 20.0


class Resting:
    """Routes that rest, and why. Kept by each process for itself; `now` counts seconds on any steady clock."""

    def __init__(self) -> None:
        self._until: dict[Route, tuple[float, Later | Unusable]] = {}

    def why(self, route: Route, now: float) -> Later | Unusable | None:
        """What happened to the one who tried last, while the route rests."""
        until, outcome = self._until.get(route, (now, None))
        return outcome if now < until else None

    def learn(self, route: Route, outcome: Outcome, now: float) -> None:
        """An outcome that says something about the server makes the route rest, or ends its rest."""
        for old in [old for old, (until, _) in self._until.items() if until <= now]:
            del self._until[old]
        match outcome:
            case Unusable() | Later(everywhere=True):
                self._until[route] = (now + REST_SECONDS, outcome)
            case _:
                self._until.pop(route, None)
