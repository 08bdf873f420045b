"""What can go wrong with a directory. A message is one sentence: what, where, what to do."""

from placet_shared.errors import PlacetError

from ...errors import WorkerBusyError, WorkerError


class InvalidFilterError(WorkerError, ValueError):
    """This is no LDAP filter; write it as in (&(objectClass=person)(employeeNumber=*))."""


class DirectoryError(PlacetError):
    """The directory did not do it."""


class UnreachableError(WorkerBusyError, DirectoryError):
    """The directory does not answer."""


class DirectoryBusyError(WorkerBusyError, DirectoryError):
    """The directory says that it cannot do this just now."""


class UntrustedError(WorkerError, DirectoryError):
    """The directory's certificate is not trusted."""


class BindRefusedError(WorkerError, DirectoryError):
    """The directory does not accept the account."""


class LimitReachedError(WorkerError, DirectoryError):
    """A limit of the directory cut the result short."""


class NoSuchEntryError(WorkerError, DirectoryError):
    """There is no such entry to search below."""


class SearchRefusedError(WorkerError, DirectoryError):
    """The directory refused the search."""


class ProtocolError(WorkerBusyError, DirectoryError):
    """The directory answered something that is not LDAP."""
