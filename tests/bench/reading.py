"""A read of one side alone: entries into columns by each driver, next to a plain paged search by python-ldap."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import ldap
from ldap.controls.libldap import SimplePagedResultsControl

from placet_sync_worker.providers.ldap.connecting import Target
from placet_sync_worker.providers.ldap.drivers import Driver, open_directory
from placet_sync_worker.providers.ldap.provider import store_over
from tests.bench.floor import PAGE
from tests.bench.people import ATTRIBUTES
from tests.support.directories import provider
from tests.support.slapd import BIND_DN, PASSWORD, PEOPLE

QUERY = "(employeeNumber=*)"


def columns(url: str, driver: Driver) -> tuple[float, int]:
    """Seconds, and how many entries there were."""
    store = store_over(provider(url), open_directory(Target(url, BIND_DN, PASSWORD), driver))
    began = perf_counter()
    count = sum(page.num_rows for page in store.read(list(ATTRIBUTES), QUERY, PEOPLE))
    took = perf_counter() - began
    store.close()
    return took, count


def plain(connection: Any) -> tuple[float, int]:
    """The same of the plain client, which keeps nothing."""
    began = perf_counter()
    count = sum(map(len, _pages(connection)))
    return perf_counter() - began, count


def _pages(connection: Any) -> Iterator[list[Any]]:
    page = SimplePagedResultsControl(True, size=PAGE, cookie="")
    while True:
        asked = [*ATTRIBUTES, "entryUUID", "entryCSN"]
        query = connection.search_ext(PEOPLE, ldap.SCOPE_SUBTREE, QUERY, asked, serverctrls=[page])
        _, entries, _, controls = connection.result3(query)
        yield entries
        page.cookie = controls[0].cookie
        if not page.cookie:
            return
