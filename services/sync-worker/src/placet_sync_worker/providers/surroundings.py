"""What connectors may use of the machine: files in one folder, secrets by reference, a place for work in progress."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from placet_shared.objects import SecretRef
from placet_shared.secrets import resolve_secret

from .files.folder import FilesFolder


@dataclass(frozen=True)
class Surroundings:
    """What a connector may use of the machine."""

    files: FilesFolder
    secrets: Path
    environment: Mapping[str, str]
    spool: Path = Path(tempfile.gettempdir())

    def secret(self, reference: SecretRef, host: str | None) -> str:
        """A secret that is sent to this host; None: nowhere. Raises SecretMissingError."""
        return resolve_secret(reference, self.secrets, self.environment, host)
