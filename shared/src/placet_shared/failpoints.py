"""Places where a test may end or stop the process, as a crash or a stall: `PLACET_FAILPOINT=after_ldap_write:exit`.

Several are separated by commas; each strikes once. Where events are handled or sent, each topic has a place of its own:
`before_commit/run-approved:exit`.
"""

import os
import signal
from collections.abc import Callable

Failpoint = Callable[[str], None]
"""Called with the name of a place; most of the time it does nothing."""

EXIT_CODE = 137


def no_failpoint(_name: str) -> None:
    """Nothing ever happens."""


def place_of(name: str, topic: str) -> str:
    """The name of a place that each topic has for itself."""
    return f"{name}/{topic.removeprefix('placet.')}"


def failpoint_of(setting: str | None) -> Failpoint:
    """What happens at the named places: `exit` without any clean-up, or `stop` until SIGCONT. Raises ValueError for
    another action."""
    if setting is None:
        return no_failpoint
    armed = dict(_place_and_action(one) for one in setting.split(","))

    def strike(name: str) -> None:
        if action := armed.pop(name, None):
            action()

    return strike


def _exit() -> None:
    os._exit(EXIT_CODE)


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


_ACTIONS = {"exit": _exit, "stop": _stop}


def _place_and_action(text: str) -> tuple[str, Callable[[], None]]:
    place, _, action = text.partition(":")
    if action not in _ACTIONS:
        raise ValueError(f"PLACET_FAILPOINT: {text!r} should be a place with :exit or :stop")
    return place, _ACTIONS[action]
