"""How Active Directory treats its attributes: what may be written, how values compare, octets and texts. Pure.

`userAccountControl;ACCOUNTDISABLE` is one bit of a number, TRUE or FALSE: a plan sets and clears bits and leaves the
others alone. The number itself cannot be written.
"""

import base64
from collections.abc import Callable, Sequence
from functools import partial

from ...errors import UnknownAttributeError
from ...ports import Attribute
from ..ldap.attributes import Attributes
from ..ldap.matching import binary, boolean, generalized_time, integer
from . import values
from .schema import AdAttributeType, AdSchema

ACCOUNT_CONTROL = "userAccountControl"
PASSWORD = "unicodePwd"  # noqa: S105  # the name of an attribute

TIMES = frozenset(
    {"accountexpires", "badpasswordtime", "lastlogoff", "lastlogon", "lastlogontimestamp", "lockouttime", "pwdlastset"}
)
"""Large integers that are times since 1601."""

GUIDS = frozenset({"objectguid", "invocationid", "schemaidguid", "attributesecurityguid", "ms-ds-consistencyguid"})
SECRETS = frozenset(
    {"unicodepwd", "dbcspwd", "userpassword", "supplementalcredentials", "ntpwdhistory", "lmpwdhistory"}
)
"""Never given to anybody."""

KEPT_BY_THE_SERVER = frozenset({"samaccounttype", "badpwdcount", "badpasswordtime", "lastlogon", "lastlogoff",
                                "lastlogontimestamp", "logoncount", "dbcspwd", "userpassword",
                                "supplementalcredentials"})  # fmt: skip
"""Not said to be so by the schema."""

_SYNTAXES: dict[str, Callable[[str], str]] = {
    "2.5.5.1": values.reference,
    "2.5.5.7": values.reference_with_octets,
    "2.5.5.14": values.reference_with_text,
    "2.5.5.8": boolean,
    "2.5.5.9": integer,
    "2.5.5.16": integer,
    "2.5.5.11": generalized_time,
    "2.5.5.10": binary,
    "2.5.5.15": binary,
}
"""Syntaxes in which one value may be written in several ways, by attributeSyntax."""

_OCTETS, _SID, _SECURITY = "2.5.5.10", "2.5.5.17", "2.5.5.15"
_EXACT = frozenset({"2.5.5.3", "2.5.5.5", "2.5.5.6", _SID})
"""Compared to the letter, as far as is known; in small letters for identities."""


