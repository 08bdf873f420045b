"""Passwords from a job to the person who may sign in with them, through the real command."""

from tests.support.desk import Desk

MADE = {"to": "userPassword", "password": {"exclude": "0O1lI", "deliver_to": ["cleo"]}, "only_on_create": True}


def test_new_people_sign_in_with_what_one_person_took_once(desk: Desk) -> None:
    desk.job["fields"].append(MADE)
    desk.people(("1", "Ann", "Low", "Clerk"), ("2", "Bo", "Roe", "Head"))
    desk.apply()
    assert (
        "a random password of 20 characters, kept for any admin, cleo for 7d"
        in desk.ada.run("job", "review", desk.name).out
    )

    run = desk.run()
    attributes = desk.changes(run)["1"]["attributes"]
    assert {"name": "userPassword", "before": [], "after": [], "password": True} in attributes
    assert "(a password, made when it is written)" in desk.cleo.run("run", "changes", run["id"]).out
    assert "admins, cleo may" in desk.ada.complaint("run", "passwords", run["id"])

    taken = desk.cleo.ask("run", "passwords", run["id"])["items"]
    assert [(one["key"], one["attribute"]) for one in taken] == [
        (desk.id_of(short), "userPassword") for short in ("1", "2")
    ]
    for one in taken:
        assert desk.signs_in(one["dn"], one["password"])
        assert not desk.signs_in(one["dn"], f"{one['password']}x")
    assert desk.cleo.ask("run", "passwords", run["id"])["items"] == []
    assert "received" in desk.bob.run("run", "passwords", run["id"], "--list").out
    _is_nowhere(desk, [one["password"] for one in taken])
    assert desk.run()["plan"]["unchanged"] == 2


def _is_nowhere(desk: Desk, passwords: list[str]) -> None:
    """Neither in a table, an outbox among them, nor in a log or a mail."""
    with desk.stack.database() as database:
        names = database.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables WHERE table_schema IN"
            " ('scheduler', 'sync', 'approvals', 'notifier', 'console')"
        ).fetchall()
        texts = [str(database.execute(f"SELECT t::text FROM {name} t").fetchall()) for (name,) in names]
    folders = [desk.stack.home / "logs", desk.stack.home / "mail", desk.stack.home / "spool"]
    texts += [file.read_text(errors="replace") for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert len(texts) > len(names) > 0
    assert not [one for one in passwords if any(one in text for text in texts)]
