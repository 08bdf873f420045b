"""Databases as providers: what a URL may say, and what it may not."""

from typing import Any

import pytest

from placet_shared.errors import InvalidError
from placet_shared.objects import SqlProvider, parse_object

WAREHOUSE: dict[str, Any] = {
    "kind": "provider", "name": "warehouse", "type": "sql", "url": "postgresql+psycopg://reader@db/hr",
    "password": {"env": "PLACET_SECRET_HR_DB"}, "table": "people",
}  # fmt: skip


def provider(**fields: Any) -> SqlProvider:
    parsed = parse_object({**WAREHOUSE, **fields})
    assert isinstance(parsed, SqlProvider)
    return parsed


def test_what_is_left_out_has_a_default() -> None:
    warehouse = provider()
    assert (warehouse.unique, warehouse.disable, warehouse.applied_table) == ((), None, True)
    assert warehouse.timeout.total_seconds() == 600


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("postgresql+psycopg://reader@db/hr", "postgresql"),
        ("postgresql://reader@db:5433/hr?sslmode=verify-full", "postgresql"),
        ("mysql://reader@db/hr", "mysql"),
        ("mariadb+pymysql://reader@[::1]/hr?ssl_ca=/etc/ca.pem", "mariadb"),
        ("sqlite:///people.db", "sqlite"),
        ("mssql://reader@db/hr?TrustServerCertificate=no", "mssql"),
        ("oracle+oracledb://reader@db/?service_name=hr", "oracle"),
    ],
)
def test_databases_are_known_by_their_urls(url: str, database: str) -> None:
    assert provider(url=url).database == database


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://reader:hush@db/hr", "a password has no place in it; give it as password: {env: PLACET_SECRET_…"),
        ("postgresql://reader:@db/hr", "a password has no place in it"),
        ("postgresql://reader@db/hr?password=hush", "a password has no place in it"),
        ("postgresql://reader@db/hr?passfile=hush", "a password has no place in it"),
        ("mssql://reader@db/hr?PWD=hush", "a password has no place in it"),
        ("mssql://reader@db/hr?pwd=", "a password has no place in it"),
        ("postgresql://reader:hu/sh@db/hr", "this is no URL of a database; write it as in postgresql://"),
        ("postgresql:hush", "this is no URL of a database"),
        ("hush", "this is no URL of a database"),
        ("db2://reader@db/hr", "'db2' is no database that is known here; known are postgresql, mysql, mariadb"),
        ("postgresql+asyncpg://reader@db/hr", "postgresql is reached by psycopg; write postgresql://"),
        ("sqlite://", "a SQLite database is a file; write sqlite:///people.db"),
        ("sqlite:///", "a SQLite database is a file"),
        ("sqlite:///file:people.db?uri=true", "a SQLite database is a file"),
        ("sqlite://host/people.db", "a SQLite database is a file"),
    ],
)
def test_a_url_that_cannot_be_is_one_sentence_without_its_secret(url: str, words: str) -> None:
    with pytest.raises(InvalidError) as raised:
        provider(url=url)
    assert words in str(raised.value)
    assert raised.value.field == "url"
    assert "hush" not in str(raised.value)
    assert "\n" not in str(raised.value)
