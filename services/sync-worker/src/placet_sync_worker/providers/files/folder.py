"""Where files of providers may stand, and in what state they are."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ...errors import SourceFileError, SourceMovedError


@dataclass(frozen=True)
class FilesFolder:
    """`PLACET_FILES`. Absolute paths and what lies outside are refused, links that lead outside too.

    `allow_absolute` is for the local stack, where the one who writes the YAML also owns the machine.
    """

    root: Path
    allow_absolute: bool = False

    def find(self, provider: str, path: str) -> Path:
        """The real path of a regular file. Raises SourceFileError that names the provider."""
        found = self.place(provider, path)
        if not found.exists():
            where = (
                "" if Path(path).is_absolute() else f" in {self.root.absolute()}, the folder of files (PLACET_FILES)"
            )
            raise SourceFileError(f"provider {provider}: there is no file {path}{where}")
        if not found.is_file():
            raise SourceFileError(f"provider {provider}: {path} is not a file")
        return found

    def place(self, provider: str, path: str) -> Path:
        """The real path, whatever is there. Raises SourceFileError that names the provider."""
        absolute = Path(path).is_absolute()
        if absolute and not self.allow_absolute:
            raise SourceFileError(f"provider {provider}: {path} is absolute; give a path below the folder of files")
        root = Path(os.path.realpath(self.root))
        found = Path(os.path.realpath(root / path))
        if not absolute and not found.is_relative_to(root):
            raise SourceFileError(f"provider {provider}: {path} leads out of the folder of files")
        return found


@dataclass(frozen=True)
class FileState:
    """What tells one state of a file from another."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "FileState":
        """The state now. Raises SourceMovedError where the file has gone."""
        try:
            found = path.stat()
        except OSError as error:
            raise SourceMovedError(f"{path.name} went away while it was read") from error
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def snapshot(path: Path, copy: Path) -> str:
    """Copies a file as it is at one moment, and gives the copy's checksum. Raises SourceMovedError."""
    before = FileState.of(path)
    try:
        shutil.copyfile(path, copy)
    except OSError as error:
        raise SourceFileError(f"{path.name} cannot be read: {error.strerror}; see who may read it") from error
    if FileState.of(path) != before:
        raise SourceMovedError(f"{path.name} was changed while it was read; it is read again")
    return checksum(copy)
