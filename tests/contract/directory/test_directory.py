"""What the `Directory` port promises."""

import pytest
from msgspec.structs import replace

from placet_shared.clock import boot_seconds
from placet_shared.errors import TransientError
from placet_sync_worker.ports import DN, Directory, Modification, Operation
from placet_sync_worker.providers.ldap import writing as ldap_writing
from placet_sync_worker.providers.ldap.errors import InvalidFilterError, NoSuchEntryError
from placet_sync_worker.providers.ldap.wire import Scope
from tests.support.directories import GROUPS, World, at_once, person, soon, write
from tests.support.slapd import BASE_DN, PEOPLE

ADA = f"cn=Ada,{PEOPLE}"
NIL = b"00000000-0000-0000-0000-000000000000"


def codes(world: World, *operations: Operation) -> list[int | None]:
    return [answer.code for answer in write(world, *operations)]


def modify(*parts: Modification, dn: str = ADA, assertion: str | None = None) -> Operation:
    return Operation("modify", dn, modifications=parts, assertion=assertion)


def names(directory: Directory, query: str, base: str = PEOPLE, scope: Scope = "subtree") -> list[str]:
    found = [entry for page in directory.search(base, scope, query, ["cn"]) for entry in page]
    return sorted(entry.attributes.get("cn", (b"",))[0].decode() for entry in found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("(sn=sample)", ["Ada", "Bo", "Zoë"]),
        ("(cn=ZOË)", ["Zoë"]),
        ("(cn=zoe)", []),
        ("(sn=Sam*)", ["Ada", "Bo", "Zoë"]),
        ("(cn=*o*)", ["Bo", "Zoë"]),
        ("(cn=a*a)", ["Ada"]),
        ("(&(sn=sample)(!(cn=bo)))", ["Ada", "Zoë"]),
        ("(|(cn=ada)(cn=bo)(cn=nobody))", ["Ada", "Bo"]),
        ("(employeeNumber=*)", ["Ada"]),
        ("(surname=sample)", ["Ada", "Bo", "Zoë"]),
        ("(telephoneNumber=+48-22 555)", ["Bo"]),
        ("(cn=nobody)", []),
    ],
)
def test_a_search_finds_what_the_filter_means(world: World, query: str, found: list[str]) -> None:
    write(world, person("Ada", employeeNumber="1"), person("Bo", telephoneNumber="+48 22 555"), person("Zoë"))
    assert names(world.open(), query) == found


def test_a_scope_bounds_a_search(world: World) -> None:
    write(world, person("Ada"))
    directory = world.open()
    assert names(directory, "(objectClass=*)", ADA, "base") == ["Ada"]
    assert names(directory, "(objectClass=person)", PEOPLE, "one") == ["Ada"]
    assert names(directory, "(objectClass=person)", BASE_DN, "one") == []
    assert names(directory, "(objectClass=person)", BASE_DN) == ["Ada"]


def test_attributes_come_under_the_names_that_were_asked_for(world: World) -> None:
    write(world, person("Ada", mail=["b@x", "a@x"]))
    ((entry,),) = world.open().search(PEOPLE, "one", "(cn=Ada)", ["MAIL", "entryUUID", "entryCSN", "title"])
    assert entry.dn == ADA
    assert set(entry.attributes) == {"MAIL", "entryUUID", "entryCSN"}
    assert set(entry.attributes["MAIL"]) == {b"a@x", b"b@x"}


def test_entries_come_as_columns_of_octets(world: World) -> None:
    photo = b"\xff\xd8" * 300
    ada = person("Ada", mail=["b@x", "a@x"])
    write(world, Operation("add", ada.dn, attributes={**ada.attributes, "jpegPhoto": (photo, b"x")}), person("Zoë"))
    (page,) = world.open().columns(PEOPLE, "one", "(sn=*)", ["SN", "jpegPhoto", "mail", "title", "entryUUID"])
    assert page.schema.names == [DN, "SN", "jpegPhoto", "mail", "title", "entryUUID"]
    rows = {row[DN]: row for row in page.to_pylist()}
    assert rows.keys() == {ADA, f"cn=Zoë,{PEOPLE}"}
    assert sorted(rows[ADA]["mail"]) == [b"a@x", b"b@x"]
    assert sorted(rows[ADA]["jpegPhoto"]) == sorted([photo, b"x"])
    assert (rows[ADA]["SN"], rows[ADA]["title"], len(rows[ADA]["entryUUID"])) == ([b"Sample"], [], 1)
    assert rows[f"cn=Zoë,{PEOPLE}"]["mail"] == []
    (empty,) = world.open().columns(PEOPLE, "one", "(sn=nobody)", ["sn"])
    assert (empty.num_rows, empty.schema.names) == (0, [DN, "sn"])


