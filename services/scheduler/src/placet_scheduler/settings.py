"""The scheduler's settings."""

from placet_shared.settings import Settings


class SchedulerSettings(Settings):
    """`sync_worker_url`: where providers, queries and jobs are tried. `smtp_host`: the notifier has mail of its own."""

    sync_worker_url: str | None = None
    smtp_host: str | None = None
