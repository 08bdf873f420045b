"""What can go wrong in the worker outside a single record. A message is one sentence: what, where, what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from placet_shared.errors import PermanentError, PlacetError, TransientError


class WorkerError(PermanentError):
    """The worker cannot do this."""


class WorkerBusyError(TransientError):
    """The worker cannot do this just now."""


class UnknownAttributeError(WorkerError):
    """The schema has no such attribute."""


class UnknownObjectTypeError(WorkerError):
    """The destination has no such type of object."""


class InvalidNameError(WorkerError, ValueError):
    """This is no distinguished name; write it as in cn=Ada Lovelace,ou=People,dc=example,dc=org."""


class EmptySourceError(WorkerError):
    """The source is empty; a run on it would empty the destination."""


class SourceFileError(WorkerError):
    """The file cannot be read."""


class SourceMovedError(WorkerBusyError):
    """The source changed while it was read."""


class QueryError(WorkerError):
    """The query cannot be run."""


class UnknownColumnError(WorkerError):
    """The source has no such column."""


class UnusableJobError(WorkerError):
    """The job cannot run as it is."""


class SpoolError(WorkerBusyError):
    """The folder for work in progress cannot be used; see that PLACET_SPOOL is on a disk with room."""


class ScriptError(WorkerError):
    """A script cannot be used."""


class StoppedError(WorkerError):
    """The run was asked to end while it was planned."""


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Puts a name before what went wrong."""
    try:
        yield
    except PlacetError as error:
        error.args = (f"{what}: {error}",)
        raise