def test_no_page_is_missing(world: World) -> None:
    assert set(codes(world, *(person(f"p{number}") for number in range(2_345)))) == {0}
    pages = list(world.open().search(PEOPLE, "subtree", "(objectClass=person)", ["cn"]))
    assert len(pages) == 3
    assert len({entry.dn for page in pages for entry in page}) == 2_345


def test_a_search_that_is_given_up_does_not_disturb_the_next(world: World) -> None:
    write(world, *(person(f"p{number}") for number in range(1_500)))
    directory = world.open()
    next(iter(directory.search(PEOPLE, "subtree", "(objectClass=person)", [])))
    assert names(directory, "(cn=p7)") == ["p7"]
    assert directory.write([person("Ada")], soon())[0].done


def test_what_cannot_be_searched_raises(world: World) -> None:
    directory = world.open()
    with pytest.raises(NoSuchEntryError, match="ou=Nobody"):
        list(directory.search(f"ou=Nobody,{BASE_DN}", "subtree", "(cn=*)", []))
    with pytest.raises(InvalidFilterError, match="column 5"):
        list(directory.search(BASE_DN, "subtree", "(cn=", []))
    assert names(directory, "(ou=People)", BASE_DN) == [""]


def test_answers_come_in_the_order_of_the_operations(world: World) -> None:
    parts = (Modification("replace", "sn", (b"New",)), Modification("add", "title", (b"Dr",)))
    operations = [person(f"p{number}") if number % 3 else person("same") for number in range(300)]
    answers = codes(world, *operations, person("Ada"), modify(*parts), Operation("delete", ADA))
    assert answers.count(0) == 200 + 1 + 3
    assert [place for place, code in enumerate(answers) if code == 68][:3] == [3, 6, 9]
    assert answers[-3:] == [0, 0, 0]


def test_parents_are_made_before_their_children_and_go_after_them(world: World) -> None:
    ous = [f"ou=b,ou=a,{PEOPLE}", f"ou=a,{PEOPLE}"]
    adds = [
        Operation("add", dn, attributes={"objectClass": (b"organizationalUnit",), "ou": (dn[3:4].encode(),)})
        for dn in ous
    ]
    assert codes(world, *reversed(adds)) == [0, 0]
    assert codes(world, *(Operation("delete", dn) for dn in ous)) == [0, 0]


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        (person("Ada"), 68, ""),
        (Operation("add", f"cn=x,ou=no,{PEOPLE}", attributes={"objectClass": (b"person",), "sn": (b"x",)}), 32, ""),
        (Operation("add", f"cn=x,{PEOPLE}", attributes={"objectClass": (b"person",)}), 65, "sn"),
        (person("x", mail="ü@x"), 21, "mail"),
        (person("x", manager="nobody"), 21, "manager"),
        (person("x", ou="a", dc="b"), 65, "dc"),
        (person("x", employeeNumber=["1", "2"]), 19, "employeeNumber"),
        (modify(Modification("delete", "sn", (b"Other",))), 16, "sn"),
        (modify(Modification("delete", "title")), 16, "title"),
        (modify(Modification("add", "sn", (b"SAMPLE",))), 20, "sn"),
        (modify(Modification("delete", "jpegPhoto", (b"\xff",))), 18, "jpegPhoto"),
        (modify(Modification("add", "nonsense", (b"x",))), 17, "nonsense"),
        (modify(Modification("replace", "cn", (b"Other",))), 64, ""),
        (modify(Modification("delete", "sn")), 65, "sn"),
        (modify(Modification("add", "entryUUID", (NIL,))), 19, "entryUUID"),
        (modify(Modification("replace", "sn", (b"x",)), dn=f"cn=no,{PEOPLE}"), 32, ""),
        (Operation("rename", ADA, new_rdn="cn=Bo"), 68, ""),
        (Operation("rename", ADA, new_rdn="cn=x", new_superior=f"ou=no,{BASE_DN}"), 32, ""),
        (Operation("delete", f"cn=no,{PEOPLE}"), 32, ""),
        (Operation("delete", PEOPLE), 66, ""),
    ],
)
def test_a_refusal_has_its_code_and_names_the_attribute(
    world: World, operation: Operation, code: int, words: str
) -> None:
    write(world, person("Ada", jpegPhoto="x"), person("Bo"))
    (answer,) = write(world, operation)
    assert answer.code == code
    assert words in answer.message
    assert answer.message.startswith("the directory refused it: ")


