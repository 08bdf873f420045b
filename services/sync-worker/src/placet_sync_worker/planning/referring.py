"""Finds the entries of a store that refer to others: one read for each attribute, whatever the number of those."""

from collections.abc import Iterable, Iterator, Sequence

from ..errors import UnknownAttributeError, UnknownObjectTypeError
from ..ports import DN, ID, VERSION, Destination
from .carrying import Carrying
from .comparing import lenient
from .referrers import Following, Going, Referrer


def referrers_of(
    destination: Destination, following: Following, carrying: Carrying, attributes: Sequence[str]
) -> dict[str, Referrer]:
    """By their ids, with those that name what is perhaps carried; attributes that the schema lacks, or nobody may
    write, refer to nothing."""
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
                refers = following.follows(values or ()) or any(carrying.named_among(values or ()))
                if refers and not destination.protected(dn, removing=False):
                    one = found.setdefault(id_, Referrer(id_, version, dn, {}))
                    found[id_] = Referrer(id_, version, dn, {**one.values, attribute.name: tuple(values)})
    return found


def carried(destination: Destination, carrying: Carrying, names: Iterable[str]) -> Iterator[Going]:
    """The entries that have these names and are carried along with renamed ones: one read below each of these."""
    key = lenient(carrying.naming.key)
    wanted = set(map(key, carrying.named_among(names)))
    for above in carrying.outermost() if wanted else ():
        for page in destination.read([], None, above.dn):
            dns = zip(page.column(ID).to_pylist(), page.column(DN).to_pylist(), strict=True)
            found = (carrying.carried(id_, dn) for id_, dn in dns if key(dn) in wanted)
            yield from (one for one in found if one)


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
