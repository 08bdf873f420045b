"""A source that moves while its plan waits for people, and workers that die while they read it again."""

from tests.chaos.conftest import MakeDesk
from tests.support.chaos import people_titled, written

PEOPLE, LEFT = 200, 7
RETITLED, GONE = {11, 12, 13}, {14}


def test_what_moved_in_the_source_is_not_written_although_each_worker_dies_looking(make_desk: MakeDesk) -> None:
    desk = make_desk(PLACET_FAILPOINT="after_look:exit", PLACET_LOOK_AGAIN_SECONDS="0")
    desk.two_eyes()
    desk.people(*people_titled("Clerk", PEOPLE))
    desk.apply()
    workers = set(desk.stack.pids("sync-worker"))
    desk.approve(desk.request())
    assert not workers <= set(desk.stack.pids("sync-worker")), "nobody died"
    chiefs = people_titled("Chief", PEOPLE)
    desk.people(*(row for number, row in enumerate(chiefs) if number != LEFT))
    run = desk.request()
    assert (run["plan"]["update"], run["plan"]["delete"]) == (PEOPLE - 1, 1)
    retitled = people_titled("Mate", PEOPLE)
    desk.people(
        *(retitled[number] if number in RETITLED else row for number, row in enumerate(chiefs) if number not in GONE)
    )
    run = desk.approve(run, code=3)

    moved = {*RETITLED, *GONE, LEFT}
    conflicts = desk.changes(run, "--result", "conflict")
    assert set(conflicts) == {str(number) for number in moved}
    assert all(change["reason"].startswith("source moved: ") for change in conflicts.values())
    assert run["results"]["applied"] + run["results"]["already_applied"] == PEOPLE - len(moved)
    titles = {short: entry["title"][0] for short, entry in desk.entries().items()}
    assert titles == {str(number): "Clerk" if number in moved else "Chief" for number in range(PEOPLE)}
    assert set(written(desk).values()) == {1}
