"""What the proxies of tests leave behind."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.support.ldap_proxy import ldap_proxy
from tests.support.ports import free_port
from tests.support.proxy import running_proxy


@pytest.mark.parametrize("started", [running_proxy, ldap_proxy])
def test_a_proxy_that_has_ended_waits_for_no_connection(started: Callable[[int], AbstractContextManager[Any]]) -> None:
    before = set(threading.enumerate())
    with started(free_port()):
        pass
    assert set(threading.enumerate()) == before
