"""An alarm is logged and counted: somebody forged, replayed or altered something."""

import structlog

from .metrics import ALARMS

log = structlog.get_logger()


def raise_alarm(kind: str, **ids: object) -> None:
    """Says so in the log and in `placet_alarms_total`; the caller decides what else happens."""
    ALARMS.labels(kind).inc()
    log.error("alarm", kind=kind, **ids)
