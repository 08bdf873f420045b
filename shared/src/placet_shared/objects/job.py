"""Jobs: what is copied from where to where, and under which care."""

import ast
import re
from datetime import timedelta
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator
from pydantic import Field as Option

from .base import ADDRESS, DistinguishedName, Duration, Name, Object, Part, Text, spelled
from .password import Password

Email = Annotated[str, spelled(ADDRESS, "an e-mail address such as ann@example.org")]


def parse_limit(value: object) -> object:
    """A number of changes, or a share such as `5%`, or None."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if whole or value is None:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}(\.\d+)?%", value):
        if Fraction(value.removesuffix("%")) <= 100:
            return value
        raise ValueError(f"{value} is more than all; the largest share is 100%, and null is for no limit")
    raise ValueError(f"{value!r} is not a number of changes, a share such as 5%, or null for no limit")


Limit = Annotated[str | int | None, BeforeValidator(parse_limit)]
"""How many changes of one kind pass without a person: a number, a share of the entries in the query, or no limit."""


def check_script(script: str) -> str:
    """Refuses what is neither an expression nor statements of Python; what it does is tried elsewhere."""
    try:
        ast.parse(script.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        try:
            ast.parse(script)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f" on line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            why = getattr(error, "msg", None) or str(error) or "it is nested too deeply"
            raise ValueError(f"the script cannot be read{line}: {why}") from error
    return script


TRANSFORMS = {
    "from": "from_",
    "static": "static",
    "join": "join",
    "left": "left",
    "substring": "substring",
    "script": "script",
    "password": "password",
}
"""How an attribute can be made, and the fields of `Field` that say so."""


class Source(Part):
    """Where records come from; `query: null` is the default query."""

    provider: Name
    query: str | None = None


class Destination(Part):
    """Where entries are kept. `container` and `rdn` place new entries of an identity store."""

    provider: Name
    query: str | None = None
    container: DistinguishedName | None = None
    rdn: str | None = None
    read_from: Literal["directory"] = "directory"


class Key(Part):
    """One pair of names that tells which record belongs to which entry."""

    source: Text
    destination: Text


class Left(Part):
    """The first characters of a column."""

    from_: str = Option(alias="from")
    length: Annotated[int, Option(ge=1)]


class Substring(Part):
    """Some characters of a column; the first of all is number 1."""

    from_: str = Option(alias="from")
    start: Annotated[int, Option(ge=1)]
    length: Annotated[int, Option(ge=1)]


class Field(Part):
    """How one attribute of the destination is made: exactly one transform. `split` makes many values of one."""

    to: Text
    from_: str | None = Option(default=None, alias="from")
    split: Annotated[str, Option(min_length=1)] | None = None
    static: str | tuple[str, ...] | None = None
    join: tuple[str, ...] | None = None
    separator: str = " "
    left: Left | None = None
    substring: Substring | None = None
    script: Annotated[str, AfterValidator(check_script)] | None = None
    password: Password | None = None
    only_on_create: bool = False
    compare: Literal["exact", "matching_rule"] = "exact"

    @property
    def transform(self) -> str:
        """The name of the one transform that is given."""
        return next(name for name, field in TRANSFORMS.items() if getattr(self, field) is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The source columns that it names, those of a script aside."""
        parts = [part.from_ for part in (self.left, self.substring) if part]
        return (*([self.from_] if self.from_ is not None else []), *(self.join or ()), *parts)

    @model_validator(mode="after")
    def _one_transform(self) -> Self:
        if sum(getattr(self, field) is not None for field in TRANSFORMS.values()) != 1:
            raise ValueError(f"give exactly one of {', '.join(TRANSFORMS)} for {self.to}")
        if self.split is not None and self.from_ is None:
            raise ValueError(f"split: it goes with from, so say which column of {self.to} to split")
        if self.password is not None and not self.only_on_create:
            raise ValueError(
                f"password: {self.to} needs only_on_create: true, since nobody can read a password to compare it, and"
                " each run would set another one"
            )
        return self


class Limits(Part):
    """Above these a person decides, whatever the workflow says."""

    create: Limit = None
    update: Limit = None
    move: Limit = None
    disable: Limit = "5%"
    delete: Limit = "5%"


class Notify(Part):
    """Whom to tell, and when."""

    enabled: bool = True
    to: tuple[Email, ...] = Option(default=(), min_length=0)
    when: Literal["always", "records_updated", "errors", "failed"] = "always"

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.enabled and not self.to:
            raise ValueError("notify is enabled but `to` names nobody")
        return self


class Job(Object):
    """One direction of copying, with its gate."""

    kind: Literal["job"] = "job"
    object_type: str | None = None
    source: Source
    destination: Destination
    key: Annotated[tuple[Key, ...], Option(min_length=1)]
    fields_: Annotated[tuple[Field, ...], Option(alias="fields", min_length=1)]
    missing: Literal["create", "skip"] = "create"
    extra: Literal["skip", "disable", "move", "delete"] = "skip"
    move_to: DistinguishedName | None = None
    create_move_to: bool = False
    extra_scope: Literal["linked", "all"] = "linked"
    empty_values: Literal["keep", "clear"] = "keep"
    mode: Literal["all", "changed"] = "all"
    time_stamp: Text | None = None
    overlap: Duration | None = None
    preview_when_finished: bool = False
    notify: Notify | None = None
    workflow: Name | None = None
    limits: Limits = Limits()
    schedule: Name | None = None
    give_up_after: Duration = timedelta(minutes=30)

    @model_validator(mode="after")
    def _somewhere_to_move(self) -> Self:
        if (self.extra == "move") != (self.move_to is not None):
            raise ValueError("move_to: it goes with extra: move, and says where entries without a record are moved")
        if self.create_move_to and self.move_to is None:
            raise ValueError("create_move_to: it goes with move_to, and makes that where it is missing")
        return self

    @property
    def read_again(self) -> timedelta:
        """How far before the newest stamp the next run reads on: rows are committed later than they are stamped."""
        return timedelta(minutes=5) if self.overlap is None else self.overlap

    @property
    def password(self) -> Password | None:
        """How the passwords of its new entries are made; None where they get none."""
        return next((field.password for field in self.fields_ if field.password is not None), None)

    @model_validator(mode="after")
    def _only_what_changed(self) -> Self:
        if self.mode == "all":
            for name in ("time_stamp", "overlap"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name}: it goes with mode: changed")
        elif self.time_stamp is None:
            raise ValueError("mode: changed needs time_stamp, the source column that says when a record last changed")
        elif self.extra != "skip":
            raise ValueError(
                f"extra: {self.extra} does not go with mode: changed: a run that reads only what changed cannot know"
                " what is gone; set `extra: skip`, and remove by a job of its own with mode: all"
            )
        return self

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        made = [field.to for field in self.fields_ if field.password is not None]
        if len(made) > 1:
            raise ValueError(f"fields: {' and '.join(made)} would get passwords of their own; a new entry has one")
        return self

    @model_validator(mode="after")
    def _each_attribute_once(self) -> Self:
        seen: set[str] = set()
        for field in self.fields_:
            if field.to.lower() in seen:
                raise ValueError(f"fields: {field.to} is mapped twice")
            seen.add(field.to.lower())
        return self
