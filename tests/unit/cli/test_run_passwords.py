"""Passwords of a run at the command line: all pages of them, opened here alone, no letter of them cut off."""

import json
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OKPKey

from placet_cli.commands import run_passwords
from placet_cli.output import Form

PASSWORD = "p[b]" + "x" * 123


class Worker:
    """Answers as the API would, a password a page; notes what it was sent."""

    def __init__(self, taken_at: str | None = None) -> None:
        self.asked: list[tuple[tuple[str, ...], object]] = []
        self.taken_at = taken_at

    def post(self, *path: str, body: Any = None, **query: str) -> Any:
        self.asked.append((path, body))
        if path[-1] == "received":
            return {"erased": 3}
        number = int(query.get("cursor", "-1")) + 1
        about = {"key": f"{number}", "dn": f"cn=p{number},{'ou=far,' * 30}o=x", "attribute": "userPassword"}
        content = {**about, "password": PASSWORD, "taken_at": self.taken_at}
        key = OKPKey.import_key(body["recipient"])
        sealed = jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, json.dumps(content).encode(), key)
        return {"items": [{"sealed": sealed}], "next": f"{number}" if number < 2 else None}


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    made = Worker()
    monkeypatch.setattr(run_passwords, "connect", lambda _url, _token: made)
    monkeypatch.setenv("COLUMNS", "20")
    return made


def test_all_pages_are_shown_whole_and_then_confirmed(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    run_passwords.passwords("r1")
    said = capsys.readouterr()
    assert [line.split("  ")[:2] for line in said.out.splitlines()] == [[f"{number}", PASSWORD] for number in range(3)]
    assert worker.asked[-1] == (("runs", "r1", "passwords", "received"), None)
    assert len(worker.asked) == 4
    assert all("d" not in body["recipient"] for _, body in worker.asked[:-1] if isinstance(body, dict))
    assert "before" not in said.err


def test_who_had_them_before_is_told(worker: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    worker.taken_at = "2027-01-04T02:30:00+00:00"
    run_passwords.passwords("r1", output=Form.JSON)
    said = capsys.readouterr()
    assert [one["password"] for one in json.loads(said.out)["items"]] == [PASSWORD] * 3
    assert "they were handed over to you before, at 2027-01-04 02:30:00 UTC" in said.err


def test_what_could_not_be_printed_is_not_confirmed(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(run_passwords, "show", broken)
    with pytest.raises(BrokenPipeError):
        run_passwords.passwords("r1")
    assert not [path for path, _ in worker.asked if path[-1] == "received"]
