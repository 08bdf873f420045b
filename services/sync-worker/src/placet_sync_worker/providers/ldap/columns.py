"""Entries as Arrow columns. Pure.

Nearly all time of a large read is spent here: values go straight from the message into their column, without an object
for each entry or attribute between.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from ...ports import DN, OCTETS, Entry
from .ber import bounds


def columns_of(entries: Sequence[Entry], attributes: Sequence[str]) -> pa.RecordBatch:
    """`@dn`, and each attribute as list<binary>."""
    columns = [pa.array([entry.attributes.get(name, ()) for entry in entries], OCTETS) for name in attributes]
    return _batch([entry.dn for entry in entries], attributes, columns)


def decode_columns(contents: Sequence[bytes], attributes: Sequence[str]) -> pa.RecordBatch:
    """The same from entries as they travel (SearchResultEntry, RFC 4511, 4.5.2)."""
    places = {name.lower().encode(): place for place, name in enumerate(attributes)}
    places |= {name.encode(): place for place, name in enumerate(attributes)}
    values: list[list[bytes]] = [[] for _ in attributes]
    ends: list[list[int]] = [[0] for _ in attributes]
    names = []
    for content in contents:
        names.append(_decode(content, places, values))
        for column, end in zip(values, ends, strict=True):
            end.append(len(column))
    columns = [
        pa.ListArray.from_arrays(pa.array(end, pa.int32()), pa.array(column, pa.binary()))
        for column, end in zip(values, ends, strict=True)
    ]
    return _batch(names, attributes, columns)


def _decode(content: bytes, places: Mapping[bytes, int], values: list[list[bytes]]) -> bytes:
    """Puts an entry's values into their columns; gives its name. Inlined by hand; what nobody asked for is left out."""
    start, at = bounds(content, 0)
    name = content[start:at]
    at, end = bounds(content, at)
    while at < end:
        at = at + 2 if content[at + 1] < 0x80 else bounds(content, at)[0]
        start = at + 2
        at = start + content[at + 1]
        place = places.get(content[start:at])
        if place is None:
            place = places.get(content[start:at].lower())
        start, at = (at + 2, at + 2 + content[at + 1]) if content[at + 1] < 0x80 else bounds(content, at)
        if place is None:
            continue
        column = values[place]
        while start < at:
            size = content[start + 1]
            if size < 0x80:
                stop = start + 2 + size
                column.append(content[start + 2 : stop])
            else:
                first, stop = bounds(content, start)
                column.append(content[first:stop])
            start = stop
    return name


def _batch(names: Sequence[str | bytes], attributes: Sequence[str], columns: Sequence[pa.Array]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(names, pa.string()), *columns], names=[DN, *attributes])
