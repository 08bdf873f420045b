"""Places where a test may end the process, as a crash would: `PLACET_FAILPOINT=after_ldap_write:exit`."""

import os
from collections.abc import Callable

Failpoint = Callable[[str], None]
"""Called with the name of a place; most of the time it does nothing."""

EXIT_CODE = 137


def no_failpoint(_name: str) -> None:
    """Nothing ever happens."""


def failpoint_of(setting: str | None) -> Failpoint:
    """Ends the process at the named place, without any clean-up. Raises ValueError for another action than `exit`."""
    if setting is None:
        return no_failpoint
    place, _, action = setting.partition(":")
    if action != "exit":
        raise ValueError(f"PLACET_FAILPOINT: {setting!r} should be a place and :exit")

    def strike(name: str) -> None:
        if name == place:
            os._exit(EXIT_CODE)

    return strike
