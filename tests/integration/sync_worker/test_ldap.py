"""LDAP directories that refuse, hang, cut results short or are somebody else: one sentence each, with its remedy."""

import socket
import threading

import pytest

from placet_shared.clock import boot_seconds
from placet_shared.errors import PermanentError, PlacetError, TransientError
from placet_sync_worker.ports import Directory, Operation
from placet_sync_worker.providers.ldap.connecting import Target
from placet_sync_worker.providers.ldap.drivers import Driver, DriverMissingError, open_directory
from placet_sync_worker.providers.ldap.errors import (
    BindRefusedError,
    LimitReachedError,
    ProtocolError,
    SearchRefusedError,
    UnreachableError,
    UntrustedError,
)
from placet_sync_worker.providers.ldap.ldap3_directory import Ldap3Directory
from placet_sync_worker.providers.ldap.provider import open_ldap, try_ldap
from tests.support.directories import at_once, person, provider, soon, surroundings
from tests.support.ports import free_port
from tests.support.slapd import BASE_DN, BIND_DN, PASSWORD, PEOPLE, MakeSlapd, Setup, Slapd


def target(slapd: Slapd, **differing: object) -> Target:
    usual = {"url": slapd.url, "bind_dn": BIND_DN, "password": PASSWORD, "connect_seconds": 2, "receive_seconds": 1}
    return Target(**(usual | differing))  # type: ignore[arg-type]  # as the fields are


def opened(slapd: Slapd, driver: Driver, **differing: object) -> Directory:
    return open_directory(target(slapd, **differing), driver)


def refused(wanted: Target, driver: Driver) -> PlacetError:
    with pytest.raises(PlacetError) as caught:
        open_directory(wanted, driver)
    return caught.value


# ---- connecting ----------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_said_and_no_secret_shown(slapd: Slapd, driver: Driver) -> None:
    error = refused(target(slapd, password="wrong-one"), driver)
    assert isinstance(error, BindRefusedError)
    assert isinstance(error, PermanentError)
    assert "check bind_dn and the secret" in str(error)
    assert "wrong-one" not in f"{error}{target(slapd, password='wrong-one')!r}"
    assert "empty" in str(refused(target(slapd, password=""), driver))


def test_a_directory_that_is_down_may_be_back_later(driver: Driver) -> None:
    error = refused(Target(f"ldap://127.0.0.1:{free_port()}", BIND_DN, PASSWORD), driver)
    assert isinstance(error, UnreachableError)
    assert isinstance(error, TransientError)
    assert "connection refused" in str(error)
    assert "not known" in str(refused(Target("ldap://nowhere.invalid", BIND_DN, PASSWORD), driver))


def test_a_directory_that_hangs_is_not_waited_for(slapd: Slapd, driver: Driver) -> None:
    directory = opened(slapd, driver)
    slapd.pause()
    assert isinstance(refused(target(slapd), driver), UnreachableError)
    with pytest.raises(UnreachableError, match="in time"):
        list(directory.search(BASE_DN, "subtree", "(cn=*)", []))
    slapd.resume()
    with pytest.raises(TransientError):
        directory.write([person("Ada")], soon())
    assert opened(slapd, driver).write([person("Ada")], soon())[0].done


def test_a_directory_that_dies_is_noticed(slapd: Slapd, driver: Driver) -> None:
    directory = opened(slapd, driver)
    slapd.kill()
    with pytest.raises(UnreachableError, match="lost"):
        list(directory.search(BASE_DN, "subtree", "(cn=*)", []))


def test_another_protocol_is_no_directory(driver: Driver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(
            target=lambda: listener.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), daemon=True
        ).start()
        error = refused(
            Target(f"ldap://127.0.0.1:{listener.getsockname()[1]}", BIND_DN, PASSWORD, receive_seconds=1), driver
        )
    assert isinstance(error, ProtocolError | UnreachableError)


