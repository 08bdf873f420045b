"""Prometheus metrics of the scheduler."""

from prometheus_client import Counter, Gauge

FINISHED = Counter("placet_runs_finished_total", "Runs that are over, by how they ended", ["outcome"])
OPEN = Gauge("placet_runs_open", "Runs that are not over, by state", ["state"])
