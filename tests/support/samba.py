"""A real Active Directory domain controller, by Samba: provisioned once for all tests.

No server of the system runs, no port is taken that others may want, and nobody needs to be root.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ldap3 import BASE, SYNC, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException

from tests.support import samba_inside
from tests.support.certificates import self_signed
from tests.support.processes import OwnServer, ServerProcess, running
from tests.support.proxy import Proxy

DOMAIN_DN = "DC=corp,DC=example"
SERVICE = f"OU=Service,{DOMAIN_DN}"
ADMIN_DN = f"CN=Administrator,CN=Users,{DOMAIN_DN}"
BIND_DN, READER_DN = f"CN=svc-placet,{SERVICE}", f"CN=svc-reader,{SERVICE}"
PASSWORD = "Passw0rd.of-tests"
ALONE = ("unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")

_SETTINGS = """[global]
netbios name = DC1
workgroup = CORP
realm = CORP.EXAMPLE
server role = active directory domain controller
server services = ldap
private dir = {folder}/private
state directory = {folder}/state
cache directory = {folder}/cache
lock directory = {folder}/lock
pid directory = {folder}/lock
ncalrpc dir = {folder}/ncalrpc
binddns dir = {folder}/bind
tls certfile = {certificate}
tls keyfile = {key}
tls cafile = {certificate}
ldb:nosync = yes
[sysvol]
path = {folder}/state/sysvol
[netlogon]
path = {folder}/state/sysvol/corp.example/scripts
"""

_PROVISION = """
import logging, sys
from samba import param
from samba.auth import system_session
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.provision import provision
settings = param.LoadParm()
settings.load(sys.argv[1])
provision(logging.getLogger(), system_session(), smbconf=sys.argv[1], lp=settings, realm="CORP.EXAMPLE", domain="CORP",
    hostname="dc1", hostip="127.0.0.1", adminpass=sys.argv[2], serverrole="active directory domain controller",
    dns_backend="NONE", skip_sysvolacl=True, dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2, batch_mode=True)
"""
"""Samba's own program for this wants to set access rights on files, which only root may."""


class Samba(OwnServer):
    """One domain controller of CORP.EXAMPLE, behind a proxy on a port of this machine. `BIND_DN` may do everything,
    `READER_DN` may only read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca_file, key = self_signed(folder, "localhost")
        key.chmod(0o600)
        for name in ("private", "state", "cache", "lock", "ncalrpc", "bind"):
            (folder / name).mkdir()
        settings = folder / "smb.conf"
        settings.write_text(_SETTINGS.format(folder=folder, certificate=self.ca_file, key=key))
        _run([*ALONE, "/usr/bin/python3", "-c", _PROVISION, str(settings), PASSWORD])
        command = [*ALONE, sys.executable, str(samba_inside.__file__), str(folder)]
        self._process = ServerProcess(command, folder / "samba.log", self.answers)
        self.proxy = Proxy(self.socket)

    @property
    def socket(self) -> Path:
        """Where a test's own proxy leads to."""
        return self._folder / "ldaps"

    @property
    def url(self) -> str:
        return f"ldaps://localhost:{self.proxy.port}"

    def kill(self) -> None:
        super().kill()
        self.proxy.close()

    def answers(self) -> bool:
        try:
            with self.hand() as hand:
                return bool(hand.search("", "(objectClass=*)", BASE))
        except (LDAPException, OSError):
            return False

    @contextmanager
    def hand(self) -> Iterator[Connection]:
        """A connection of somebody else, who may do everything; ldap3's plain one."""
        server = Server(self.url, connect_timeout=5, get_info="NO_INFO", tls=Tls(ca_certs_file=str(self.ca_file)))
        connection = Connection(
            server, ADMIN_DN, PASSWORD, client_strategy=SYNC, receive_timeout=20, auto_bind="NO_TLS", check_names=False,
            auto_referrals=False,
        )  # fmt: skip
        try:
            yield connection
        finally:
            connection.unbind()

    def prepare(self) -> None:
        """The accounts, and room for what tests make."""
        with self.hand() as hand:
            _add(hand, SERVICE, "organizationalUnit")
            for dn in (BIND_DN, READER_DN):
                name = dn[3:].partition(",")[0]
                given: dict[str, str | bytes] = {
                    "sAMAccountName": name,
                    "userAccountControl": "512",
                    "unicodePwd": quoted(PASSWORD),
                }
                _add(hand, dn, "user", **given)
            assert hand.modify(f"CN=Domain Admins,CN=Users,{DOMAIN_DN}", {"member": [("MODIFY_ADD", [BIND_DN])]}), (
                hand.result
            )


def quoted(password: str) -> bytes:
    """A password as Active Directory takes it."""
    return f'"{password}"'.encode("utf-16-le")


def _add(hand: Connection, dn: str, kind: str, **values: str | bytes) -> None:
    assert hand.add(dn, [kind], values), hand.result


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"no domain controller could be made: {done.stderr.decode(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def samba() -> Iterator[Samba]:
    """One domain controller for all tests."""
    with running("samba", Samba) as server:
        server.prepare()
        yield server
