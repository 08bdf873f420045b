"""The notifier as a process of its own: from Kafka to the mail."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.error import URLError

import psycopg
import pytest

from placet_notifier.settings import NotifierSettings
from placet_shared.events import Event
from tests.support.delivery import produce, raw, until
from tests.support.noida import Noida
from tests.support.notifier import ISSUERS, OPS, a_request, a_run_finished, a_user
from tests.support.ports import free_port
from tests.support.signing import SigningKeys
from tests.support.smtp import SmtpServer


@contextmanager
def service(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PLACET_")}
    running = subprocess.Popen(
        [sys.executable, "-m", "placet_notifier"],
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def environment_of(settings: NotifierSettings, **changes: str) -> dict[str, str]:
    names = ("database_url", "key", "public_keys", "installation", "secrets")
    usual = {name: str(getattr(settings, name)) for name in names} | {"http_port": str(free_port()), "kafka": "none:1"}
    return {f"PLACET_{name.upper()}": value for name, value in (usual | changes).items()}


async def test_a_run_that_ends_on_kafka_is_a_mail(
    settings: NotifierSettings, keys: SigningKeys, noida: Noida, smtp: SmtpServer
) -> None:
    environment = environment_of(
        settings, kafka=noida.bootstrap, group_instance_id="notifier-test", smtp_host="localhost",
        smtp_port=str(smtp.port), smtp_security="none", smtp_sender="placet@corp.example",
    )  # fmt: skip

    async def ready() -> bool:
        try:
            url = f"http://127.0.0.1:{environment['PLACET_HTTP_PORT']}/health/ready"
            return bool(urllib.request.urlopen(url, timeout=2).status == 200)
        except (URLError, OSError):
            return False

    async def arrived() -> bool:
        return len(smtp.caught) == 2

    def signed(event: Event) -> Event:
        return keys.signer(ISSUERS[type(event)]).signed(type(event), **event.model_dump(exclude={"signature"}))

    with service(environment) as running:
        await until(ready)
        for event in map(signed, (a_run_finished(), a_request(), a_user("bob"))):
            message = raw(event)
            await produce(noida.bootstrap, message, message)
        await until(arrived)
        assert sorted(mail.recipient for mail in smtp.caught) == ["bob@corp.example", OPS]
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=30)
        assert b"service_stopped" in said
        assert b"Traceback" not in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"smtp_host": "localhost"}, "PLACET_SMTP_HOST needs PLACET_SMTP_SENDER"),
        ({"smtp_security": "ssl"}, "PLACET_SMTP_SECURITY (input should be 'none', 'starttls' or 'tls')"),
        ({"smtp_hots": "localhost"}, "PLACET_SMTP_HOTS unknown"),
        ({"smtp_port": "0"}, "PLACET_SMTP_PORT"),
    ],
)
def test_wrong_settings_stop_the_start_by_name(settings: NotifierSettings, changes: dict[str, str], said: str) -> None:
    with service(environment_of(settings, **changes)) as running:
        _, error = running.communicate(timeout=60)
    assert running.returncode == 1
    assert said in error.decode()


def test_a_start_that_fails_ends_with_an_error(settings: NotifierSettings) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA notifier")
        connection.execute("CREATE TABLE notifier.causes ()")
    with service(environment_of(settings)) as running:
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert b"start_failed" in said
