"""What the console needs besides what every service does: where it is for everybody, and where the others are."""

from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from placet_shared.settings import Settings


class ConsoleSettings(Settings):
    """Addresses such as `http://scheduler:8000`, without a path. `public_port`: of the one origin, which shows the API
    alone; probes and metrics are at `http_port`."""

    public_port: int = 8080
    scheduler_url: str
    sync_worker_url: str
    approvals_url: str
    notifier_url: str

    @model_validator(mode="after")
    def _two_ports(self) -> Self:
        if self.public_port == self.http_port:
            raise ValueError("PLACET_PUBLIC_PORT must not be PLACET_HTTP_PORT, where probes and metrics are")
        return self

    @property
    def urls(self) -> Mapping[str, str]:
        """The other services' addresses by their names."""
        return {
            "scheduler": self.scheduler_url,
            "sync-worker": self.sync_worker_url,
            "approvals": self.approvals_url,
            "notifier": self.notifier_url,
        }
