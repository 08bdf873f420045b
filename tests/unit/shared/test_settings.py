"""Settings: what is missing, unknown or empty."""

import pytest

from placet_console.settings import ConsoleSettings
from placet_notifier.settings import NotifierSettings
from placet_scheduler.settings import SchedulerSettings
from placet_shared.settings import OF_SINGLE_SERVICES, Settings, SettingsError
from placet_sync_worker.settings import WorkerSettings

NEEDED = {
    "PLACET_DATABASE_URL": "postgresql://x",
    "PLACET_KAFKA": "localhost:9092",
    "PLACET_KEY": "key.pem",
    "PLACET_PUBLIC_KEYS": "keys",
    "PLACET_INSTALLATION": "tests",
    "PLACET_HTTP_PORT": "8081",
}


@pytest.fixture(autouse=True)
def needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_what_is_not_given_is_usual() -> None:
    settings = Settings.load()
    assert (settings.http_port, settings.epoch, settings.log) == (8081, 1, "json")


def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACET_EPOCH", "")
    monkeypatch.setenv("PLACET_FAILPOINT", "")
    settings = Settings.load()
    assert (settings.epoch, settings.failpoint) == (1, None)


@pytest.mark.parametrize("how", ["missing", "empty"])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    for name in ("PLACET_KAFKA", "PLACET_KEY"):
        monkeypatch.setenv(name, "") if how == "empty" else monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match=r"PLACET_KAFKA .*PLACET_KEY"):
        Settings.load()


def test_an_unknown_setting_stops_the_start_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACET_SECRET_CORP", "a secret is no setting")
    monkeypatch.setenv("PLACET_KAFKKA", "x")
    with pytest.raises(SettingsError, match="PLACET_KAFKKA unknown"):
        Settings.load()


def test_one_environment_may_serve_all_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one of them has, all have heard of."""
    every = (ConsoleSettings, NotifierSettings, SchedulerSettings, WorkerSettings)
    own = {name for settings in every for name in settings.model_fields} - set(Settings.model_fields)
    assert own == OF_SINGLE_SERVICES
    for name in ("SMTP_HOST", "SPOOL", "TOKEN"):
        monkeypatch.setenv(f"PLACET_{name}", "x")
    assert Settings.load().http_port == 8081


def test_a_rule_about_two_settings_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SCHEDULER", "SYNC_WORKER", "APPROVALS", "NOTIFIER"):
        monkeypatch.setenv(f"PLACET_{name}_URL", "http://x")
    monkeypatch.setenv("PLACET_PUBLIC_PORT", NEEDED["PLACET_HTTP_PORT"])
    with pytest.raises(SettingsError, match=r"^settings: PLACET_PUBLIC_PORT must not be PLACET_HTTP_PORT"):
        ConsoleSettings.load()


def test_secrets_are_bound_by_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().secret_hosts == {}
    monkeypatch.setenv("PLACET_SECRET_HOSTS", '{"PLACET_SECRET_CORP": ["dc1.corp.example"]}')
    assert Settings.load().secret_hosts == {"PLACET_SECRET_CORP": ("dc1.corp.example",)}


@pytest.mark.parametrize("hosts", ["dc1.corp.example", '{"PLACET_SECRET_CORP": "dc1"}', '{"corp": ["dc1"]}', "[]"])
def test_secrets_that_are_not_bound_as_meant_stop_the_start(monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    monkeypatch.setenv("PLACET_SECRET_HOSTS", hosts)
    with pytest.raises(SettingsError, match="PLACET_SECRET_HOSTS"):
        Settings.load()
