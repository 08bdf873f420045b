"""Jackcess, the Java library that reads and writes Access databases, in a JVM of this process (through JPype).

It is what UCanAccess is built on, without the SQL engine that first copies the whole database into memory.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from ...errors import SourceFileError

JARS = Path(sys.prefix) / "share" / "placet" / "java"
"""Where `make access`, or the image, puts the jars."""

_REMEDY = "run `make access`, or see docs/tables-in-files.md for other ways to install it"
_OPTIONS = ("-Xrs", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
"""The JVM leaves signals to Python."""

_lock = Lock()


class AccessNotInstalledError(SourceFileError):
    """Access databases need the extra `access` of placet-sync-worker, a Java runtime and two libraries for it."""


@cache
def jackcess() -> Any:
    """The Java package, in a JVM that is started once. Raises AccessNotInstalledError that says what is missing."""
    with _lock:
        try:
            import jpype
        except ImportError as error:
            raise AccessNotInstalledError(f"Access databases need JPype; {_REMEDY}") from error
        jars = sorted(map(str, JARS.glob("*.jar")))
        if not jars:
            raise AccessNotInstalledError(f"Access databases need Jackcess; {_REMEDY}")
        if not jpype.isJVMStarted():
            try:
                jpype.startJVM(*_OPTIONS, classpath=jars, convertStrings=True)
            except (jpype.JVMNotFoundException, OSError) as error:
                raise AccessNotInstalledError(f"Access databases need a Java runtime ({error}); {_REMEDY}") from error
        return jpype.JPackage("com").healthmarketscience.jackcess


def java(name: str) -> Any:
    """A Java class."""
    jackcess()
    import jpype

    return jpype.JClass(name)


def open_database(path: Path, password: str | None, *, read_only: bool) -> Any:
    """An open database. The disk is told at the end, not after each row."""
    builder = jackcess().DatabaseBuilder(java("java.io.File")(str(path)))
    codec = java("com.healthmarketscience.jackcess.crypt.CryptCodecProvider")()
    if password is not None:
        codec.setPassword(password)
    return builder.setReadOnly(read_only).setAutoSync(False).setCodecProvider(codec).open()


def new_database(path: Path) -> Any:
    """An empty database, of the kind that the file's name says."""
    package = jackcess()
    kind = package.Database.FileFormat.V2003 if path.suffix.lower() == ".mdb" else package.Database.FileFormat.V2010
    return package.DatabaseBuilder.create(kind, java("java.io.File")(str(path)))


@contextmanager
def explained(whose: str) -> Iterator[None]:
    """What Java throws comes out as one sentence."""
    jackcess()
    import jpype

    try:
        yield
    except jpype.JException as error:
        raise SourceFileError(f"{whose}: {reason_of(error)}") from error


def reason_of(error: Any) -> str:
    """What a Java exception means for people."""
    kind, told = type(error).__name__.rpartition(".")[2], str(error.message() or "").partition("\n")[0]
    if kind == "InvalidCredentialsException" or "password" in told.lower():
        return "its password is missing or wrong; set the provider's password"
    if kind == "ConstraintViolationException":
        return f"the database does not take it: {told}"
    return f"it is no Access database, is broken, or not wholly written: {told or kind}"
