"""Made passwords: by the rules, sealed for one place, and nowhere to be read."""

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path
from secrets import token_urlsafe

import pytest

from placet_shared.objects import Password
from placet_shared.objects.password import CHARACTERS, CharacterClass
from placet_sync_worker.changes import AttributeChange, Change, Phase, Step
from placet_sync_worker.passwords.keys import PasswordKeyError, PasswordKeys, PasswordPlace
from placet_sync_worker.passwords.making import make_password
from placet_sync_worker.plan import canonical, parse_change
from placet_sync_worker.tasks import Task
from placet_sync_worker.unaltered import AlteredError

PLACE = PasswordPlace("run", 7, "userPassword")


# ---- making ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "classes", "exclude"),
    [(12, ("upper", "lower", "digit", "symbol"), "0O1lI"), (20, ("digit",), ""), (127, ("lower", "digit"), "abc")],
)
def test_a_password_has_each_class_and_nothing_else(
    length: int, classes: tuple[CharacterClass, ...], exclude: str
) -> None:
    policy = Password(length=length, classes=classes, exclude=exclude)
    allowed = set("".join(CHARACTERS[name] for name in classes)) - set(exclude)
    made = {make_password(policy) for _ in range(200)}
    assert len(made) == 200
    for one in made:
        assert len(one) == length
        assert set(one) <= allowed
        assert all(set(one) & set(CHARACTERS[name]) for name in classes)


def test_no_word_of_the_persons_names_is_in_it() -> None:
    """With three characters to choose from, most have one of these."""
    policy = Password.model_construct(length=12, classes=("lower",), exclude="defghijklmnopqrstuvwxyz")
    for _ in range(200):
        made = make_password(policy, ["Abc Cab-aaa", "bb"])
        assert not any(word in made for word in ("abc", "cab", "aaa"))


# ---- sealing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(tmp_path: Path) -> PasswordKeys:
    file = tmp_path / "key"
    file.write_text(f"{token_urlsafe(32)}\n")
    return PasswordKeys(file)


def test_a_sealed_password_is_opened_at_its_place_alone(keys: PasswordKeys) -> None:
    sealed = keys.seal("Secret.of-1", PLACE)
    assert "Secret" not in sealed
    assert keys.seal("Secret.of-1", PLACE) != sealed
    assert keys.open(sealed, PLACE) == "Secret.of-1"
    for other in (replace(PLACE, run_id="other"), replace(PLACE, number=8), replace(PLACE, attribute="unicodePwd")):
        with pytest.raises(AlteredError):
            keys.open(sealed, other)


def test_passwords_are_sealed_by_aes_256_gcm_each_with_a_nonce_of_its_own(keys: PasswordKeys) -> None:
    head, wrapped, nonce, _, tag = keys.seal("Secret.of-1", PLACE).split(".")
    header = json.loads(urlsafe_b64decode(f"{head}=="))
    assert (header["alg"], header["enc"], wrapped) == ("dir", "A256GCM", "")
    assert [len(urlsafe_b64decode(f"{part}==")) for part in (nonce, tag)] == [12, 16]
    assert keys.seal("Secret.of-1", PLACE).split(".")[2] != nonce


@pytest.mark.parametrize("broken", ["", "x.y.z", "a.b.c.d.e"])
def test_what_was_altered_is_not_opened(keys: PasswordKeys, broken: str) -> None:
    head, nothing, nonce, octets, tag = keys.seal("Secret.of-1", PLACE).split(".")
    turned = ".".join((head, nothing, nonce, octets[::-1], tag))
    for sealed in (broken, turned):
        with pytest.raises(AlteredError):
            keys.open(sealed, PLACE)


def test_a_new_key_goes_on_top_and_the_old_one_still_opens(keys: PasswordKeys) -> None:
    assert keys.path is not None
    old, sealed = keys.path.read_text(), keys.seal("Secret.of-1", PLACE)
    keys.path.write_text(f"{token_urlsafe(32)}\n{old}")
    assert keys.open(sealed, PLACE) == "Secret.of-1"
    newer = keys.seal("Secret.of-2", PLACE)
    keys.path.write_text(old)
    with pytest.raises(PasswordKeyError, match="put its line back"):
        keys.open(newer, PLACE)


@pytest.mark.parametrize("text", [None, "", "c2hvcnQ", "no base64 at all: ż", "A" * 22])
def test_a_key_file_that_is_none_is_said_without_what_is_in_it(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "key"
    if text is not None:
        file.write_text(text)
    with pytest.raises(PasswordKeyError, match=str(file)) as refused:
        PasswordKeys(file).seal("Secret.of-1", PLACE)
    assert not text or text not in str(refused.value)


def test_without_a_key_file_the_setting_is_named() -> None:
    with pytest.raises(PasswordKeyError, match="PLACET_PASSWORD_KEY_FILE"):
        PasswordKeys(None).seal("Secret.of-1", PLACE)


# ---- plans and tasks -------------------------------------------------------------------------------------------------


def a_create(password: bool) -> Change:
    attributes = (AttributeChange("cn", (), ("Ann",)), AttributeChange("userPassword", (), (), password))
    step = Step("add", Phase.CREATE, attributes=("cn", "userPassword"))
    return Change("7", "create", "cn=Ann,dc=example", attributes, (step,))


def test_a_document_says_that_there_will_be_a_password_and_others_are_as_ever() -> None:
    written = canonical(a_create(password=True))
    document = json.loads(written)
    assert document["attributes"][1] == {"name": "userPassword", "before": [], "after": [], "password": True}
    assert document["attributes"][0] == {"name": "cn", "before": [], "after": ["Ann"]}
    assert parse_change(written) == a_create(password=True)
    assert canonical(a_create(password=False)) != written


def test_a_task_does_not_show_its_password() -> None:
    task = Task(0, 0, a_create(password=True), False, None, "cn=Ann", password="Secret.of-1")
    assert task.sets_password
    assert "Secret" not in repr(task)
