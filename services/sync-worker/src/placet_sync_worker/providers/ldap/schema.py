"""A directory's own description of its attributes and object classes (RFC 4512, 4.1). Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ...errors import UnknownAttributeError, UnknownObjectTypeError
from ...hints import nearest

LIKENESS = 0.6
"""Of a name that is meant: a schema has many that are a little alike."""

_TOKEN = re.compile(r"'((?:[^'\\]|\\.)*)'|([()$])|([^\s()$']+)")
_FLAGS = frozenset(
    {"OBSOLETE", "SINGLE-VALUE", "COLLECTIVE", "NO-USER-MODIFICATION", "ABSTRACT", "STRUCTURAL", "AUXILIARY"}
)

Kind = Literal["abstract", "structural", "auxiliary"]


@dataclass(frozen=True, slots=True)
class AttributeType:
    """An attribute; `equality` and `syntax` are inherited where it has none of its own."""

    names: tuple[str, ...]
    oid: str
    superior: str | None
    equality: str | None
    syntax: str | None
    single_valued: bool
    user_modifiable: bool

    @property
    def name(self) -> str:
        """The first name, by which it is known here."""
        return self.names[0] if self.names else self.oid


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """An object class, without what its superiors add."""

    names: tuple[str, ...]
    oid: str
    superiors: tuple[str, ...]
    kind: Kind
    must: tuple[str, ...]
    may: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[0] if self.names else self.oid


@dataclass(frozen=True)
class Schema:
    """Looked up by any name, in any case, and by OID."""

    attribute_types: Mapping[str, AttributeType]
    object_classes: Mapping[str, ObjectClass]

    @classmethod
    def parse(cls, attribute_types: Iterable[str], object_classes: Iterable[str]) -> "Schema":
        """From the values of the subschema entry; a description that cannot be read is left out."""
        attributes = list(filter(None, map(_attribute_type, attribute_types)))
        classes = list(filter(None, map(_object_class, object_classes)))
        return cls(
            {key.lower(): one for one in attributes for key in (one.oid, *one.names)},
            {key.lower(): one for one in classes for key in (one.oid, *one.names)},
        )

    def attribute_type(self, name: str) -> AttributeType:
        """Raises UnknownAttributeError. Options such as `;binary` do not matter."""
        found = self.attribute_types.get(name.partition(";")[0].lower())
        if found is None:
            raise UnknownAttributeError(f"the directory's schema has no attribute {name}{self._near(name)}")
        return found

    def equality(self, kind: AttributeType) -> str | None:
        """The name of its equality rule."""
        return next((one.equality for one in self._line(kind) if one.equality), None)

    def syntax(self, kind: AttributeType) -> str | None:
        """The OID of its syntax."""
        return next((one.syntax for one in self._line(kind) if one.syntax), None)

    def object_class(self, name: str) -> ObjectClass:
        """Raises UnknownObjectTypeError."""
        found = self.object_classes.get(name.lower())
        if found is None:
            near = nearest(name.lower(), self.object_classes, LIKENESS)
            hint = f"; did you mean {self.object_classes[near].name}?" if near else ""
            raise UnknownObjectTypeError(f"the directory's schema has no object class {name}{hint}")
        return found

    def superiors(self, found: ObjectClass) -> list[ObjectClass]:
        """All classes that it stands for: the uppermost first, itself last."""
        above: list[ObjectClass] = []
        for name in found.superiors:
            above += [one for one in self.superiors(self.object_class(name)) if one not in above]
        return [*above, found]

    def canonical(self, names: Iterable[str]) -> frozenset[str]:
        """The first names of attributes; what the schema does not know keeps its name."""
        known = self.attribute_types
        return frozenset(known[name.lower()].name if name.lower() in known else name for name in names)

    def _line(self, kind: AttributeType) -> Iterator[AttributeType]:
        """An attribute and those that it inherits from."""
        seen = 0
        following: AttributeType | None = kind
        while following is not None and seen < 20:
            yield following
            following = self.attribute_types.get((following.superior or "").lower())
            seen += 1

    def _near(self, name: str) -> str:
        near = nearest(name.lower(), self._names, LIKENESS)
        return f"; did you mean {self.attribute_types[near].name}?" if near else ""

    @cached_property
    def _names(self) -> Sequence[str]:
        return [name for name in self.attribute_types if not name[0].isdigit()]


def _attribute_type(text: str) -> AttributeType | None:
    described = _describe(text)
    if described is None:
        return None
    oid, words = described
    syntax = _one(words, "SYNTAX")
    return AttributeType(
        names=words.get("NAME", ()),
        oid=oid,
        superior=_one(words, "SUP"),
        equality=_one(words, "EQUALITY"),
        syntax=syntax.partition("{")[0] if syntax else None,
        single_valued="SINGLE-VALUE" in words,
        user_modifiable="NO-USER-MODIFICATION" not in words and "COLLECTIVE" not in words,
    )


def _object_class(text: str) -> ObjectClass | None:
    described = _describe(text)
    if described is None:
        return None
    oid, words = described
    kind: Kind = "abstract" if "ABSTRACT" in words else "auxiliary" if "AUXILIARY" in words else "structural"
    empty: tuple[str, ...] = ()
    names, superiors = words.get("NAME", empty), words.get("SUP", empty)
    return ObjectClass(names, oid, superiors, kind, words.get("MUST", empty), words.get("MAY", empty))


def _one(words: Mapping[str, tuple[str, ...]], keyword: str) -> str | None:
    return next(iter(words.get(keyword, ())), None)


def _describe(text: str) -> tuple[str, dict[str, tuple[str, ...]]] | None:
    """The OID and what each keyword says."""
    tokens = [found[1] if found[1] is not None else found[2] or found[3] for found in _TOKEN.finditer(text)]
    if len(tokens) < 3 or tokens[0] != "(":
        return None
    words: dict[str, tuple[str, ...]] = {}
    place = 2
    while place < len(tokens) and tokens[place] != ")":
        keyword = tokens[place]
        place += 1
        if keyword in _FLAGS:
            words[keyword] = ()
        elif tokens[place : place + 1] == ["("]:
            end = tokens.index(")", place) if ")" in tokens[place:] else len(tokens)
            words[keyword] = tuple(word for word in tokens[place + 1 : end] if word != "$")
            place = end + 1
        else:
            words[keyword] = tuple(tokens[place : place + 1])
            place += 1
    return tokens[1], words