def test_a_rename_takes_the_old_name_away(world: World) -> None:
    write(world, person("Ada", cn=["Ada", "Countess"]))
    assert codes(world, Operation("rename", ADA, new_rdn="cn=Ada Lovelace", new_superior=GROUPS)) == [0]
    ((entry,),) = world.open().search(GROUPS, "one", "(sn=*)", ["cn"])
    assert entry.dn == f"cn=Ada Lovelace,{GROUPS}"
    assert set(entry.attributes["cn"]) == {b"Ada Lovelace", b"Countess"}


def test_a_critical_assertion_is_a_compare_and_set(world: World) -> None:
    write(world, person("Ada"))
    ((entry,),) = world.open().search(PEOPLE, "one", "(cn=Ada)", ["entryUUID", "entryCSN"])
    id_, version = (entry.attributes[name][0].decode() for name in ("entryUUID", "entryCSN"))
    query = f"(&(entryUUID={id_})(entryCSN={version}))"
    first = modify(Modification("replace", "sn", (b"First",)), assertion=query)
    second = modify(Modification("replace", "sn", (b"Second",)), assertion=query)
    assert codes(world, first) == [0]
    assert codes(world, second) == [122]
    assert codes(world, Operation("delete", ADA, assertion=query)) == [122]
    assert codes(world, Operation("rename", ADA, new_rdn="cn=x", assertion=query)) == [122]
    assert names(world.open(), "(sn=First)") == ["Ada"]


def test_an_answer_shows_the_entry_as_the_write_left_it(world: World) -> None:
    asked = ("entryUUID", "entryCSN")
    ada = person("Ada", sn="Zoë")
    new = replace(modify(Modification("replace", "sn", (b"New",))), read=asked)
    moved = Operation("rename", ADA, new_rdn="cn=Bo", new_superior=GROUPS, read=asked)
    shown = [answer.entry for answer in write(world, replace(ada, read=("entryUUID", "entryCSN", "sn")), new, moved)]
    assert [entry and entry.dn for entry in shown] == [ADA, ADA, f"cn=Bo,{GROUPS}"]
    attributes = [{name.lower(): some for name, some in entry.attributes.items()} for entry in shown if entry]
    assert attributes[0]["sn"] == ("Zoë".encode(),)
    assert len({one["entryuuid"] for one in attributes}) == 1
    assert len({one["entrycsn"] for one in attributes}) == 3
    ((found,),) = world.open().search(GROUPS, "one", "(cn=Bo)", asked)
    assert attributes[2] == {"entryuuid": found.attributes["entryUUID"], "entrycsn": found.attributes["entryCSN"]}


def test_an_answer_shows_no_entry_that_was_not_written_or_asked_for(world: World) -> None:
    taken = replace(person("Ada"), read=("entryUUID",))
    answers = write(world, person("Ada"), taken, Operation("delete", ADA, read=("entryUUID",)))
    assert [(answer.code, answer.entry) for answer in answers] == [(0, None), (68, None), (0, None)]


def test_lost_answers_are_said_to_be_sent(world: World) -> None:
    directory = world.open()
    world.lose_answers()
    (answer,) = directory.write([person("Ada")], at_once())
    assert (answer.code, answer.sent) == (None, True)
    with pytest.raises(TransientError):
        directory.write([person("Bo")], soon())
    with pytest.raises(TransientError):
        list(directory.search(PEOPLE, "one", "(cn=*)", []))
    world.mend()
    assert names(world.open(), "(cn=*)") == ["Ada"]


def test_requests_that_do_not_arrive_leave_no_trace(world: World) -> None:
    directory = world.open()
    world.lose_requests()
    (answer,) = directory.write([person("Ada")], at_once())
    assert (answer.code, answer.sent) == (None, True)
    world.mend()
    assert names(world.open(), "(cn=*)") == []


def test_nothing_leaves_a_process_that_slept_over_the_deadline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looked at the clock, was suspended with its requests in hand, and woke after its lease."""
    directory, before = world.open(), boot_seconds()
    monkeypatch.setattr(ldap_writing, "boot_seconds", lambda: before - 60)
    (answer,) = directory.write([person("Ada")], before - 1)
    assert answer.code is None
    assert names(world.open(), "(cn=*)") == []
