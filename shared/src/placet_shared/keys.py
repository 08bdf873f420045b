"""Ed25519 keys of the services, as files: one private key a process, a folder of public keys that all share.

Public: `<service>/current.pem`, `<service>/previous.pem` while a key rotates, `<service>/old/*.pem` for audits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from .errors import PermanentError

CURVE: Final = "Ed25519"


class KeyUnusableError(PermanentError):
    """A key file is missing or holds no Ed25519 key."""


@dataclass(frozen=True)
class SigningKey:
    """A service's private key and its id (RFC 7638 thumbprint)."""

    issuer: str
    kid: str
    key: OKPKey


def load_signing_key(issuer: str, path: Path) -> SigningKey:
    """The private key in a PKCS8 PEM file. Raises KeyUnusableError."""
    key = _read(path)
    if not key.is_private:
        raise KeyUnusableError(f"{path} holds a public key; write the private one there")
    return SigningKey(issuer, key.thumbprint(), key)


def write_key_pair(issuer: str, private: Path, public_folder: Path) -> None:
    """Makes a service's first key: the private file for it alone, the public one for all."""
    key = OKPKey.generate_key(CURVE)
    private.parent.mkdir(parents=True, exist_ok=True)
    private.touch(mode=0o600)
    private.write_bytes(key.as_pem(private=True))
    (public_folder / issuer).mkdir(parents=True, exist_ok=True)
    (public_folder / issuer / "current.pem").write_bytes(key.as_pem(private=False))


class KeyRing:
    """The public keys of all services; re-reads the folder when a key id is not known, so that keys rotate live."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._trusted: dict[tuple[str, str], OKPKey] = {}
        self._old: dict[tuple[str, str], OKPKey] = {}

    def find(self, issuer: str, kid: str, *, audit: bool = False) -> OKPKey | None:
        """The issuer's current or previous key with this id; retired ones only for an audit."""
        if (issuer, kid) not in self._trusted:
            self._load(issuer)
        found = self._trusted.get((issuer, kid))
        return found or (self._old.get((issuer, kid)) if audit else None)

    def _load(self, issuer: str) -> None:
        home = self._folder / issuer
        for known in (self._trusted, self._old):
            for pair in [pair for pair in known if pair[0] == issuer]:
                del known[pair]
        for path in _existing(home / "current.pem", home / "previous.pem"):
            self._remember(self._trusted, issuer, path)
        for path in sorted(home.glob("old/*.pem")):
            self._remember(self._old, issuer, path)

    @staticmethod
    def _remember(known: dict[tuple[str, str], OKPKey], issuer: str, path: Path) -> None:
        key = _read(path)
        known[issuer, key.thumbprint()] = key


def _existing(*paths: Path) -> Iterator[Path]:
    return (path for path in paths if path.exists())


def _read(path: Path) -> OKPKey:
    try:
        key = OKPKey.import_key(path.read_bytes())
    except (OSError, ValueError, JoseError) as error:
        raise KeyUnusableError(f"{path} holds no Ed25519 key: {error}; write a PEM file there") from error
    if key.curve_name != CURVE:
        raise KeyUnusableError(f"{path} holds a key for {key.curve_name}; write one for {CURVE} there")
    return key
