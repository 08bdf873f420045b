"""The demo's directory: a real slapd of its own, in one folder, on a free port of this machine."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import ldap3

BASE = "dc=example,dc=org"
ADMIN = f"cn=admin,{BASE}"
SCHEMAS = ("core", "cosine", "inetorgperson")

CONFIG = """\
{includes}
pidfile {folder}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw {password}
directory {folder}/data
index objectClass,entryUUID,entryCSN,employeeNumber,cn eq
"""


def start(folder: Path, password: str) -> tuple[subprocess.Popen[bytes], int]:
    """An empty directory with ou=People; its process and port."""
    (folder / "data").mkdir(parents=True)
    includes = "\n".join(f"include /etc/ldap/schema/{name}.schema" for name in SCHEMAS)
    config = folder / "slapd.conf"
    config.write_text(CONFIG.format(includes=includes, folder=folder, base=BASE, admin=ADMIN, password=password))
    port = _free_port()
    program = shutil.which("slapd", path="/usr/sbin:/usr/bin") or "slapd"
    command = [program, "-f", str(config), "-h", f"ldap://127.0.0.1:{port}", "-d", "0"]
    with (folder / "slapd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    _fill(port, password)
    return process, port


def _fill(port: int, password: str) -> None:
    with _connected(port, password) as connection:
        connection.add(BASE, ["dcObject", "organization"], {"dc": "example", "o": "Example Ltd"})
        connection.add(f"ou=People,{BASE}", "organizationalUnit")


def _connected(port: int, password: str, seconds: float = 10) -> ldap3.Connection:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ldap3.Connection(ldap3.Server("127.0.0.1", port), ADMIN, password, auto_bind=True)
        except ldap3.core.exceptions.LDAPException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
