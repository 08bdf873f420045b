"""Prometheus metrics of the notifier."""

from prometheus_client import Counter

ATTEMPTS = Counter("placet_notifications_total", "Attempts to send, by what they led to", ["channel", "state"])
"""`state` is the delivery's after the attempt; those that become uncertain want somebody's eye."""
LOST = Counter("placet_notifications_lost_total", "Deliveries whose sender was gone", ["state"])
