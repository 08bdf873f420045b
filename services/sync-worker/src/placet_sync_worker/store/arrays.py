"""Many values as one parameter: a statement takes 65,535 of them, and a whole plan may be a batch."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine


def any_of(values: Iterable[Any], kind: type[TypeEngine[Any]]) -> Any:
    """What a column is compared with, instead of `in_`; `kind` is the column's type."""
    return any_(literal(list(values), ARRAY(kind)))
