"""What is missing of the place that entries are moved to, as changes of the plan's own."""

from collections.abc import Iterator

from ..changes import AttributeChange, Change, Phase, Step
from ..errors import UnknownAttributeError, UnusableJobError
from ..ports import Destination, Naming, ObjectType

KIND = "organizational_unit"


def missing_containers(destination: Destination, naming: Naming, container: str) -> tuple[Change, ...]:
    """What makes a container and all that is missing above it, the highest first. Raises UnusableJobError where that
    is no organizational unit, UnknownObjectTypeError where the store has none."""
    missing = list(_missing(destination, naming, container))
    kind = destination.object_type(KIND) if missing else None
    return tuple(_creation(naming, dn, kind) for dn in reversed(missing) if kind)


def _missing(destination: Destination, naming: Naming, container: str) -> Iterator[str]:
    """From the container up to what is there; the base of the store always is."""
    base = naming.key(destination.identity().base_dn)
    while naming.key(container) != base and not destination.holds(container):
        yield container
        container = naming.split(container)[1]


def _creation(naming: Naming, dn: str, kind: ObjectType) -> Change:
    try:
        names, _ = naming.split(dn)
    except UnknownAttributeError:
        names = {}
    if list(names) != [kind.rdn]:
        raise UnusableJobError(f"move_to: {dn} is missing and no organizational unit; create it by hand")
    values = {**kind.given, **{name: (value,) for name, value in names.items()}}
    attributes = tuple(AttributeChange(name, (), given) for name, given in values.items())
    step = Step("add", Phase.CONTAINERS, attributes=tuple(values))
    return Change(dn, "create", dn, attributes, (step,), container=True)
