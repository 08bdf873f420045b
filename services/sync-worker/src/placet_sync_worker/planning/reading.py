"""Two sides read at once, each with its next page asked for while the one before is put away."""

import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event, Thread
from typing import Any, TypeVar

from ..errors import StoppedError

PageT = TypeVar("PageT")
FirstT = TypeVar("FirstT")
SecondT = TypeVar("SecondT")

Step = tuple[PageT | None, BaseException | None]
"""A page, or how the pages ended: with an error, or with neither."""

WAIT_SECONDS = 0.2


class Brake:
    """Says between pages whether reading goes on."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self._stopped, self._failed = stopped, Event()

    def pull(self) -> None:
        """The other side has failed."""
        self._failed.set()

    def check(self) -> None:
        """Raises StoppedError when nobody wants the pages any more."""
        if self._failed.is_set() or self._stopped():
            raise StoppedError


def ahead(pages: Iterable[PageT], brake: Brake) -> Iterator[PageT]:
    """The pages, read in a thread that is one page ahead. An error comes out where its page would have."""
    ready: queue.Queue[Step[PageT]] = queue.Queue(maxsize=1)
    over = Event()

    def put(page: PageT | None, error: BaseException | None) -> None:
        while not over.is_set():
            try:
                ready.put((page, error), timeout=WAIT_SECONDS)
            except queue.Full:
                continue
            return

    def read() -> None:
        try:
            for page in pages:
                put(page, None)
                if over.is_set():
                    return
            put(None, None)
        except BaseException as error:  # it is raised again by the thread that waits for the page
            put(None, error)

    thread = Thread(target=read, name="pages", daemon=True)
    thread.start()
    try:
        while True:
            page, error = _next(ready, brake)
            if error is not None:
                raise error
            if page is None:
                return
            yield page
    finally:
        over.set()


def both(first: Callable[[], FirstT], second: Callable[[], SecondT], brake: Brake) -> tuple[FirstT, SecondT]:
    """Does both at once. The first error ends both."""
    with ThreadPoolExecutor(2, thread_name_prefix="side") as pool:
        one, other = pool.submit(first), pool.submit(second)
        tasks: list[Future[Any]] = [one, other]
        done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
        if any(task.exception() for task in done):
            brake.pull()
        errors = [error for error in (one.exception(), other.exception()) if error]
        for error in sorted(errors, key=lambda error: isinstance(error, StoppedError)):
            raise error
        return one.result(), other.result()


def _next(
    ready: "queue.Queue[tuple[PageT | None, BaseException | None]]", brake: Brake
) -> tuple[PageT | None, BaseException | None]:
    while True:
        brake.check()
        try:
            return ready.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            continue