class AdAttributes(Attributes):
    """See `Attributes`."""

    def __init__(self, described: AdSchema) -> None:
        super().__init__(described.schema)
        self.described = described

    def _named(self, name: str) -> Attribute:
        base, _, flag = name.partition(";")
        kind = self._kind(base)
        if flag:
            return self._flag(kind, flag)
        low = kind.name.lower()
        return Attribute(
            name=kind.name,
            single_valued=self.schema.attribute_type(base).single_valued,
            writable=self._refusal(kind) is None,
            readable=low not in SECRETS,
            has_equality=low not in SECRETS and kind.syntax != _SECURITY,
            fold=self._fold_of(kind),
            decode=self._form_of(kind),
            longest=kind.longest if kind.syntax in ("2.5.5.12", "2.5.5.5", "2.5.5.4", "2.5.5.3") else None,
            refusal=self._refusal(kind),
            password=kind.name == PASSWORD,
        )

    def _kind(self, base: str) -> AdAttributeType:
        return self.described.attributes[self.schema.attribute_type(base).name.lower()]

    def _flag(self, kind: AdAttributeType, flag: str) -> Attribute:
        if kind.name != ACCOUNT_CONTROL or flag.upper() not in values.ACCOUNT_FLAGS:
            known = ", ".join(values.ACCOUNT_FLAGS)
            raise UnknownAttributeError(
                f"{kind.name};{flag} is nothing that Active Directory has; flags of {ACCOUNT_CONTROL} are {known}"
            )
        name = f"{ACCOUNT_CONTROL};{flag.upper()}"
        return Attribute(name, single_valued=True, writable=True, readable=True, has_equality=True, fold=boolean,
                         decode=boolean)  # fmt: skip

    def _refusal(self, kind: AdAttributeType) -> str | None:
        """Why an attribute cannot be written."""
        low = kind.name.lower()
        if kind.name == ACCOUNT_CONTROL:
            return f"is written bit by bit; name one as in {ACCOUNT_CONTROL};ACCOUNTDISABLE, with TRUE or FALSE"
        if kind.constructed:
            return "is constructed when it is read, and cannot be written"
        if kind.back_link:
            return "follows from what other entries say, and cannot be written; write the attribute that refers here"
        if low in KEPT_BY_THE_SERVER or not self.schema.attribute_type(kind.name).user_modifiable:
            return "is kept by the server itself and cannot be written"
        return None

    def _fold_of(self, kind: AdAttributeType) -> Callable[[str], str]:
        low = kind.name.lower()
        if low in GUIDS or kind.syntax == _SID or low == "objectclass":
            return str.lower
        if low in TIMES:
            return values.filetime_form
        if kind.syntax in _EXACT:
            return str
        return _SYNTAXES.get(kind.syntax, values.fold)

    def _form_of(self, kind: AdAttributeType) -> Callable[[str], str] | None:
        low = kind.name.lower()
        if low == "accountexpires":
            return values.filetime_form
        if low in TIMES:
            return lambda text: values.filetime_octets(text).decode()
        if low in SECRETS:
            return None
        if low in GUIDS:
            return lambda text: values.guid_text(values.guid_octets(text))
        if kind.syntax == _SID:
            return lambda text: values.sid_text(values.sid_octets(text))
        return _SYNTAXES.get(kind.syntax)

    # ---- octets and texts --------------------------------------------------------------------------------------------

    def on_wire(self, name: str) -> str:
        return name.partition(";")[0]

    def encode(self, name: str, values_: Sequence[str]) -> tuple[bytes, ...]:
        """See `Attributes`. Flags are put together by the store, not here."""
        encode = self._encoder(name)
        return tuple(map(encode, values_))

    def _encoder(self, name: str) -> Callable[[str], bytes]:
        low = name.lower()
        if low == PASSWORD.lower():
            return values.password_octets
        if low in GUIDS:
            return values.guid_octets
        if low in TIMES:
            return values.filetime_octets
        syntax = self._syntax(low)
        if syntax == _SID:
            return values.sid_octets
        if syntax in (_OCTETS, _SECURITY) and low not in SECRETS:
            return partial(base64.b64decode, validate=True)
        return str.encode

    def text(self, name: str, value: bytes) -> str:
        """See `Attributes`."""
        try:
            return self._decoder(name)(value)
        except ValueError:  # no GUID, SID or number, whatever the schema says
            return base64.b64encode(value).decode()

    def _decoder(self, name: str) -> Callable[[bytes], str]:
        base, _, flag = name.lower().partition(";")
        if flag and base == ACCOUNT_CONTROL.lower():
            return partial(values.flag_text, bit=values.ACCOUNT_FLAGS[flag.upper()])
        if base in GUIDS:
            return values.guid_text
        if base in TIMES:
            return values.filetime_text
        syntax = self._syntax(base)
        if syntax == _SID:
            return values.sid_text
        if syntax in (_OCTETS, _SECURITY) and base not in SECRETS:
            return lambda value: base64.b64encode(value).decode()
        return lambda value: value.decode(errors="backslashreplace")

    def _syntax(self, base: str) -> str:
        found = self.described.attributes.get(base.partition(";")[0])
        return found.syntax if found else ""

    def plain(self, name: str) -> bool:
        """Whether the octets are the text, so that columns need no Python."""
        base, _, flag = name.lower().partition(";")
        return not flag and base not in GUIDS | TIMES and self._syntax(base) not in (_OCTETS, _SID, _SECURITY)

    def shows_base64(self, name: str) -> bool:
        return not self.plain(name)
