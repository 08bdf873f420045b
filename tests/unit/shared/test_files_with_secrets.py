"""Keys and secrets as files: what is read, what is refused, and what is said about it."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import OKPKey

from placet_shared.chain import Signer
from placet_shared.errors import SecretMissingError
from placet_shared.keys import KeyRing, KeyUnusableError, load_signing_key, write_key_pair
from placet_shared.objects import SecretRef
from placet_shared.secrets import SecretBoundError, resolve_secret

# ---- keys ------------------------------------------------------------------------------------------------------------


def test_a_first_key_is_for_its_owner_alone_and_its_public_half_for_all(tmp_path: Path) -> None:
    private, public = tmp_path / "private" / "key.pem", tmp_path / "public"
    write_key_pair("scheduler", private, public)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    key = load_signing_key("scheduler", private)
    found = KeyRing(public).find("scheduler", key.kid)
    assert found is not None
    assert not found.is_private
    assert b"PRIVATE" not in (public / "scheduler" / "current.pem").read_bytes()
    assert KeyRing(public).find("console", key.kid) is None


def _of_another_kind() -> bytes:
    return elliptic(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


UNUSABLE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "words": lambda: b"a secret",
    "another kind": _of_another_kind,
    "another curve": lambda: OKPKey.generate_key("X25519").as_pem(private=True),
    "Ed448": lambda: OKPKey.generate_key("Ed448").as_pem(private=True),
    "the public half": lambda: OKPKey.generate_key("Ed25519").as_pem(private=False),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_file_that_cannot_sign_is_refused_at_the_start_by_its_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(UNUSABLE[name]())
    with pytest.raises(KeyUnusableError, match=r"key\.pem holds .*; write .* there"):
        load_signing_key("scheduler", path)


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusableError, match=r"key\.pem"):
        load_signing_key("scheduler", tmp_path / "key.pem")


def test_a_key_says_whose_it_is_in_each_signature(tmp_path: Path) -> None:
    write_key_pair("scheduler", tmp_path / "key.pem", tmp_path)
    key = load_signing_key("scheduler", tmp_path / "key.pem")
    assert key.kid == key.key.thumbprint()
    assert Signer(key).sign_bytes("Order", b"1") == Signer(key).sign_bytes("Order", b"1")


# ---- secrets ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "secrets"
    home.mkdir()
    (tmp_path / "outside").write_text("not yours")
    return home


def in_file(name: str, folder: Path) -> str:
    return resolve_secret(SecretRef(file=name), folder, {}, "dc1.corp.example")


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b" with spaces ", " with spaces "),
        ("zażółć\n".encode(), "zażółć"),
    ],
)
def test_a_secret_is_a_files_text_without_its_last_newline(folder: Path, content: bytes, secret: str) -> None:
    (folder / "corp").write_bytes(content)
    assert in_file("corp", folder) == secret


def test_a_mounted_secret_is_a_link_into_a_folder_beside_it(folder: Path) -> None:
    """As Kubernetes mounts them, so that all change at once."""
    (folder / "..2027_01_04").mkdir()
    (folder / "..2027_01_04" / "corp").write_text("s3cret\n")
    (folder / "..data").symlink_to("..2027_01_04")
    (folder / "corp").symlink_to("..data/corp")
    assert in_file("corp", folder) == "s3cret"


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (folder / "corp").write_text("s3cret")
    (tmp_path / "mounted").symlink_to(folder)
    assert in_file("corp", tmp_path / "mounted") == "s3cret"


@pytest.mark.parametrize("target", ["../outside", "/etc/hostname", "../secrets-of-others"])
def test_a_link_that_leads_outside_is_refused(folder: Path, target: str) -> None:
    (folder.parent / "secrets-of-others").write_text("not yours")
    (folder / "corp").symlink_to(target)
    with pytest.raises(SecretMissingError, match="corp points outside the secrets folder"):
        in_file("corp", folder)


@pytest.mark.parametrize("kind", ["missing", "not UTF-8", "a folder", "a link in a circle"])
def test_a_file_that_cannot_be_read_is_named_and_nothing_of_it_told(folder: Path, kind: str) -> None:
    match kind:
        case "not UTF-8":
            (folder / "corp").write_bytes(b"hush\xff")
        case "a folder":
            (folder / "corp").mkdir()
        case "a link in a circle":
            (folder / "corp").symlink_to("corp")
    with pytest.raises(SecretMissingError, match="file corp in the secrets folder cannot be read") as raised:
        in_file("corp", folder)
    assert "hush" not in str(raised.value)


def test_a_secret_of_the_environment(folder: Path) -> None:
    reference = SecretRef(env="PLACET_SECRET_CORP")
    assert resolve_secret(reference, folder, {"PLACET_SECRET_CORP": "s3cret"}, "any.example") == "s3cret"
    for environment in ({}, {"PLACET_SECRET_CORP": ""}, {"PLACET_SECRET_HR": "another"}):
        with pytest.raises(SecretMissingError, match="PLACET_SECRET_CORP is not set"):
            resolve_secret(reference, folder, environment, "any.example")


BOUND = json.dumps({"PLACET_SECRET_CORP": ["dc1.corp.example", "dc2.corp.example"], "file:corp": ["smtp.corp.example"]})


@pytest.mark.parametrize(
    ("reference", "host", "sent"),
    [
        ({"env": "PLACET_SECRET_CORP"}, "dc1.corp.example", True),
        ({"env": "PLACET_SECRET_CORP"}, "DC2.corp.example.", True),
        ({"env": "PLACET_SECRET_CORP"}, "smtp.corp.example", False),
        ({"env": "PLACET_SECRET_CORP"}, "dc1.corp.example.evil.example", False),
        ({"env": "PLACET_SECRET_CORP"}, "127.0.0.1", False),
        ({"env": "PLACET_SECRET_CORP"}, None, True),  # it is sent nowhere
        ({"env": "PLACET_SECRET_HR"}, "any.example", True),
        ({"file": "corp"}, "smtp.corp.example", True),
        ({"file": "corp"}, "dc1.corp.example", False),
    ],
)
def test_a_secret_that_is_bound_goes_to_its_hosts_alone(
    folder: Path, reference: dict[str, str], host: str | None, sent: bool
) -> None:
    (folder / "corp").write_text("s3cret")
    environment = {"PLACET_SECRET_CORP": "s3cret", "PLACET_SECRET_HR": "s3cret", "PLACET_SECRET_HOSTS": BOUND}
    if sent:
        assert resolve_secret(SecretRef.model_validate(reference), folder, environment, host) == "s3cret"
        return
    with pytest.raises(SecretBoundError, match=r"may not be sent to .*: PLACET_SECRET_HOSTS binds") as raised:
        resolve_secret(SecretRef.model_validate(reference), folder, environment, host)
    assert "s3cret" not in str(raised.value)


def test_the_setting_that_binds_secrets_is_none(folder: Path) -> None:
    with pytest.raises(SecretMissingError, match="is a setting and no secret"):
        resolve_secret(SecretRef(env="PLACET_SECRET_HOSTS"), folder, {"PLACET_SECRET_HOSTS": BOUND}, "any.example")
