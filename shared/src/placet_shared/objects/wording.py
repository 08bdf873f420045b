"""How an attribute is made, for people. Pure."""

from collections.abc import Callable, Mapping

from .base import format_duration
from .job import Field, Substring
from .password import Password


def transform_in_words(field: Field) -> str:
    """The transform of a field: `the first 1 of first_name`."""
    made: Mapping[str, Callable[[], str]] = {
        "from": lambda: f"from {field.from_}" + (f", split at {field.split!r}" if field.split else ""),
        "static": lambda: f"always {_quoted(field.static)}",
        "join": lambda: f"{' + '.join(field.join or ())}, joined by {field.separator!r}",
        "left": lambda: f"the first {field.left.length} of {field.left.from_}" if field.left else "",
        "substring": lambda: _substring(field.substring) if field.substring else "",
        "script": lambda: f"script: {_first_line(field.script or '')}",
        "password": lambda: _password(field.password) if field.password else "",
    }
    return made[field.transform]()


def _password(made: Password) -> str:
    who = ", ".join(("any admin", *made.deliver_to))
    kept = format_duration(made.expires_after)
    return f"a random password of {made.length} characters, kept for {who} for {kept}: `placet run passwords RUN`"


def _substring(part: Substring) -> str:
    return f"characters {part.start} to {part.start + part.length - 1} of {part.from_}"


def _quoted(value: str | tuple[str, ...] | None) -> str:
    return ", ".join(repr(one) for one in ((value,) if isinstance(value, str) else value or ()))


def _first_line(script: str) -> str:
    lines = script.strip().splitlines() or [""]
    return lines[0] + (f" … ({len(lines)} lines)" if len(lines) > 1 else "")
