"""What the console needs besides what every service does: where the other services are."""

from collections.abc import Mapping

from placet_shared.settings import Settings


class ConsoleSettings(Settings):
    """Addresses such as `http://scheduler:8000`, without a path."""

    scheduler_url: str
    sync_worker_url: str
    approvals_url: str
    notifier_url: str

    @property
    def urls(self) -> Mapping[str, str]:
        """The other services' addresses by their names."""
        return {
            "scheduler": self.scheduler_url,
            "sync-worker": self.sync_worker_url,
            "approvals": self.approvals_url,
            "notifier": self.notifier_url,
        }
