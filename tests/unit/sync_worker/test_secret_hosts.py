"""Which host a provider's password goes to, so that a deployment can bind it."""

import pytest
from sqlalchemy import make_url

from placet_sync_worker.providers.ldap.provider import _host_of
from placet_sync_worker.providers.sql.connecting import _hosts_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ldaps://dc1.corp.example", "dc1.corp.example"),
        ("ldaps://dc1.corp.example:3269", "dc1.corp.example"),
        ("ldap://[::1]:389", "::1"),
        ("ldapi://%2Frun%2Fslapd", "localhost"),
    ],
)
def test_a_directory_is_at_the_host_of_its_url(url: str, host: str) -> None:
    assert _host_of(url) == host


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://reader@db/hr", "db"),
        ("postgresql:///hr", "localhost"),
        ("postgresql://reader@db/hr?sslmode=require&ssl_check_hostname=1", "db"),
        ("postgresql://reader@db/hr?host=evil.example", "db,evil.example"),
        ("postgresql://reader@db/hr?hostaddr=10.0.0.1", "db,10.0.0.1"),
        ("postgresql://reader@db,evil.example/hr", "db,evil.example"),
        ("mssql://reader@db/hr?Failover_Partner=evil.example", "db,evil.example"),
    ],
)
def test_a_database_is_wherever_its_url_or_an_option_says(url: str, hosts: str) -> None:
    assert _hosts_of(make_url(url)) == hosts
