"""What a first start makes in the folder: keys, passwords, the installation's id."""

import json
import secrets
from uuid import uuid4

from placet_shared.keys import write_key_pair

from .home import SERVICES, Home, write_private


def prepare(home: Home) -> None:
    """Makes what is missing, for its owner alone; what is there stays as it is."""
    for folder in (home.logs, home.mail, home.spool, home.secrets):
        folder.mkdir(mode=0o700, exist_ok=True)
    for service in SERVICES:
        if not (home.public_keys / service / "current.pem").exists():
            write_key_pair(service, home.private_key(service), home.public_keys)
    if not home.password_key.exists():
        write_private(home.password_key, f"{secrets.token_urlsafe(32)}\n")
    if not home.settings_file.exists():
        passwords = {name: secrets.token_urlsafe(24) for name in ("owner", *SERVICES)}
        made = {"installation": str(uuid4()), "epoch": 1, "passwords": passwords, "ports": {}}
        write_private(home.settings_file, json.dumps(made))
