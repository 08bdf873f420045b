"""What a source record was when a change was made from it, without its values. Pure."""

from hashlib import blake2b

from msgspec import json

from .deciding import Record
from .design import Design

RECORD_KEY_SIZE = 16
DIGEST_SIZE = 16


def record_digest(design: Design, key: bytes, record: Record, *, new: bool) -> str:
    """Equal for records that are mapped to the same values; of references counts what the source gave. The values of
    what only new entries get count for those alone. The key is the plan's own, so that nobody finds values by trying
    likely ones on another plan."""
    places = range(len(record.values)) if new else design.compared
    values = [sorted(record.given.get(place, record.values[place])) for place in places]
    return blake2b(json.encode([record.keys, values]), key=key, digest_size=DIGEST_SIZE).hexdigest()
