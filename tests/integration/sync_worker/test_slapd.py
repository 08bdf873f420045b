"""The directory that other tests rely on: what it logs is what was written."""

from tests.support.slapd import BASE_DN, PEOPLE, Slapd


def test_every_write_stands_in_the_audit_log(slapd: Slapd) -> None:
    dn = f"cn=Zoë,{PEOPLE}"
    with slapd.hand() as hand:
        assert hand.add(dn, ["inetOrgPerson"], {"sn": "Ó" * 100})
        assert hand.modify(dn, {"sn": [("MODIFY_REPLACE", ["B"])]})
        assert hand.modify_dn(dn, "cn=B")
        assert hand.delete(f"cn=B,{PEOPLE}")
        assert not hand.delete(f"cn=B,{PEOPLE}")
    logged = slapd.audited()
    assert [(one.op, one.dn) for one in logged] == [
        ("add", dn), ("modify", dn), ("modrdn", dn), ("delete", f"cn=B,{PEOPLE}"),
    ]  # fmt: skip
    assert "replace: sn" in logged[1].lines
    assert "sn: B" in logged[1].lines
    assert {one.by for one in logged} == {f"cn=admin,{BASE_DN}"}


def test_it_keeps_its_data_over_a_restart(slapd: Slapd) -> None:
    with slapd.hand() as hand:
        hand.add(f"cn=a,{PEOPLE}", ["inetOrgPerson"], {"sn": "A"})
    slapd.restart()
    with slapd.hand() as hand:
        assert hand.search(PEOPLE, "(sn=A)")