def test_certificates_are_verified(make_slapd: MakeSlapd, driver: Driver) -> None:
    slapd = make_slapd(Setup(tls=True))
    opened(slapd, driver, ca_file=str(slapd.ca_file)).close()
    error = refused(target(slapd), driver)
    assert isinstance(error, UntrustedError)
    assert "set tls.ca_file" in str(error)
    other_name = slapd.url.replace("localhost", "127.0.0.1")
    error = refused(target(slapd, url=other_name, ca_file=str(slapd.ca_file)), driver)
    assert isinstance(error, UntrustedError)
    assert "is for another host (IP address mismatch" in str(error)
    in_clear = refused(target(slapd, url=slapd.url.replace("ldaps:", "ldap:"), receive_seconds=1), driver)
    assert "or speaks TLS there (ldaps://)" in str(in_clear)
    assert "/nowhere.pem cannot be read" in str(refused(target(slapd, ca_file="/nowhere.pem"), driver))


# ---- complete or failed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [500, 1_000, 1_500])
def test_a_size_limit_fails_the_read_and_is_named(make_slapd: MakeSlapd, limit: int, driver: Driver) -> None:
    slapd = make_slapd(Setup(size_limit=limit))
    answers = opened(slapd, driver).write([person(f"p{number}") for number in range(1_600)], soon())
    assert {answer.code for answer in answers} == {0}
    with pytest.raises(LimitReachedError, match="size limit") as caught:
        list(opened(slapd, driver).search(PEOPLE, "subtree", "(objectClass=person)", ["cn"]))
    assert f"gave {limit} entries" in str(caught.value)
    assert "raise that limit" in str(caught.value)


def test_a_server_that_dies_between_pages_fails_the_read(slapd: Slapd, driver: Driver) -> None:
    opened(slapd, driver).write([person(f"p{number}") for number in range(3_500)], soon())
    pages = opened(slapd, driver).search(PEOPLE, "subtree", "(objectClass=person)", ["cn"])
    next(pages)
    slapd.kill()
    with pytest.raises(UnreachableError):
        list(pages)


def test_a_part_that_is_kept_elsewhere_fails_the_read(slapd: Slapd, driver: Driver) -> None:
    with slapd.hand() as hand:
        assert hand.add(
            f"ou=Far,{BASE_DN}", ["referral", "extensibleObject"], {"ou": "Far", "ref": "ldap://far.example/"},
            controls=[("2.16.840.1.113730.3.4.2", False, None)],
        )  # fmt: skip
    with pytest.raises(SearchRefusedError, match="another server"):
        list(opened(slapd, driver).search(BASE_DN, "subtree", "(cn=*)", []))
    assert list(opened(slapd, driver).search(PEOPLE, "subtree", "(cn=*)", [])) == [[]]


# ---- deadlines -----------------------------------------------------------------------------------------------------


def test_at_the_deadline_what_has_no_answer_is_told_from_what_was_not_sent(slapd: Slapd, driver: Driver) -> None:
    directory = opened(slapd, driver)
    slapd.pause()
    answers = directory.write([person(f"p{number}") for number in range(300)], at_once())
    slapd.resume()
    assert [answer.code for answer in answers] == [None] * 300
    assert [answer.sent for answer in answers] == [True] * 100 + [False] * 200
    late = opened(slapd, driver)
    assert late.write([person("late")], 0.0)[0].sent is False
    assert late.write([person("in-time")], soon())[0].done


def test_a_large_value_and_many_small_ones_pass(slapd: Slapd, driver: Driver) -> None:
    photo = b"\xff\xd8" * 2_000_000
    operations = [
        Operation("add", f"cn=p{n},{PEOPLE}", attributes={**person(f"p{n}").attributes, "jpegPhoto": (photo,)})
        for n in range(3)
    ]
    directory = opened(slapd, driver)
    assert [answer.code for answer in directory.write(operations, soon())] == [0, 0, 0]
    pages = directory.search(PEOPLE, "one", "(jpegPhoto=*)", ["jpegPhoto"])
    assert [entry.attributes["jpegPhoto"] for page in pages for entry in page] == [(photo,)] * 3


