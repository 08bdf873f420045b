"""From a plain document to an object, or to one sentence that says what is wrong with it."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ..complaints import complaint
from ..errors import InvalidError
from .base import Object
from .job import Job
from .provider import (
    AccessProvider,
    ActiveDirectoryProvider,
    CsvProvider,
    ExcelProvider,
    LdapProvider,
    Provider,
    SqlProvider,
)
from .schedule import Schedule
from .workflow import Workflow

KINDS: Mapping[str, TypeAdapter[Any]] = {
    "provider": TypeAdapter(Provider),
    "job": TypeAdapter(Job),
    "schedule": TypeAdapter(Schedule),
    "workflow": TypeAdapter(Workflow),
}
"""Every kind of document, in the order in which they refer to each other."""

_MODELS: Mapping[str, type[BaseModel]] = {
    "csv": CsvProvider,
    "excel": ExcelProvider,
    "access": AccessProvider,
    "ldap": LdapProvider,
    "active_directory": ActiveDirectoryProvider,
    "sql": SqlProvider,
    "job": Job,
    "schedule": Schedule,
    "workflow": Workflow,
}


def parse_object(document: Mapping[str, Any]) -> Object:
    """The object that a document describes.

    Raises InvalidError with `field` (a dotted path such as `fields.2.from`); for an unknown field with the nearest one.
    """
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidError(f"kind: {kind!r} is unknown{_nearest(str(kind), list(KINDS))}", field="kind")
    try:
        parsed: Object = KINDS[kind].validate_python(document)
    except ValidationError as error:
        raise _explain(document, error) from error
    return parsed


def _explain(document: Mapping[str, Any], error: ValidationError) -> InvalidError:
    found = error.errors(include_url=False, include_input=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    path = _path(document, first)
    field = ".".join(path)
    if first["type"] == "extra_forbidden":
        message = f"unknown field{_nearest(path[-1], _fields_at(_model(document), path[:-1]))}"
    else:
        message = complaint(first)
    if first["type"] == "model_type":
        message += f": {', '.join(_fields_at(_model(document), path))}"
    said = not field or message.startswith(f"{field}:")
    return InvalidError(message if said else f"{field}: {message}", field=field or _named_by(first, message, document))


def _named_by(first: ErrorDetails, message: str, document: Mapping[str, Any]) -> str | None:
    """A rule about the whole document begins with the field that is at fault."""
    field = "type" if first["type"].startswith("union_tag") else message.partition(":")[0]
    return field if field == "type" or field in document else None


def _path(document: Mapping[str, Any], error: ErrorDetails) -> list[str]:
    """Where the error is in the document; pydantic also names the members of unions that it tried."""
    found, here = [], cast(Any, document)
    for part in error["loc"]:
        if part in here if isinstance(here, Mapping) else isinstance(here, list) and isinstance(part, int):
            here = here[part]
            found.append(str(part))
    return [*found, str(error["loc"][-1])] if error["type"] == "missing" else found


def _model(document: Mapping[str, Any]) -> type[BaseModel]:
    return _MODELS[str(document.get("type") if document["kind"] == "provider" else document["kind"])]


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """The names that a document may use at a path below a model."""
    for part in path:
        for name, info in model.model_fields.items():
            if part == (info.alias or name):
                model = _model_of(info.annotation) or model
    return [info.alias or name for name, info in model.model_fields.items()]


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_of(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found), None)


def _nearest(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"
