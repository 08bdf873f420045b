"""A desk whose directory is a domain of Active Directory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.desk import Desk
from tests.support.samba import BIND_DN, DOMAIN_DN, PASSWORD, Samba
from tests.support.stack import Person, Stack

DOMAIN_SECRET_FILE = "domain"


class DomainDesk(Desk):
    """See `Desk`. Accounts are called by their keys, and stand in the desk's own unit of the domain."""

    base_dn, bind_dn = DOMAIN_DN, BIND_DN

    def __init__(self, stack: Stack, samba: Samba, folder: Path, people: Mapping[str, Person]) -> None:
        server: Any = samba  # who a desk asks for a hand and a URL alone
        super().__init__(stack, server, folder, people)
        (stack.secrets / DOMAIN_SECRET_FILE).write_text(PASSWORD)
        self.directory |= {
            "type": "active_directory", "password": {"file": DOMAIN_SECRET_FILE}, "base_dn": self.unit,
            "tls": {"ca_file": str(samba.ca_file)},
        }  # fmt: skip
        self.job["fields"].append({"to": "sAMAccountName", "from": "id", "only_on_create": True})
