"""Real Apache Kafka (KRaft, one broker) from its Maven artifacts, with a life that tests control."""

import fcntl
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import OwnServer, ServerProcess, running

KAFKA, LOG4J = "4.3.1", "2.25.4"
CLUSTER_ID = "cGxhY2V0LXRlc3Qtb25seQ"

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>kafka-jars</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{KAFKA}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{LOG4J}</version>
</dependency></dependencies></project>"""

_LOGGING = """Configuration:
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d %p %m (%c{1})%n"}}
  Loggers:
    Root: {level: warn, AppenderRef: {ref: out}}
"""


class Kafka(OwnServer):
    """One broker in one folder, always on the same port: no automatic topics, groups that form at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._controller_port = free_port(), free_port()
        self._jars = kafka_jars()
        (folder / "log4j2.yaml").write_text(_LOGGING)
        self._properties = folder / "server.properties"
        self._properties.write_text(self._settings())
        self._process = ServerProcess(self._java("kafka.Kafka"), folder / "kafka.log", self.answers)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it with the data that it has, and returns when it answers."""
        if not (self._folder / "data" / "meta.properties").exists():
            format_storage = self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c")
            subprocess.run(format_storage, check=True, capture_output=True)
        self._process.start()

    def wipe(self) -> None:
        """kill -9, and everything that it knew is gone: topics, messages, offsets, groups."""
        self.lose()
        self.start()

    def lose(self) -> None:
        """The first half of `wipe`: down, with nothing kept."""
        self.kill()
        shutil.rmtree(self._folder / "data")

    def answers(self) -> bool:
        """True once it answers an ApiVersions request (key 18, version 0): its start-up is over then."""
        request = b"\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff"
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.settimeout(2)
                connection.sendall(len(request).to_bytes(4, "big") + request)
                return len(connection.recv(8)) > 0
        except OSError:
            return False

    def _java(self, main_class: str, *arguments: str) -> list[str]:
        quick = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.yaml'}"
        return ["java", *quick, logging, "-cp", f"{self._jars}/*", main_class, *arguments, str(self._properties)]

    def _settings(self) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._folder / "data",
            "auto.create.topics.enable": "false",
            "default.replication.factor": 1,
            "min.insync.replicas": 1,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 3,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "broker.session.timeout.ms": 1500,  # after kill -9, a start waits until its former self has expired
            "broker.heartbeat.interval.ms": 300,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())


def kafka_jars() -> Path:
    """The folder of Kafka's jars, fetched by Maven (54 MB) once for this user. Raises RuntimeError that names what is
    missing."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise RuntimeError(f"{program} is not installed; `make test` installs it")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "placet" / f"kafka-{KAFKA}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "complete").exists():
            _fetch(cache)
            (cache / "complete").touch()
    return cache / "lib"


def _fetch(cache: Path) -> None:
    (cache / "pom.xml").write_text(_POM)
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={cache / 'lib'}"]
    done = subprocess.run(
        ["mvn", "-q", "-B", *goal], cwd=cache, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"Maven could not fetch Kafka {KAFKA}: {(done.stdout + done.stderr)[-2000:]}")


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A running broker for the whole session; tests that stop or wipe it make their own."""
    with running("kafka", Kafka) as broker:
        yield broker
