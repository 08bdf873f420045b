"""Loops among things that need each other. Pure."""

from collections.abc import Iterator, Mapping, Sequence


def loops_of(needs: Mapping[int, Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Loops, each once and none touching another one given: without them all can be put in an order."""
    left = {one: set(others) for one, others in needs.items()}
    while True:
        left = _without_ends(left)
        if not left:
            return
        loop = _walk(left, min(left))
        yield loop
        left = {one: others - set(loop) for one, others in left.items() if one not in loop}


def _without_ends(left: dict[int, set[int]]) -> dict[int, set[int]]:
    """What is left when all that needs nothing was taken away, again and again."""
    users: dict[int, list[int]] = {}
    for one, others in left.items():
        for other in others:
            users.setdefault(other, []).append(one)
    free = [one for one in {*left, *users} if not left.get(one)]
    rest = {one: set(others) for one, others in left.items() if others}
    while free:
        done = free.pop()
        for user in users.get(done, ()):
            rest[user].discard(done)
            if not rest[user]:
                del rest[user]
                free.append(user)
    return rest


def _walk(needs: Mapping[int, set[int]], start: int) -> tuple[int, ...]:
    """From need to need, until one comes again."""
    path = [start]
    while (following := min(needs[path[-1]])) not in path:
        path.append(following)
    return tuple(path[path.index(following) :])
