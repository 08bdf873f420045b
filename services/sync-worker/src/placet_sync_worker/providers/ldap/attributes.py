"""How a directory treats its attributes, from its schema: comparing, octets and texts. Pure."""

import base64
from collections.abc import Callable, Sequence

from ...ports import Attribute
from .matching import BINARY, BY_RULE, BY_SYNTAX, NAMES, SAMPLE, SAMPLES, binary, unchanged
from .schema import AttributeType, Schema

PASSWORDS = frozenset(
    {
        "userpassword",
        "authpassword",
        "pwdhistory",
        "sambantpassword",
        "sambalmpassword",
        "krbprincipalkey",
        "unicodepwd",
    }
)
"""Never shown, and taken as texts though their syntax is octets."""

TAKES_PASSWORD = "userPassword"  # noqa: S105  # the name of an attribute


def is_password(name: str) -> bool:
    """Also with an option, such as `userPassword;lang-en`."""
    return name.partition(";")[0].lower() in PASSWORDS


class Attributes:
    """Looks attributes up, once each, and converts their values."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._known: dict[str, Attribute] = {}
        self._octets: dict[str, bool] = {}

    def named(self, name: str) -> Attribute:
        """Under the schema's first name, with the option that was asked for. Raises UnknownAttributeError."""
        if name not in self._known:
            self._known[name] = self._named(name)
        return self._known[name]

    def _named(self, name: str) -> Attribute:
        kind = self.schema.attribute_type(name)
        option = name.partition(";")[2]
        rule, is_binary = self.schema.equality(kind), self._is_binary(kind, option)
        return Attribute(
            name=f"{kind.name};{option}" if option else kind.name,
            single_valued=kind.single_valued,
            writable=kind.user_modifiable,
            readable=not is_password(kind.name),
            has_equality=rule is not None,
            fold=self._fold(rule, is_binary),
            decode=binary if is_binary else BY_SYNTAX.get(self.schema.syntax(kind) or ""),
            password=kind.name == TAKES_PASSWORD and not option,
            refers=not is_binary and self.schema.syntax(kind) in NAMES,
        )

    def on_wire(self, name: str) -> str:
        """The name by which it is asked for."""
        return name

    def knows(self, name: str) -> bool:
        return name.partition(";")[0].lower() in self.schema.attribute_types

    def encode(self, name: str, values: Sequence[str]) -> tuple[bytes, ...]:
        """The octets on the wire. Raises ValueError where octets are not written in base64."""
        if self.shows_base64(name):
            return tuple(base64.b64decode(value, validate=True) for value in values)
        return tuple([value.encode() for value in values])

    def sample(self, name: str) -> bytes:
        """Octets that the syntax allows. Raises UnknownAttributeError."""
        return SAMPLES.get(self.schema.syntax(self.schema.attribute_type(name)) or "", SAMPLE)

    def text(self, name: str, value: bytes) -> str:
        """The octets as text: in base64 where the syntax is binary; what is no UTF-8 with backslashes."""
        if self.shows_base64(name):
            return base64.b64encode(value).decode()
        return value.decode(errors="backslashreplace")

    def plain(self, name: str) -> bool:
        """Whether the octets are the text."""
        return not self.shows_base64(name)

    def shows_base64(self, name: str) -> bool:
        if name not in self._octets:
            self._octets[name] = self._shows_base64(name)
        return self._octets[name]

    def _shows_base64(self, name: str) -> bool:
        base, _, option = name.partition(";")
        kind = self.schema.attribute_types.get(base.lower())
        return option.lower() == "binary" if kind is None else self._is_binary(kind, option)

    def _is_binary(self, kind: AttributeType, option: str) -> bool:
        if is_password(kind.name):
            return False
        return option.lower() == "binary" or self.schema.syntax(kind) in BINARY

    def _fold(self, rule: str | None, is_binary: bool) -> Callable[[str], str]:
        if is_binary:
            return binary
        if rule is not None and rule.lower() in ("objectidentifiermatch", "2.5.13.0"):
            return self._identifier
        return BY_RULE.get((rule or "").lower(), unchanged)

    def _identifier(self, value: str) -> str:
        """A class or an attribute under its first name."""
        known = self.schema.object_classes.get(value.lower()) or self.schema.attribute_types.get(value.lower())
        return (known.name if known else value).lower()
