"""The key that passwords are kept with: a file that all workers mount.

A line holds 32 random bytes in base64url. The first line seals, all of them open: a new key goes on top, and the old
line may go when no password is kept by it any more.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OctKey

from ..errors import WorkerBusyError
from ..unaltered import AlteredError

ALGORITHM, ENCRYPTION = "dir", "A256GCM"
_LINE = re.compile(r"[A-Za-z0-9_-]{43}=?")


class PasswordKeyError(WorkerBusyError):
    """The key for passwords cannot be used."""


@dataclass(frozen=True)
class PasswordPlace:
    """Whose password it is: it is sealed together with this, so that none can be passed off as another's."""

    run_id: str
    number: int
    attribute: str


@dataclass(frozen=True)
class PasswordKeys:
    """Reads the file each time, so that keys change without a restart. `path` None: no passwords are kept here."""

    path: Path | None

    def seal(self, password: str, place: PasswordPlace) -> str:
        """The password as a compact JWE. Raises PasswordKeyError."""
        kid, key = next(iter(self._keys().items()))
        content = json.dumps({"password": password, **_claims(place)}).encode()
        return jwe.encrypt_compact({"alg": ALGORITHM, "enc": ENCRYPTION, "kid": kid}, content, key)

    def open(self, sealed: str, place: PasswordPlace) -> str:
        """Raises PasswordKeyError where the key is not here, AlteredError for what was not sealed for this place."""
        keys = self._keys()

        def key_of(found: GuestProtocol) -> OctKey:
            kid = str(found.headers().get("kid"))
            if kid not in keys:
                raise PasswordKeyError(f"{self.path} lacks the key of run {place.run_id}; put its line back")
            return keys[kid]

        try:
            plain = jwe.decrypt_compact(sealed, key_of, algorithms=[ALGORITHM, ENCRYPTION]).plaintext
            content = json.loads(plain or b"")
        except (JoseError, ValueError, TypeError) as error:
            raise AlteredError(_ALTERED) from error
        if {name: content.get(name) for name in _claims(place)} != _claims(place):
            raise AlteredError(_ALTERED)
        return str(content["password"])

    def _keys(self) -> Mapping[str, OctKey]:
        """The keys by their thumbprints, in the order of the file."""
        if self.path is None:
            raise PasswordKeyError("PLACET_PASSWORD_KEY_FILE is not set for this worker; mount the key of the others")
        try:
            lines = self.path.read_text(errors="replace").split()
        except OSError as error:
            raise PasswordKeyError(f"{self.path} cannot be read as a key for passwords: {error.strerror}") from error
        if not lines or not all(map(_LINE.fullmatch, lines)):
            raise PasswordKeyError(f"{self.path} must hold 32 random bytes in base64url on each line")
        keys = [OctKey.import_key({"kty": "oct", "k": line.rstrip("=")}) for line in lines]
        return {key.thumbprint(): key for key in keys}


def _claims(place: PasswordPlace) -> dict[str, str | int]:
    return {"run_id": place.run_id, "number": place.number, "attribute": place.attribute}


_ALTERED = "a password that was kept was altered or changed places; run the job again"
