"""How many alarms this process has raised."""

from placet_shared.metrics import ALARMS


def alarms(kind: str) -> float:
    """Of one kind, so far."""
    return float(ALARMS.labels(kind)._value.get())