def test_a_send_that_is_not_taken_ends_at_its_deadline(slapd: Slapd, driver: Driver) -> None:
    photo = Operation("add", f"cn=p,{PEOPLE}", attributes={**person("p").attributes, "jpegPhoto": (b"x" * 30_000_000,)})
    directory = opened(slapd, driver)
    slapd.pause()
    began = boot_seconds()
    (answer,) = directory.write([photo], began + 0.5)
    took = boot_seconds() - began
    slapd.resume()
    assert (answer.code, answer.sent) == (None, True)
    assert 0.4 < took < 20
    with pytest.raises(TransientError):
        directory.write([person("Ada")], soon())


def test_much_passes_over_tls_in_both_directions(make_slapd: MakeSlapd, driver: Driver) -> None:
    slapd = make_slapd(Setup(tls=True))
    directory = opened(slapd, driver, ca_file=str(slapd.ca_file))
    photo = b"\xff\xd8" * 2_000_000
    large = Operation("add", f"cn=p,{PEOPLE}", attributes={**person("p").attributes, "jpegPhoto": (photo,)})
    operations = [large, *(person(f"p{number}") for number in range(1_500))]
    assert {answer.code for answer in directory.write(operations, soon() + 20)} == {0}
    found = [entry for page in directory.search(PEOPLE, "one", "(sn=*)", ["jpegPhoto"]) for entry in page]
    assert len(found) == 1_501
    assert [entry.attributes["jpegPhoto"] for entry in found if entry.attributes] == [(photo,)]
    directory.close()


def test_a_driver_may_be_chosen(slapd: Slapd, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert driver in type(opened(slapd, driver)).__module__ or driver == "python"
    monkeypatch.setattr("placet_sync_worker.providers.ldap.drivers.installed", lambda: False)
    assert isinstance(open_directory(target(slapd)), Ldap3Directory)
    with pytest.raises(DriverMissingError, match="leave driver out"):
        open_directory(target(slapd), "libldap")


# ---- provider test -------------------------------------------------------------------------------------------------


def steps(slapd: Slapd, driver: Driver, password: str | None = PASSWORD, **fields: object) -> list[tuple[str, bool]]:
    settings = provider(slapd.url).model_copy(update={"driver": driver, **fields})
    around = surroundings(PLACET_SECRET_CORP=password) if password else surroundings()
    return [(step["step"], step["ok"]) for step in try_ldap(settings, around)]


def test_a_provider_is_tried_step_by_step(slapd: Slapd, driver: Driver) -> None:
    good = [("secret", True), ("connect", True), ("bind", True), ("base", True), ("read", True)]
    assert steps(slapd, driver) == good
    assert steps(slapd, driver, None) == [("secret", False)]
    assert steps(slapd, driver, "wrong") == [("secret", True), ("connect", True), ("bind", False)]
    assert steps(slapd, driver, base_dn="dc=no") == [*good[:3], ("base", False)]
    down = f"ldap://127.0.0.1:{free_port()}"
    assert steps(slapd, driver, url=down) == [("secret", True), ("connect", False)]


def test_a_provider_is_told_how_safely_it_can_be_written_to(slapd: Slapd, driver: Driver) -> None:
    settings = provider(slapd.url).model_copy(update={"driver": driver})
    (base,) = (s for s in try_ldap(settings, surroundings(PLACET_SECRET_CORP=PASSWORD)) if s["step"] == "base")
    assert base["message"].endswith("; every write is a compare-and-set")


def test_what_does_not_open_names_the_provider(slapd: Slapd, driver: Driver) -> None:
    with pytest.raises(BindRefusedError, match=r"^provider corp: "):
        open_ldap(provider(slapd.url).model_copy(update={"driver": driver}), surroundings(PLACET_SECRET_CORP="wrong"))
