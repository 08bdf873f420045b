"""The embedded servers besides PostgreSQL: Kafka and Elasticsearch (noida-db), and the mail catcher."""

import os
import socket
import sys
from importlib.resources import files
from pathlib import Path

from .child import Child
from .home import Home


def noida_child(home: Home, kafka_port: int, elasticsearch_port: int) -> Child:
    """One process that speaks both protocols; for laptops."""
    program = Path(str(files("noida_db"))) / "noida-db"
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    command = [
        str(program), "start", "--data-dir", str(home.noida), "--only", "kafka,elasticsearch",
        "--kafka-port", str(kafka_port), "--elasticsearch-port", str(elasticsearch_port),
    ]  # fmt: skip
    return _server("noida-db", command, home, kafka_port, elasticsearch_port)


def mail_child(home: Home, port: int) -> Child:
    command = [sys.executable, "-m", "placet_cli.local.mail_catcher", str(port), str(home.mail)]
    return _server("mail-catcher", command, home, port)


def reachable(bootstrap: str) -> bool:
    """Whether one of the addresses `HOST:PORT,HOST:PORT` takes connections."""
    places = (address.rpartition(":") for address in bootstrap.split(","))
    return any(port.isdigit() and listens(int(port), host) for host, _, port in places)


def listens(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except (OSError, OverflowError):
        return False


def _server(name: str, command: list[str], home: Home, *ports: int) -> Child:
    log = home.logs / f"{name}.log"
    return Child(name, command, log, os.environ, ports[0], lambda: all(map(listens, ports)), is_service=False)
