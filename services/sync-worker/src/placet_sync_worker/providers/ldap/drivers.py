"""Which driver speaks LDAP: the pure-Python one, which reads faster, or libldap where it is installed and asked for."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Literal

from ...errors import WorkerError
from ...ports import Directory
from .connecting import Target
from .ldap3_directory import open_directory as open_python

Driver = Literal["python", "libldap"]

DEFAULT: Driver = "python"
"""The quicker one, see docs/adr/0010-two-ldap-drivers.md."""


class DriverMissingError(WorkerError):
    """The driver is not installed."""


def installed() -> bool:
    """Whether libldap can be used."""
    return find_spec("_ldap") is not None


def open_directory(target: Target, driver: Driver | None = None) -> Directory:
    """Connected and bound; None: by the default one. Raises DirectoryError subclasses and DriverMissingError."""
    return _OPENERS[driver or DEFAULT](target)


def _open_libldap(target: Target) -> Directory:
    if not installed():
        raise DriverMissingError(
            "driver: libldap is not installed; install placet-sync-worker[libldap], or leave driver out"
        )
    from .libldap_directory import open_libldap

    return open_libldap(target)


_OPENERS: Mapping[str, Callable[[Target], Directory]] = {"python": open_python, "libldap": _open_libldap}
