"""Prometheus metrics that all services have."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("placet_events_total", "Events by how they were settled", ["type", "settled"])
HANDLING = Histogram("placet_event_seconds", "Time to settle an event", ["type"])
ALARMS = Counter("placet_alarms_total", "Forged, replayed or altered: somebody should look", ["kind"])
OUTBOX = Gauge("placet_outbox_unsent", "Events that wait to be sent")
LETTERS = Counter("placet_dead_letters_total", "Messages that can never succeed", ["topic"])
