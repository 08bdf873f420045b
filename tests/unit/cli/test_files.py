"""Objects in YAML and JSON: a mistake names the file, the line and what would be right."""

from pathlib import Path

import pytest

from placet_cli.errors import CommandError
from placet_cli.files import located, parse_documents

FILE = Path("people.yaml")
PROVIDER = "kind: provider\nname: hr\ntype: csv\npath: people.csv\n"
WORKFLOW = "kind: workflow\nname: one\nstages: [{approvers: [ada]}]\n"


def complaint(text: str) -> str:
    with pytest.raises(CommandError) as raised:
        parse_documents(FILE, text)
    return str(raised.value)


def test_several_objects_stand_in_one_file() -> None:
    found = parse_documents(FILE, f"---\n{PROVIDER}---\n{WORKFLOW}---\n")
    assert [one.name for one in found] == ["provider hr", "workflow one"]
    assert found[1].place_of("stages.0.approvers") == "people.yaml:9"


def test_json_is_read_too_also_as_a_list() -> None:
    text = '[{"kind": "provider", "name": "hr", "type": "csv", "path": "people.csv"}]'
    assert [one.name for one in parse_documents(FILE, text)] == ["provider hr"]


def test_dates_times_and_leading_zeros_stay_the_text_that_was_written() -> None:
    text = "kind: schedule\nname: 2027-01-01\ntriggers: [{daily: 02:30}]\n"
    (found,) = parse_documents(FILE, text)
    assert (found.value["triggers"], found.value["name"]) == ([{"daily": "02:30"}], "2027-01-01")
    (found,) = parse_documents(FILE, PROVIDER.replace("people.csv", "0123"))
    assert found.value["path"] == "0123"


def test_numbers_and_truths_are_numbers_and_truths() -> None:
    (found,) = parse_documents(FILE, WORKFLOW.replace("[ada]", "[ada], need: 1") + "requester_may_approve: false\n")
    assert (found.value["stages"][0]["need"], found.value["requester_may_approve"]) == (1, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PROVIDER + "delimeter: ';'\n", ["people.yaml:5:", "provider hr", "delimeter", "delimiter"]),
        (PROVIDER + "name: other\n", ["people.yaml:5:", "name stands twice"]),
        ("kind: [provider\n", ["people.yaml:2:"]),
        ("a: *nobody\n", ["people.yaml:1:", "nobody"]),
        ("just words\n", ["people.yaml:1:", "a mapping with kind and name"]),
        (PROVIDER.replace("name: hr", "name: H R"), ["people.yaml:2:", "name"]),
        (PROVIDER.replace("provider", "provder"), ["people.yaml:1:", "provder", "provider"]),
        (PROVIDER + "---\n" + PROVIDER.replace("path: people.csv\n", ""), ["people.yaml:6:", "path"]),
        ("kind: provider\n" + "\n".join(" " * n + "a:" for n in range(40)), ["nested too deeply"]),
        (WORKFLOW.replace("[ada]", "[ada], expires_after: soon"), ["people.yaml:3:", "such as 90s, 15m, 48h or 7d"]),
        ("\x07", ["people.yaml"]),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, words: list[str]) -> None:
    said = complaint(text)
    assert all(word in said for word in words), said
    assert "\n" not in said


def test_what_the_server_says_about_an_object_gets_its_place() -> None:
    documents = parse_documents(FILE, f"{PROVIDER}---\n{WORKFLOW}")
    about = CommandError("workflow one: stages.0.approvers: nobody is named ada", field="stages.0.approvers.0")
    assert str(located(about, documents)).startswith("people.yaml:8: workflow one: ")
    other = CommandError("only an admin may do that")
    assert located(other, documents) is other


def test_a_path_is_seen_from_the_file_that_names_it() -> None:
    (found,) = parse_documents(Path("/data/jobs/hr.yaml"), PROVIDER.replace("people.csv", "../people.csv"))
    assert found.as_seen_from_here()["path"] == "/data/people.csv"
    assert found.value["path"] == "../people.csv"
