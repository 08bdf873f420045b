"""What can go wrong with a directory. A message is one sentence: what, where, what to do."""

from ..errors import WorkerBusyError, WorkerError


class InvalidNameError(WorkerError, ValueError):
    """This is no distinguished name; write it as in cn=Ada Lovelace,ou=People,dc=example,dc=org."""


class InvalidFilterError(WorkerError, ValueError):
    """This is no LDAP filter; write it as in (&(objectClass=person)(employeeNumber=*))."""


class DirectoryError(WorkerError):
    """The directory cannot do this."""


class DirectoryBusyError(WorkerBusyError, DirectoryError):
    """The directory cannot do this just now."""
