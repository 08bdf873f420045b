"""The services' processes and the environment that each is started with."""

import http.client
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from placet_shared.settings import OF_THE_COMMAND

from .child import Child
from .home import SERVICES, Home


@dataclass(frozen=True)
class Addresses:
    """Where the servers are. `databases` has a URL for each service; `ports` one for each process, and `public`, where
    the console is for everybody."""

    kafka: str
    databases: Mapping[str, str]
    ports: Mapping[str, int]
    embedded_kafka: bool


def service_children(home: Home, addresses: Addresses, workers: int) -> list[Child]:
    """One process for each service, and as many workers as asked."""
    rows = [(service, service) for service in SERVICES if service != "sync-worker"]
    rows += [("sync-worker", worker_name(number)) for number in range(workers)]
    return [_child(home, addresses, service, name) for service, name in rows]


def worker_name(number: int) -> str:
    return "sync-worker" if number == 0 else f"sync-worker-{number + 1}"


def environment(home: Home, addresses: Addresses, service: str, name: str) -> dict[str, str]:
    """Everything that a service reads: what the stack decides, then what was inherited, then what is usual."""
    inherited = {key: value for key, value in os.environ.items() if key not in OF_THE_COMMAND}
    return _usual(home, addresses) | inherited | _decided(home, addresses, service, name)


def _usual(home: Home, addresses: Addresses) -> dict[str, str]:
    usual = {
        "PLACET_EPOCH": str(home.settings["epoch"]),
        "PLACET_LOG": "json",
        "PLACET_SECRETS": str(home.secrets),
        "PLACET_FILES": str(home.folder.parent),
        "PLACET_FILES_ABSOLUTE": "true",
        "PLACET_SPOOL": str(home.spool),
    }
    catcher = {
        "PLACET_SMTP_HOST": "127.0.0.1",
        "PLACET_SMTP_PORT": str(addresses.ports["smtp"]),
        "PLACET_SMTP_SECURITY": "none",
        "PLACET_SMTP_SENDER": "placet@localhost",
    }
    return usual if "PLACET_SMTP_HOST" in os.environ else usual | catcher


def _decided(home: Home, addresses: Addresses, service: str, name: str) -> dict[str, str]:
    decided = {
        "PLACET_DATABASE_URL": addresses.databases[service],
        "PLACET_KAFKA": addresses.kafka,
        "PLACET_KEY": str(home.private_key(service)),
        "PLACET_PUBLIC_KEYS": str(home.public_keys),
        "PLACET_INSTALLATION": str(home.settings["installation"]),
        "PLACET_HTTP_PORT": str(addresses.ports[name]),
    }
    for other in SERVICES:
        if other != "console":
            decided[f"PLACET_{other.replace('-', '_').upper()}_URL"] = _here(addresses.ports[other])
    if service == "sync-worker":
        decided["PLACET_PASSWORD_KEY_FILE"] = str(home.password_key)
    if service == "console":
        decided["PLACET_PUBLIC_PORT"] = str(addresses.ports["public"])
    return decided | ({"PLACET_GROUP_INSTANCE_ID": name} if addresses.embedded_kafka else {})


def _here(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _child(home: Home, addresses: Addresses, service: str, name: str) -> Child:
    command = [sys.executable, "-m", f"placet_{service.replace('-', '_')}"]
    port = addresses.ports[name]
    log = home.logs / f"{name}.log"
    return Child(service, command, log, environment(home, addresses, service, name), port, lambda: ready(port))


def ready(port: int) -> bool:
    """Whether a service says that it can work."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
