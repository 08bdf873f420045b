"""Why one record becomes what it does, asked at the command line."""

from tests.support.desk import Desk


def test_a_preview_of_one_record_says_why_attribute_by_attribute(desk: Desk) -> None:
    desk.people(("1", "Ann", "Low", "Engineer"), ("2", "Bo", "Berg", "Clerk"))
    desk.apply()
    desk.run()
    desk.people(("1", "Ann", "Low", ""), ("2", "Bo", "Strom", "Clerk"))
    written, ask = len(desk.writes()), ("job", "run", desk.name, "--preview", "--record")

    run = desk.ada.ask(*ask, desk.id_of("2"), "--record", desk.id_of("1"))
    assert (run["outcome"], run["plan"]["move"], len(desk.writes())) == ("previewed", 1, written)
    second, first = run["explanations"]
    assert (second["op"], second["target"]) == ("move", f"cn=Bo Strom,{desk.unit}")
    assert {one["name"]: one["decision"] for one in second["attributes"]} == {
        "employeeNumber": "unchanged", "cn": "renamed", "givenName": "unchanged", "sn": "set", "title": "unchanged",
    }  # fmt: skip
    assert (first["result"], first["attributes"][-1]["decision"]) == ("unchanged", "kept")
    assert desk.cleo.ask("run", "explain", run["id"])["items"] == run["explanations"]

    said = desk.ada.run(*ask, desk.id_of("2")).out
    for line in (
        "why         its entry is found by the key, and does not have all that the record wants",
        f"is then     cn=Bo Strom,{desk.unit}",
        "sn          is set: Berg → Strom",
        "made        first + last, joined by ' '",
    ):
        assert line in said
    assert desk.cleo.complaint(*ask, desk.id_of("1"))
