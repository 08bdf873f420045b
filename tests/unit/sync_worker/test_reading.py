"""Two sides, read at once."""

from collections.abc import Iterator
from threading import Event

import pytest

from placet_sync_worker.errors import SourceMovedError, StoppedError
from placet_sync_worker.planning.reading import Brake, ahead, both

GO_ON = Brake(lambda: False)


def test_the_next_page_is_read_while_this_one_is_used() -> None:
    second_was_read = Event()

    def pages() -> Iterator[int]:
        yield 1
        second_was_read.set()
        yield 2

    read = ahead(pages(), GO_ON)
    assert next(read) == 1
    assert second_was_read.wait(5)
    assert list(read) == [2]


def test_an_error_comes_out_after_the_pages_before_it() -> None:
    def pages() -> Iterator[int]:
        yield 1
        raise SourceMovedError

    read = ahead(pages(), GO_ON)
    assert next(read) == 1
    with pytest.raises(SourceMovedError):
        next(read)


def test_reading_ends_when_the_run_is_stopped() -> None:
    stopped = Event()
    read = ahead(iter(range(1000)), Brake(stopped.is_set))
    next(read)
    stopped.set()
    with pytest.raises(StoppedError):
        list(read)


def test_a_side_that_fails_ends_the_other_one_and_is_what_is_told() -> None:
    brake = Brake(lambda: False)

    def endless() -> Iterator[int]:
        while True:
            yield 1

    def fail() -> None:
        raise SourceMovedError

    with pytest.raises(SourceMovedError):
        both(lambda: list(ahead(endless(), brake)), fail, brake)


def test_both_sides_run_at_the_same_time() -> None:
    one, other = Event(), Event()

    def first() -> bool:
        one.set()
        return other.wait(5)

    def second() -> bool:
        other.set()
        return one.wait(5)

    assert both(first, second, Brake(lambda: False)) == (True, True)


def test_a_hanging_side_does_not_hold_the_stop_up() -> None:
    hanging = Event()

    def pages() -> Iterator[int]:
        hanging.wait(30)
        yield 1

    try:
        with pytest.raises(StoppedError):
            next(ahead(pages(), Brake(lambda: True)))
    finally:
        hanging.set()
