"""Managers and groups through all services: made at once, renamed, gone."""

from typing import Any

from tests.support.desk import Desk
from tests.support.ldap_proxy import ldap_proxy
from tests.support.slapd import BASE_DN, Slapd

COLUMNS = ("id", "first", "last", "title", "boss")


def with_managers(desk: Desk, **people: tuple[str, str | None]) -> None:
    """People by their ids: a surname, and the id of a manager."""
    rows = [(f"{n}", "Ann", last, "Clerk", desk.id_of(boss) if boss else "") for n, (last, boss) in _numbered(people)]
    desk.people(*rows, columns=COLUMNS)


def _numbered(people: dict[str, tuple[str, str | None]]) -> list[tuple[str, tuple[str, str | None]]]:
    return [(name.removeprefix("p"), one) for name, one in people.items()]


def managers(desk: Desk) -> dict[str, list[str]]:
    return {short: one.get("manager", []) for short, one in desk.entries().items()}


def test_managers_who_are_made_at_once_renamed_and_deleted(desk: Desk) -> None:
    desk.job["fields"].append({"to": "manager", "resolve": {"from": "boss", "match": "employeeNumber"}})
    with_managers(desk, p1=("Low", "2"), p2=("Roe", "1"), p3=("Lee", None), p4=("Bad", "17"), p5=("Bed", "4"))
    desk.apply()
    assert "the entry whose employeeNumber is boss" in desk.ada.run("job", "review", desk.name).out
    run = desk.run(3)
    assert (run["plan"]["create"], run["plan"]["rejected"], run["results"]["applied"]) == (3, 2, 3)
    low, roe = f"cn=Ann Low,{desk.unit}", f"cn=Ann Roe,{desk.unit}"
    assert managers(desk) == {"1": [roe], "2": [low], "3": []}
    rejected = desk.changes(run, "--result", "rejected")
    assert rejected["4"]["reason"] == f"manager: no entry has employeeNumber {desk.id_of('17')}"
    assert rejected["5"]["reason"].startswith(f"manager: the record that has employeeNumber {desk.id_of('4')}")
    (manager,) = (one for one in desk.changes(run)["1"]["attributes"] if one["name"] == "manager")
    assert manager["references"] == [{"dn": roe, "key": desk.id_of("2")}]

    group = f"cn=all,{desk.unit}"
    with desk.slapd.hand() as hand:
        hand.add(group, "groupOfNames", {"member": [low, roe]})
    with_managers(desk, p1=("Lowe", "2"), p2=("Roe", "1"), p3=("Lee", "1"))
    run = desk.run()
    assert (run["plan"]["update"], run["plan"]["move"], run["results"]["applied"]) == (3, 1, 4)
    lowe = f"cn=Ann Lowe,{desk.unit}"
    assert managers(desk) == {"1": [roe], "2": [lowe], "3": [lowe]}
    assert members(desk, group) == [lowe, roe]
    assert desk.run()["results"]["applied"] == 0
    why = desk.ada.ask("job", "run", desk.name, "--preview", "--record", desk.id_of("2"))["explanations"][0]
    (manager,) = (one for one in why["attributes"] if one["name"] == "manager")
    assert (manager["decision"], manager["reason"]) == ("unchanged", "it refers to whom the record means")

    with_managers(desk, p1=("Lowe", None), p3=("Lee", "1"))
    run = desk.run()
    assert (run["plan"]["delete"], run["plan"]["update"], run["results"]["applied"]) == (1, 2, 3)
    assert managers(desk) == {"1": [], "3": [lowe]}
    assert members(desk, group) == [lowe]


def test_a_new_group_calls_a_member_whom_the_same_run_moves_away_as_he_is_called_then(
    desk: Desk, directory: Slapd
) -> None:
    """Though the answer to that was lost: it is found done."""
    ann, b = desk.id_of("ann"), desk.id_of("b")
    fields = [{"to": "cn", "from": "id"}, {"to": "member", "resolve": {"from": "who", "match": "cn"}, "split": ";"}]
    desk.job |= {"object_type": "group", "key": [{"source": "id", "destination": "cn"}], "fields": fields}
    desk.job |= {"extra": "move", "move_to": f"ou=Away,{desk.unit}", "create_move_to": True}
    desk.job["destination"]["query"] = f"(&(objectClass=groupOfNames)(cn={desk.id_of('*')}))"
    with desk.slapd.hand() as hand:
        hand.add(f"cn={ann},{desk.unit}", "inetOrgPerson", {"sn": "Low"})
    with ldap_proxy(directory.port) as proxy:
        desk.directory["url"] = f"ldap://localhost:{proxy.port}"
        desk.apply()
        desk.people(("b", ann), columns=("id", "who"))
        assert desk.run()["results"]["applied"] == 1
        desk.people(("a", f"{ann};{b}"), columns=("id", "who"))
        proxy.trap("modify", count=1)
        run = desk.run()
        assert not proxy.traps
        changes = desk.changes(run)
        assert (changes["a"]["result"], changes["b"]["result"]) == ("already_applied", "applied")
        assert [step["phase"] for step in changes["a"]["steps"]] == ["references", "referrers"]
        assert members(desk, f"cn={desk.id_of('a')},{desk.unit}") == [
            f"cn={ann},{desk.unit}", f"cn={b},ou=Away,{desk.unit}",
        ]  # fmt: skip
        assert set(proxy.done.values()) == {1}
        again = desk.run()["plan"]
        assert (again["create"], again["update"], again["move"]) == (0, 0, 0)


def test_a_unit_is_renamed_and_a_group_calls_those_below_it_as_they_are_called_then(desk: Desk) -> None:
    sales, trade, group = f"ou=Sales,{desk.unit}", f"ou=Trade,{desk.unit}", f"cn={desk.id_of('group')},{desk.unit}"
    desk.job |= {"object_type": "organizational_unit", "key": [{"source": "id", "destination": "description"}]}
    desk.job["fields"] = [{"to": "ou", "from": "name"}, {"to": "description", "from": "id"}]
    desk.job["destination"] |= {"query": f"(description={desk.id_of('*')})", "rdn": "ou"}
    desk.apply()
    desk.people(("1", "Sales"), columns=("id", "name"))
    assert desk.run()["results"]["applied"] == 1
    with desk.slapd.hand() as hand:
        hand.add(f"cn=Ann,{sales}", "inetOrgPerson", {"sn": "Low"})
        hand.add(f"cn=all,{sales}", "groupOfNames", {"member": f"cn=Ann,{sales}"})
        hand.add(group, "groupOfNames", {"member": [f"cn=Ann,{sales}", f"cn=all,{sales}"]})
    desk.people(("1", "Trade"), columns=("id", "name"))
    run = desk.run()
    assert (run["plan"]["move"], run["plan"]["update"], run["results"]["applied"]) == (1, 2, 3)
    assert members(desk, group) == [f"cn=Ann,{trade}", f"cn=all,{trade}"]
    assert members(desk, f"cn=all,{trade}") == [f"cn=Ann,{trade}"]
    assert desk.run()["results"]["applied"] == 0


def members(desk: Desk, dn: str) -> list[str]:
    with desk.slapd.hand() as hand:
        hand.search(BASE_DN, f"(&(objectClass=groupOfNames)(cn={dn.split(',')[0][3:]}))", attributes=["member"])
        found: list[Any] = [one for one in hand.response if one["dn"] == dn]
    return sorted(value.decode() for value in found[0]["raw_attributes"]["member"])
