"""Finds the entries of a store that refer to others: one read for each attribute, whatever the number of those."""

from collections.abc import Iterable, Iterator, Sequence

from ..errors import UnknownAttributeError, UnknownObjectTypeError
from ..ports import DN, ID, VERSION, Destination
from .referrers import Following, Referrer


def referrers_of(destination: Destination, following: Following, attributes: Sequence[str]) -> dict[str, Referrer]:
    """By their ids; attributes that the schema lacks, or nobody may write, refer to nothing."""
    found: dict[str, Referrer] = {}
    for asked in attributes:
        try:
            attribute = destination.attribute(asked)
        except UnknownAttributeError:
            continue
        if not attribute.refers or not attribute.writable:
            continue
        for page in destination.read([attribute.name], None):
            columns = (page.column(name).to_pylist() for name in (ID, VERSION, DN, attribute.name))
            for id_, version, dn, values in zip(*columns, strict=True):
                if following.follows(values or ()) and not destination.protected(dn, removing=False):
                    one = found.setdefault(id_, Referrer(id_, version, dn, {}))
                    found[id_] = Referrer(id_, version, dn, {**one.values, attribute.name: tuple(values)})
    return found


def last_values(
    destination: Destination, following: Following, referrers: Iterable[Referrer]
) -> Iterator[tuple[str, str]]:
    """(id, reason) of entries that are to be deleted although others need them: their object classes want a value."""
    emptied = {one.id: (one, list(following.emptied(one))) for one in referrers}
    gone = {one.id for one in following.going if one.then is None}
    emptied = {id_: pair for id_, pair in emptied.items() if pair[1] and id_ not in gone}
    for id_, image in destination.images(list(emptied)):
        referrer, names = emptied[id_]
        needed = _required(destination, image.get("objectClass", ()))
        for name in names:
            if name in needed:
                reason = f"{referrer.dn} needs a {name}, and has no other; give it another first, or remove it"
                goes = map(following.named, referrer.values[name])
                yield from ((one.id, reason) for one in goes if one is not None)


def _required(destination: Destination, classes: Iterable[str]) -> set[str]:
    required: set[str] = set()
    for name in classes:
        try:
            required |= destination.object_type(name).required
        except UnknownObjectTypeError:  # an auxiliary or abstract class
            continue
    return required
