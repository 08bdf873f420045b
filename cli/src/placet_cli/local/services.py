"""The services' processes and the environment that each is started with."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from .child import Child
from .home import SERVICES, Home

OURS = "PLACET_"
PASSED_ON = ("PLACET_SECRET_", "PLACET_FAILPOINT")
"""What services inherit besides the environment that is not ours."""


@dataclass(frozen=True)
class Addresses:
    """Where the servers are. `databases` has a URL for each service; `ports` one for each process."""

    kafka: str
    databases: Mapping[str, str]
    ports: Mapping[str, int]
    smtp_port: int
    embedded_kafka: bool


def service_children(home: Home, addresses: Addresses, workers: int) -> list[Child]:
    """One process for each service, and as many workers as asked."""
    rows = [(service, service) for service in SERVICES if service != "sync-worker"]
    rows += [("sync-worker", worker_name(number)) for number in range(workers)]
    return [_child(home, addresses, service, name) for service, name in rows]


def worker_name(number: int) -> str:
    return "sync-worker" if number == 0 else f"sync-worker-{number + 1}"


def environment(home: Home, addresses: Addresses, service: str, name: str) -> dict[str, str]:
    """Everything that a service reads from its environment."""
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(OURS) or key.startswith(PASSED_ON)
    }
    settings = home.settings
    own = {
        "DATABASE_URL": addresses.databases[service],
        "KAFKA": addresses.kafka,
        "KEY": str(home.private_key(service)),
        "PUBLIC_KEYS": str(home.public_keys),
        "INSTALLATION": settings["installation"],
        "EPOCH": str(settings["epoch"]),
        "HTTP_PORT": str(addresses.ports[name]),
        "LOG": "json",
        "SECRETS": str(home.folder / "secrets"),
        "FILES": str(home.folder.parent),
        "FILES_ABSOLUTE": "true",
        "SPOOL": str(home.folder / "spool"),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(addresses.smtp_port),
        "SMTP_SECURITY": "none",
        "SMTP_SENDER": "placet@localhost",
        "PUBLIC_URL": f"http://127.0.0.1:{addresses.ports['console']}",
        **{
            f"{other.replace('-', '_').upper()}_URL": f"http://127.0.0.1:{addresses.ports[other]}"
            for other in SERVICES[:4]
        },
    }
    if addresses.embedded_kafka:
        own["GROUP_INSTANCE_ID"] = name
    return inherited | {f"{OURS}{key}": value for key, value in own.items()}


def _child(home: Home, addresses: Addresses, service: str, name: str) -> Child:
    command = [sys.executable, "-m", f"placet_{service.replace('-', '_')}"]
    port = addresses.ports[name]
    log = home.logs / f"{name}.log"
    return Child(service, command, log, environment(home, addresses, service, name), port, lambda: ready(port))


def ready(port: int) -> bool:
    """Whether a service says that it can work."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
