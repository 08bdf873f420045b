"""The least that a plain client needs: libldap through python-ldap, COPY, dictionaries; no plan, no events."""

import csv
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

import ldap
import ldap.ldapobject
import psycopg
from ldap.controls.libldap import SimplePagedResultsControl

from tests.bench.people import ATTRIBUTES

IN_FLIGHT = 100
PAGE = 1000


def connect(uri: str, bind_dn: str, password: str) -> ldap.ldapobject.LDAPObject:
    """A bound connection."""
    connection = ldap.initialize(uri)
    connection.simple_bind_s(bind_dn, password)
    return connection


def load(connection: ldap.ldapobject.LDAPObject, container: str, rows: Iterable[tuple[str, ...]]) -> float:
    """Seconds to add all people with 100 adds in flight."""
    began = perf_counter()
    waiting: list[int] = []
    for row in rows:
        values = {name: [value.encode()] for name, value in zip(ATTRIBUTES, row, strict=True)}
        values |= {"objectClass": [b"inetOrgPerson"], "cn": [row[0].encode()]}
        waiting.append(connection.add_ext(f"cn={row[0]},{container}", list(values.items())))
        if len(waiting) >= IN_FLIGHT:
            connection.result3(waiting.pop(0))
    for message in waiting:
        connection.result3(message)
    return perf_counter() - began


def compare(connection: ldap.ldapobject.LDAPObject, container: str, database_url: str) -> tuple[float, int]:
    """Seconds to read both sides and compare them as dictionaries, and how many people differ."""
    began = perf_counter()
    with psycopg.connect(database_url) as database, database.cursor().copy("COPY people TO STDOUT") as copy:
        wanted = {row[0]: row for row in copy.rows()}
    there: dict[str, tuple[str, ...]] = {}
    page = SimplePagedResultsControl(True, size=PAGE, cookie="")
    while True:
        query = connection.search_ext(
            container,
            ldap.SCOPE_SUBTREE,
            "(employeeNumber=*)",
            [*ATTRIBUTES, "entryUUID", "entryCSN"],
            serverctrls=[page],
        )
        _, entries, _, controls = connection.result3(query)
        for _dn, values in entries:
            row = tuple(values.get(name, [b""])[0].decode() for name in ATTRIBUTES)
            there[row[0]] = row
        page.cookie = controls[0].cookie
        if not page.cookie:
            break
    differing = sum(there.get(key) != row for key, row in wanted.items())
    return perf_counter() - began, differing


def compare_file(path: Path, database_url: str) -> float:
    """Seconds to read a CSV and a table and to compare them as dictionaries."""
    began = perf_counter()
    with path.open(encoding="utf-8", newline="") as file:
        wanted = {row[0]: tuple(row) for row in csv.reader(file)}
    with psycopg.connect(database_url) as database, database.cursor().copy("COPY copied TO STDOUT") as copy:
        there = {row[0]: row for row in copy.rows()}
    assert sum(there.get(key) != row for key, row in wanted.items()) == 1  # the header
    return perf_counter() - began
