"""Rows that a service signs for itself: nobody else may have written what it tells and orders by its own tables."""

from collections.abc import Mapping
from typing import Any

from rfc8785 import CanonicalizationError
from rfc8785 import dumps as canonical_json

from .chain import Signer, Verifier, sha256
from .errors import ForgedEventError


class Seals:
    """Signs rows with the service's own key, and knows its own signatures again. `purpose` keeps one kind of row from
    standing for another. A row that was true once and is put back is not noticed: that would need a memory elsewhere.
    """

    def __init__(self, signer: Signer, verifier: Verifier, purpose: str) -> None:
        self._signer = signer
        self._verifier = verifier
        self._purpose = purpose

    def seal(self, content: Mapping[str, Any]) -> str:
        """The signature over a row's content (plain JSON); the same each time, until the key changes."""
        return self._signer.sign_bytes(self._purpose, _digest(content))

    def hold(self, signature: str, content: Mapping[str, Any]) -> bool:
        """Whether this service signed this very content, by a key that is in use."""
        try:
            return self._verifier.read_bytes(signature, self._signer.issuer, self._purpose) == _digest(content)
        except (ForgedEventError, CanonicalizationError):
            return False


def _digest(content: Mapping[str, Any]) -> bytes:
    return sha256(canonical_json(content)).encode()
