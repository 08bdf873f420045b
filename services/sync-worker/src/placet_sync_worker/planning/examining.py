"""Looks a job up in its source and destination, and says all that is wrong with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from placet_shared.errors import PlacetError
from placet_shared.objects import Field, Job
from placet_shared.objects.provider import DisableSettings

from ..changes import Change
from ..errors import (
    InvalidNameError,
    ScriptError,
    UnknownAttributeError,
    UnknownColumnError,
    UnknownObjectTypeError,
    UnusableJobError,
)
from ..hints import hint
from ..mapping.script import columns_of
from ..ports import Attribute, Destination, Naming, ObjectType, Source
from .containers import missing_containers
from .design import Design, KeyPart, Options, Target


@dataclass
class Examination:
    """One look at a job. `problems` are in the order in which they were found; each is one sentence."""

    job: Job
    columns: Sequence[str] | None
    destination: Destination
    options: Options
    problems: list[PlacetError] = field(default_factory=list)

    def design(self) -> Design | None:
        """The job with its names looked up; None where there are problems."""
        object_type = self._object_type()
        keys = tuple(self._key(pair.source, pair.destination) for pair in self.job.key)
        targets = self._targets()
        disable = self._disable()
        unique = [self._attribute(name, "unique") for name in self.options.unique]
        columns, missing = wanted_columns(self.job, self.columns)
        self.problems += missing
        rdn = self._rdn(object_type)
        self._check_creates(rdn, targets)
        containers = self._move_to()
        if object_type is not None and object_type.no_creates and self.job.missing == "create":
            self._refuse(f"missing: create: {object_type.no_creates}; or set `missing: skip`")
        if self.problems or object_type is None:
            return None
        return Design(
            job=self.job,
            keys=tuple(part for part in keys if part),
            targets=targets,
            object_type=object_type,
            rdn=rdn,
            required=tuple(sorted(object_type.required)),
            query=self.job.destination.query or str(self.default_query()),
            columns=columns,
            disable=disable,
            unique=tuple(one for one in unique if one),
            containers=containers,
        )

    def default_query(self) -> str | None:
        """Entries of the type that have a key: what `query: null` means. None where the names are not known."""
        try:
            names = [self.destination.attribute(pair.destination).name for pair in self.job.key]
            kind = self.destination.object_type(self.job.object_type)
        except (UnknownAttributeError, UnknownObjectTypeError):
            return None
        return self.destination.default_query(kind, names)

    def _object_type(self) -> ObjectType | None:
        try:
            return self.destination.object_type(self.job.object_type)
        except UnknownObjectTypeError as error:
            self.problems.append(error)
            return None

    def _rdn(self, object_type: ObjectType | None) -> Attribute | None:
        """What names entries; None where nothing does."""
        if self.destination.naming is None or object_type is None:
            return None
        return self._attribute(self.job.destination.rdn or str(object_type.rdn), "destination.rdn")

    def _attribute(self, name: str, where: str) -> Attribute | None:
        try:
            return self.destination.attribute(name)
        except UnknownAttributeError as error:
            self.problems.append(UnknownAttributeError(f"{where}: {error}"))
            return None

    def _key(self, column: str, name: str) -> KeyPart | None:
        attribute = self._attribute(name, "key")
        if attribute is not None and not attribute.readable:
            self._refuse(f"key: {attribute.name} cannot be read back by the account, so no entry is found by it")
        return KeyPart(column, attribute) if attribute else None

    def _targets(self) -> tuple[Target, ...]:
        found: dict[str, Target] = {}
        for one in self.job.fields_:
            attribute = self._attribute(one.to, "fields")
            if attribute is None or not self._can_be_mapped(attribute, one):
                continue
            if attribute.name in found:
                self._refuse(f"fields: {found[attribute.name].field.to} and {one.to} are the same attribute")
            if isinstance(one.static, tuple) and len(one.static) > 1 and attribute.single_valued:
                self._refuse(f"fields: {attribute.name} takes one value, and {len(one.static)} are given")
            found[attribute.name] = Target(one, attribute, self._match(one, attribute))
        if self.job.missing == "create":
            self._add_keys(found)
        return tuple(found.values())

    def _match(self, one: Field, attribute: Attribute) -> Attribute | None:
        """What finds the entries that a field refers to."""
        if one.resolve is None:
            return None
        if self.destination.naming is None:
            self._refuse(f"fields: {attribute.name}: resolve gives names of entries, and here they have none; use from")
            return None
        if not attribute.refers:
            self._refuse(f"fields: {attribute.name} takes no names of entries, which resolve gives; use from")
        match = self._attribute(one.resolve.match, f"fields: {attribute.name}: match")
        if match is not None and not match.readable:
            self._refuse(f"fields: {attribute.name}: match: {match.name} cannot be read by the account")
        return match

    def _add_keys(self, found: dict[str, Target]) -> None:
        """A new entry gets its key even where no field says so: else it would be created again and again."""
        for pair in self.job.key:
            attribute = self._attribute(pair.destination, "key")
            if attribute is not None and attribute.name not in found:
                implied = Field.model_validate({"to": pair.destination, "from": pair.source, "only_on_create": True})
                found[attribute.name] = Target(implied, attribute)

    def _can_be_mapped(self, attribute: Attribute, field: Field) -> bool:
        """A password is made where the server takes one, and nowhere else does anything go that nobody can read."""
        if field.password is None or not attribute.writable:
            return self._can_be_written(attribute, "fields")
        if not attribute.password:
            self._refuse(f"fields: {attribute.name} takes no password that is made; map the attribute that logins use")
        elif not self.options.keeps_passwords:
            self._refuse(
                f"fields: {attribute.name}: the workers have no key to keep passwords with; set"
                " PLACET_PASSWORD_KEY_FILE for all of them"
            )
        return attribute.password

    def _can_be_written(self, attribute: Attribute, where: str) -> bool:
        if not attribute.writable:
            reason = attribute.refusal or "is kept by the server itself and cannot be written"
            self._refuse(f"{where}: {attribute.name} {reason}")
        elif not attribute.readable:
            instead = "; give it `password: {}`, and one is made" if attribute.password else ""
            self._refuse(
                f"{where}: {attribute.name} cannot be read back by the account, so no write could be proven{instead}"
            )
        return attribute.writable and attribute.readable

    def _disable(self) -> tuple[Attribute, DisableSettings] | None:
        if self.job.extra != "disable":
            return None
        settings = self.options.disable
        if settings is None:
            self._refuse("extra: disable needs to know what disables an entry: set `disable` of the provider")
            return None
        attribute = self._attribute(settings.attribute, "disable")
        return (attribute, settings) if attribute and self._can_be_written(attribute, "disable") else None

    def _move_to(self) -> tuple[Change, ...]:
        """What makes the place that entries are moved to, where it may be made."""
        naming, container, base = self.destination.naming, self.job.move_to, self.destination.identity().base_dn
        if container is None:
            return ()
        if naming is None:
            self._refuse("extra: move needs a directory: entries of a table or a file have no place to be moved to")
        elif not _is_within(naming, container, base):
            self._refuse(f"move_to: {container} is no name below {base}, the base of the provider")
        elif self.job.create_move_to:
            try:
                return missing_containers(self.destination, naming, container)
            except (UnusableJobError, UnknownObjectTypeError) as error:
                self.problems.append(error)
        elif not self.destination.holds(container):
            self._refuse(f"move_to: {container} is missing; create it, or set `create_move_to: true`")
        return ()

    def _check_creates(self, rdn: Attribute | None, targets: Iterable[Target]) -> None:
        naming = self.destination.naming
        if naming is None and (self.job.destination.container or self.job.destination.rdn):
            self._refuse("destination.container: its entries stand nowhere; leave it out")
        if self.job.missing != "create" or rdn is None or naming is None:
            return
        container, base = self.job.destination.container, self.destination.identity().base_dn
        if container is None:
            self._refuse("destination.container is missing: new entries need a place; or set `missing: skip`")
        elif not _is_within(naming, container, base):
            self._refuse(f"destination.container: {container} is no name below {base}, the base of the provider")
        if rdn.password:
            self._refuse(f"destination.rdn: {rdn.name} is a password and names nobody; choose another attribute")
        if rdn.name not in {target.name for target in targets}:
            self._refuse(f"fields: {rdn.name} names new entries, but no field makes it; map it, or set destination.rdn")

    def _refuse(self, reason: str) -> None:
        self.problems.append(UnusableJobError(reason))


def wanted_columns(job: Job, columns: Sequence[str] | None) -> tuple[tuple[str, ...], list[PlacetError]]:
    """What is read of a source with these columns (None: any), and what is wrong with that. A script whose columns
    cannot be told from its text gets all."""
    wanted, problems = {pair.source: "key" for pair in job.key}, list[PlacetError]()
    if job.time_stamp is not None:
        wanted.setdefault(job.time_stamp, "time_stamp")
    for one in job.fields_:
        try:
            for name in _columns_of(one, columns):
                wanted.setdefault(name, one.to)
        except (ScriptError, UnusableJobError) as error:
            problems.append(UnusableJobError(f"{one.to}: {error}"))
    problems += [_missing(n, where, columns) for n, where in wanted.items() if columns is not None and n not in columns]
    return tuple(wanted), problems


def _columns_of(one: Field, columns: Sequence[str] | None) -> Iterable[str]:
    if one.script is None:
        return one.columns
    names = columns_of(one.script)
    if names is None and columns is None:
        raise UnusableJobError("say source['name'] with names in quotes, so that it is known what to read")
    known = columns or ()
    return sorted(names) if names is not None else [name for name in known if known.count(name) == 1]


def _missing(name: str, where: str, columns: Sequence[str]) -> PlacetError:
    return UnknownColumnError(f"{where}: the source has no column {name}; {hint(name, columns)}")


def _is_within(naming: Naming, container: str, base: str) -> bool:
    try:
        return naming.within(container, base)
    except InvalidNameError:
        return False


def designed(job: Job, source: Source, destination: Destination, options: Options) -> Design:
    """The job with its names looked up. Raises the first of its problems."""
    examination = Examination(job, source.columns(job.source.query), destination, options)
    design = examination.design()
    if design is None:
        raise examination.problems[0]
    return design
